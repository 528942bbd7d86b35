/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_hotplug.c: which blocks of memory that the tree marks hotpluggable become ranges: all whole ones
 * that nothing is reserved in, whatever else is in their region, and in which no table of another range lies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mm/alloc/alloc.h"
#include "test/host/port_host.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/hotplug.c"
#include "boot/options.c"

#define BASE 0x80000000ULL
#define MIB  (1ULL << 20)

struct boot_info boot_info = {.bootargs = ""};

uint64_t machine_instret(void)
{
	return 0;
}

bool counter_counts(void)
{
	return false;
}

static void start(phys_addr_t base)
{
	hotplug_forget();
	memblock_init();
	assert_non_null(host_ram_map(base, 96 * MIB));
	assert_int_equal(0, memblock_add(base, 96 * MIB));
}

static void expect_range(unsigned int n, phys_addr_t base, phys_addr_t size)
{
	struct hotplug_info info;

	assert_true(hotplug_get_info(n, &info));
	assert_int_equal(base, info.base);
	assert_int_equal(size / MM_MEMORY_BLOCK_SIZE, info.blocks);
	assert_int_equal(info.blocks, info.online);
	assert_true(memblock_is_region_reserved(base, size));
}

static void expect_ranges(unsigned int count)
{
	struct hotplug_info info;

	assert_false(hotplug_get_info(count, &info));
}

/* What is reserved keeps its own blocks from going, and no others. */
static void reserved_in_part(void **state)
{
	(void)state;
	start(BASE);
	assert_int_equal(0, memblock_mark_hotplug(BASE + 33 * MIB, 30 * MIB));
	assert_int_equal(0, memblock_reserve(BASE + 45 * MIB, PAGE_SIZE)); /* block 44 to 48 */
	boot_find_hotplug();
	expect_range(0, BASE + 36 * MIB, 8 * MIB);
	expect_range(1, BASE + 48 * MIB, 12 * MIB);
	expect_ranges(2);
	assert_false(
		memblock_is_region_reserved(BASE + 33 * MIB, 3 * MIB)); /* used as any memory */
	assert_false(memblock_is_region_reserved(BASE + 60 * MIB, 3 * MIB));
	host_ram_unmap();
}

/* The last one is where boot allocates first: not while there is memory that stays. */
static void several_regions(void **state)
{
	(void)state;
	start(BASE);
	assert_int_equal(0, memblock_mark_hotplug(BASE + 32 * MIB, 16 * MIB));
	assert_int_equal(0, memblock_mark_hotplug(BASE + 64 * MIB, 32 * MIB));
	boot_find_hotplug();
	expect_range(0, BASE + 32 * MIB, 16 * MIB);
	expect_range(1, BASE + 64 * MIB, 32 * MIB);
	expect_ranges(2);
	host_ram_unmap();
}

/* What no page table maps is no range, though its memory is marked. */
static void no_map(void **state)
{
	(void)state;
	start(BASE);
	assert_int_equal(0, memblock_mark_hotplug(BASE + 32 * MIB, 32 * MIB));
	assert_int_equal(0, memblock_mark_nomap(BASE + 40 * MIB, 8 * MIB));
	boot_find_hotplug();
	expect_range(0, BASE + 32 * MIB, 8 * MIB);
	expect_range(1, BASE + 48 * MIB, 16 * MIB);
	expect_ranges(2);
	host_ram_unmap();
}

/* Frame 0 is nobody's, so its block stays. */
static void from_zero(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(0, memblock_mark_hotplug(0, 16 * MIB));
	boot_find_hotplug();
	expect_range(0, 4 * MIB, 12 * MIB);
	expect_ranges(1);
	host_ram_unmap();
}

/* One line says so where nothing can go, or there are more than there is room for. */
static void stays(void **state)
{
	(void)state;
	start(BASE);
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	assert_int_equal(0, memblock_mark_hotplug(BASE + 33 * MIB, 4 * MIB));
	boot_find_hotplug();
	expect_ranges(0);
	assert_string_equal(port_host_log_text,
			    "mem: hotpluggable memory at 0x82100000 stays: no whole block of 4 MiB "
			    "that is not reserved\n");
	assert_int_equal(0, memblock_clear_hotplug(0, 1ULL << 40));
	port_host_log_clear();
	for (unsigned int n = 0; n <= MM_HOTPLUG_RANGES; n++)
		assert_int_equal(0, memblock_mark_hotplug(BASE + (16 + 8 * n) * MIB, 4 * MIB));
	boot_find_hotplug();
	expect_range(MM_HOTPLUG_RANGES - 1, BASE + (8 + 8 * MM_HOTPLUG_RANGES) * MIB, 4 * MIB);
	expect_ranges(MM_HOTPLUG_RANGES);
	assert_string_equal(
		port_host_log_text,
		"mem: hotpluggable memory at 0x85000000 stays: no room for one more range\n");
	port_host_log_hook = NULL;
	host_ram_unmap();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_in_part),
		cmocka_unit_test(several_regions),
		cmocka_unit_test(no_map),
		cmocka_unit_test(from_zero),
		cmocka_unit_test(stays),
	};

	return cmocka_run_group_tests_name("hotplug", tests, NULL, NULL);
}
