/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_counter.c: counters that are wrong at times, as SoCs have them, made here: what is read of
 * them never is. And which of them a tree names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/host/port_host.h"

/* the source itself: it is not among the objects that every host test links */
#include "boot/arm64/counter.c"

#include "tree.h"

static uint64_t ticks, seed, wrong; /* the true time; how many reads were wrong */

/* Near a carry out of the lowest 9 bits: higher ones are off by a power of two, up or down. */
static uint64_t sun50i(void)
{
	uint64_t random = host_random(&seed), low;

	ticks += random % 5 == 0;
	low = (ticks + 1) & 0x1ff;
	if (low > 1 || random >> 8 & 1)
		return ticks;
	wrong++;
	return random >> 9 & 1 ? ticks - (0x200ULL << (random >> 10 & 15))
			       : ticks + (0x200ULL << (random >> 10 & 15));
}

/* Some bits are inverted at times, other ones each time. */
static uint64_t a008585(void)
{
	uint64_t random = host_random(&seed);

	ticks += random % 7 == 0;
	if (random >> 8 & 3)
		return ticks;
	wrong++;
	return ticks ^ (random >> 20 | 1);
}

/* Right before a carry into the upper half it has happened there already. */
static uint64_t a73(void)
{
	uint64_t random = host_random(&seed);

	if ((uint32_t)ticks == UINT32_MAX) {
		wrong++;
		return ticks++ + (1ULL << 32);
	}
	return ticks += random % 2;
}

/* Reads from the time `from`: none may lie outside of the time that it took. */
static void expect_right(enum counter_erratum erratum, uint64_t (*read)(void), uint64_t from,
			 unsigned int reads)
{
	seed = 1;
	ticks = from;
	wrong = 0;
	for (unsigned int i = 0; i < reads; i++) {
		uint64_t before = ticks, value = counter_read(erratum, read);

		assert_true(value >= before);
		assert_true(value <= ticks);
	}
	assert_true(wrong > 0);
}

static void test_reads(void **state)
{
	(void)state;
	expect_right(COUNTER_SUN50I_A64, sun50i, 0x123456789000, 100000);
	expect_right(COUNTER_FSL_A008585, a008585, 0x123456789000, 100000);
	for (unsigned int i = 0; i < 50; i++)
		expect_right(COUNTER_ARM_858921, a73, 0x12fffffff0 + i / 10, 200);
}

static uint64_t stopped_at, nr_reads;

static uint64_t stopped(void)
{
	nr_reads++;
	return stopped_at;
}

static uint64_t restless(void)
{
	return nr_reads++;
}

/* A counter that has stopped where each read looks wrong, or never agrees, ends the reading. */
static void test_ends(void **state)
{
	(void)state;
	stopped_at = 0x200;
	nr_reads = 0;
	assert_true(counter_read(COUNTER_SUN50I_A64, stopped) == 0x200);
	assert_true(nr_reads > 1 && nr_reads <= 200);
	nr_reads = 0;
	counter_read(COUNTER_FSL_A008585, restless);
	assert_true(nr_reads > 2 && nr_reads <= 200);
	nr_reads = 0;
	assert_true(counter_read(COUNTER_SOUND, stopped) == 0x200);
	assert_int_equal(nr_reads, 1);
}

static enum counter_erratum erratum_of(const char *compatible, const char *property)
{
	enum counter_erratum erratum;
	const char *name;

	start_tree();
	begin("timer");
	assert_int_equal(fdt_property(blob, "compatible", compatible, (int)strlen(compatible) + 1),
			 0);
	if (property)
		put(property, NULL, 0);
	end();
	finish_tree();
	erratum = counter_erratum(blob, &name);
	if (erratum == COUNTER_SOUND)
		assert_null(name);
	else
		assert_string_equal(name, property);
	return erratum;
}

static void test_tree(void **state)
{
	static const char v8[] = "arm,armv8-timer";

	(void)state;
	assert_int_equal(erratum_of(v8, NULL), COUNTER_SOUND);
	assert_int_equal(erratum_of(v8, "always-on"), COUNTER_SOUND);
	assert_int_equal(erratum_of(v8, "allwinner,erratum-unknown1"), COUNTER_SUN50I_A64);
	assert_int_equal(erratum_of(v8, "fsl,erratum-a008585"), COUNTER_FSL_A008585);
	assert_int_equal(erratum_of(v8, "arm,erratum-858921"), COUNTER_ARM_858921);
	assert_int_equal(erratum_of("arm,armv7-timer", "fsl,erratum-a008585"), COUNTER_FSL_A008585);
	assert_int_equal(erratum_of("arm,sp804", "fsl,erratum-a008585"), COUNTER_SOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
