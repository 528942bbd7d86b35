/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mmu_sync.c: which harts are told of a change of RISC-V's tables. QEMU's harts never cache
 * that an entry is invalid, so what is told is recorded here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/host/port_host.h"

/* In the place of boot/riscv64/sfence.h. */
#define BOOT_RISCV64_SFENCE_H
static void sfence_vma(void);

/* the source itself: it is not among the objects that every host test links */
#include "boot/riscv64/mmu_sync.c"

static char told[64]; /* "." for this hart, the last digit of another's id */
static uint64_t refuses;

static void say(char who)
{
	size_t length = strlen(told);

	assert_true(length < sizeof(told) - 1);
	told[length] = who;
	told[length + 1] = '\0';
}

static void sfence_vma(void)
{
	say('.');
}

bool sbi_remote_sfence_vma(unsigned long hart)
{
	say((char)('0' + hart % 10));
	return hart != refuses;
}

static const struct {
	uint64_t hart;
	enum cpu_state state;
} harts[] = {
	{4, CPU_ONLINE}, /* this one */
	{1, CPU_ONLINE}, {2, CPU_STOPPED}, {3, CPU_STARTING}, {77, CPU_ONLINE}, {5, CPU_RUNNING},
};

unsigned int smp_nr_cpus(void)
{
	return sizeof(harts) / sizeof(harts[0]);
}

uint64_t smp_hart(unsigned int number)
{
	return harts[number].hart;
}

enum cpu_state smp_state(unsigned int number)
{
	return harts[number].state;
}

static void start(void)
{
	static struct mm_pcpu area; /* of CPU 0 */

	port_set_pcpu(&area);
	told[0] = '\0';
	refuses = UINT64_MAX;
}

/* All that are online, this one first: its stores are ordered before anyone is asked. */
static void test_new_mapping(void **state)
{
	(void)state;
	start();
	mmu_arch_sync();
	assert_string_equal(told, ".17");
}

static void test_gone(void **state)
{
	(void)state;
	start();
	assert_true(mmu_arch_forget());
	assert_string_equal(told, ".17");
	start();
	refuses = 1;
	assert_false(mmu_arch_forget());
	assert_string_equal(told, ".17");
}

/* One that comes online asks nobody. */
static void test_online(void **state)
{
	(void)state;
	start();
	mmu_arch_online();
	assert_string_equal(told, ".");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_mapping),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_online),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
