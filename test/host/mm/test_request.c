/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_request.c: a request for what another CPU has cached is served in pieces, an interrupt for each: how
 * much one gives back, what is acknowledged when, and what that CPU may do between two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine.h"
#include "mm/pcp/pcp.h"
#include "test/host/port_host.h"

#define MIB    ((phys_addr_t)1 << 20)
#define BASE   ((phys_addr_t)0x80000000)
#define FILLED 60 /* pages of each type */
#define PIECE  12 /* single pages that one gives back, at most */

static const struct layout layout = {"request", 0, {{BASE, 64 * MIB}}, {{0}}, 1};
static struct mm_pcpu other;
static unsigned int kicks;
static unsigned long asked_start, asked_end;
static void (*between)(void); /* what CPU 1 does after a piece */
static bool in_interrupt_too;
static const char
	*wrong; /* of a kick: a poster that is left by a jump would keep the others waiting */

/* Of CPU 1, single pages in the range. */
static unsigned long cached_in(unsigned long start, unsigned long end)
{
	unsigned long pages = 0;

	for (unsigned int i = 0; i < NR_PCPS; i++)
		for (struct page **slot = other.cache[i].top; slot > other.cache[i].base; slot--) {
			unsigned long index = (unsigned long)(*slot - mm.memmap);

			pages += index >= start && index < end;
		}
	return pages;
}

static unsigned long cached(void)
{
	return cached_in(0, NIL32);
}

/* CPU 1's interrupt. */
static void kick(unsigned int cpu)
{
	unsigned long before = cached();
	uint32_t acknowledged = other.acknowledged;

	if (cpu != 1 || acknowledged == machine_pcpu.acknowledged)
		wrong = "a kick that is not needed";
	kicks++;
	port_set_pcpu(&other);
	other.irq_depth += in_interrupt_too;
	mm_ipi();
	other.irq_depth -= in_interrupt_too;
	/* Where limits have changed the last one is longer. */
	if (in_interrupt_too && (other.acknowledged == acknowledged || !between) &&
	    before - cached() > PIECE)
		wrong = "a piece that is too large";
	if (other.acknowledged != acknowledged) {
		if (other.acknowledged != machine_pcpu.acknowledged)
			wrong = "another request is acknowledged";
		if (cached_in(asked_start, asked_end))
			wrong = "one is acknowledged too early";
	} else if (between) {
		between();
	}
	port_set_pcpu(&machine_pcpu);
}

static void fill(void)
{
	static const gfp_t types[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_RECLAIMABLE};
	static struct page *page[3 * FILLED];

	port_set_pcpu(&other);
	for (unsigned int i = 0; i < 3 * FILLED; i++) {
		page[i] = alloc_page(types[i / FILLED]);
		assert_non_null(page[i]);
	}
	for (unsigned int i = 0; i < 3 * FILLED; i++)
		assert_int_equal(0, __free_page(page[i]));
	assert_true(cached() >= 3 * FILLED);
	port_set_pcpu(&machine_pcpu);
}

static int start(void **state)
{
	machine_start(&layout);
	wrong = NULL;
	boot_pageset_init(&other, 1);
	port_set_pcpu(&other);
	assert_int_equal(0, setup_per_cpu_pageset(&other, 1));
	fill();
	asked_start = 0;
	asked_end = NIL32;
	kicks = 0;
	between = NULL;
	in_interrupt_too = true;
	port_host_kick = kick;
	*state = NULL;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	port_host_kick = NULL;
	assert_int_equal(0, mm_check());
	if (wrong)
		fail_msg("%s", wrong);
	port_set_pcpu(&other);
	mm_cpu_offline();
	port_set_pcpu(&machine_pcpu);
	machine_drop(); /* CPU 1 has pages for its arrays */
	return 0;
}

static void in_pieces(void **state)
{
	(void)state;
	drain_all_pages();
	assert_int_equal(0, cached());
	assert_true(kicks > 3 * FILLED / PIECE);
}

/* A thread that polls serves all of it in one call. */
static void polled(void **state)
{
	(void)state;
	in_interrupt_too = false;
	drain_all_pages();
	assert_int_equal(0, cached());
	assert_int_equal(1, kicks);
}

/* Of a range: the rest stays, and what lies in it is found in every cache. */
static void range(void **state)
{
	unsigned long all = cached(), first = (unsigned long)(*other.cache[0].top - mm.memmap), in;

	(void)state;
	for (unsigned int i = 0; i < NR_PCPS; i++)
		if (pcp_count(&other.cache[i]) > 40)
			first = (unsigned long)(*other.cache[i].top - mm.memmap);
	asked_start = first & ~(pageblock_nr_pages - 1UL);
	asked_end = asked_start + pageblock_nr_pages;
	in = cached_in(asked_start, asked_end);
	assert_in_range(in, 3, all - 3);
	remote_give_back(asked_start, asked_end);
	assert_int_equal(all - in, cached());
	assert_true(kicks > 2);
}

static void use(void)
{
	struct page *page[5];

	for (unsigned int i = 0; i < 5; i++) {
		page[i] = alloc_page(i % 2 ? GFP_KERNEL : GFP_KERNEL | __GFP_MOVABLE);
		assert_non_null(page[i]);
	}
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(0, __free_page(page[i]));
}

/* A CPU that takes and frees between two pieces holds what it freed since, no more than its limit. */
static void used_between(void **state)
{
	(void)state;
	between = use;
	asked_end = 0; /* what it has freed since may stay */
	asked_start = 0;
	drain_all_pages();
	assert_in_range(cached(), 0, 2 * FILLED);
	assert_true(kicks > 3 * FILLED / PIECE / 2);
	fill();
	assert_true(mm_set_pcp_high(3) <= 3);
	for (unsigned int i = 0; i < NR_PCPS; i++) {
		assert_true(other.cache[i].limit - other.cache[i].base <= 3);
		assert_true(other.cache[i].top <= other.cache[i].limit);
	}
	mm_set_pcp_high(~0UL);
}

static void leave(void)
{
	if (kicks == 5)
		mm_cpu_offline();
}

/* It goes offline with the request half served: nobody waits for it, and the next one begins anew. */
static void leaves_between(void **state)
{
	(void)state;
	between = leave;
	drain_all_pages();
	assert_int_equal(5, kicks);
	assert_int_equal(0, cached());
	port_set_pcpu(&other);
	assert_int_equal(0, setup_per_cpu_pageset(&other, 1));
	fill();
	between = NULL;
	drain_all_pages();
	assert_int_equal(0, cached());
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_pieces),    TEST(polled),	  TEST(range),
		TEST(used_between), TEST(leaves_between),
	};

	port_host_log_hook = port_host_quiet;
	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
