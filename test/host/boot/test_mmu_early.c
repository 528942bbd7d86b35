/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mmu_early.c: the early map of arm64, page by page, against what the tree says: nothing that
 * is another's is mapped, all memory is, text alone can be executed, and every entry has its access
 * flag. On trees made here, whose banks and no-map regions begin and end anywhere, and on those
 * named on the command line: `test_mmu_early FILE.dtb..`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/host/port_host.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/arm64/mmu_early_map.c"
#include "boot/arm64/pte.c"
#include "boot/mmu/pgtable.c"

#include "test/host/boot/memory_tree.h"

/* ---- what the sources need -------------------------------------------------------------------- */

struct boot_info boot_info;

/* The image, and a tree anywhere in a MiB behind it, at physical addresses near IMAGE. */
#define IMAGE 0x40200000UL
static char image[0x80000] __attribute__((aligned(4096), used));
__asm__(".globl __image_start, __rodata_start, __image_end\n"
	".set __image_start, image\n"
	".set __rodata_start, image + 0x23000\n"
	".set __image_end, image + 0x80000\n");

static unsigned int nr_orders, nr_syncs;
static unsigned long most_tables;
static phys_addr_t uart; /* 0: none */

void pgtable_arch_order(void)
{
	nr_orders++;
}

void mmu_arch_sync(void)
{
	nr_syncs++;
}

void log_set_console(bool on)
{
	(void)on;
}

/* ---- what ought to be mapped ------------------------------------------------------------------ */

static unsigned int wanted(phys_addr_t page)
{
	phys_addr_t fdt = boot_info.fdt_phys;

	if (touches(page, virt_to_phys(__image_start), virt_to_phys(__rodata_start)))
		return PG_READ | PG_EXEC;
	if (touches(page, virt_to_phys(__rodata_start), virt_to_phys(__image_end)) ||
	    touches(page, fdt, fdt + fdt_totalsize(phys_to_virt(fdt))))
		return PG_READ | PG_WRITE;
	if (uart && touches(page, uart, uart + 1))
		return PG_READ | PG_WRITE | PG_DEVICE;
	return is_memory(page) && !is_nomap(page) ? PG_READ | PG_WRITE : 0;
}

/* ---- what is --------------------------------------------------------------------------------- */

/*
 * Bits of the entries themselves (Arm ARM, D8.3): 0 valid, 1 table or page, 10 access flag, 53 and
 * 54 never execute, at EL1 and at EL0.
 */
static const char *check_entries(const uint64_t *table, unsigned int level, unsigned long *nr)
{
	++*nr;
	for (unsigned int i = 0; i < PGTABLE_ENTRIES; i++) {
		uint64_t entry = table[i];
		const char *wrong = NULL;

		if (entry == 0)
			continue;
		if (!(entry & 1))
			return "an entry that is neither 0 nor valid";
		if (level > 0 && entry & 2)
			wrong = check_entries(phys_to_virt(entry & 0xfffffffff000), level - 1, nr);
		else if (!(entry >> 10 & 1))
			wrong = "an entry without its access flag";
		else if (!(entry >> 54 & 1))
			wrong = "an entry that EL0 may execute";
		else if (!(entry >> 53 & 1) && !(entry >> 7 & 1))
			wrong = "an entry that can be written and executed";
		else if (level == 0 && !(entry & 2))
			wrong = "a page whose entry is a block's";
		if (wrong)
			return wrong;
	}
	return NULL;
}

/* Map what the tree in tree_room, at `offset` in it, says. NULL, or what is wrong. */
static const char *check_tree(unsigned long offset)
{
	struct fdt_tree tree = {.fdt = tree_room + offset};
	unsigned long nr = 0;
	const char *wrong;

	port_host_offset = (uintptr_t)image - IMAGE;
	nr_orders = 0;
	boot_info.fdt_phys = virt_to_phys(tree.fdt);
	memset(tables, 0x5a, sizeof(tables));
	early = (struct pgtable){.levels = 0};
	tree.fdt_phys = boot_info.fdt_phys;

	if (mmu_early_map_image() != &early)
		return "other tables";
	mmu_early_map_tree();
	if (uart && !mmu_early_map_device(uart))
		return "the UART is not mapped";
	port_host_log_clear();
	mmu_early_map_memory(tree.fdt);
	if (strstr(port_host_log_text, "not enough"))
		return "there are too few tables";

	note_tree(&tree);
	most_tables = early.pages > most_tables ? early.pages : most_tables;
	wrong = check_entries(early.root, LEVELS - 1, &nr);
	if (!wrong && nr != early.pages + 1)
		wrong = "tables that are not counted";
	/* each table's zeroes come before the entry that leads to it */
	if (!wrong && nr_orders != early.pages)
		wrong = "a table was linked without a barrier";
	edge(uart);
	edge(virt_to_phys(__image_start));
	edge(virt_to_phys(__rodata_start));
	edge(virt_to_phys(__image_end));
	edge_of_tree(tree.fdt);
	return wrong ? wrong : check_pages(&early, wanted);
}

/* ---- trees made here --------------------------------------------------------------------------- */

/* A bank whose edges are off 2 MiB, and TrustZone's memory in its middle and at its end. */
static void test_edges(void **state)
{
	(void)state;
	start_tree();
	memory(0x40001000, 0x3fabc000);
	memory(0x880000123, 0x40000000);
	begin_reserved();
	reserved(0x46000000, 0x200000, true);
	reserved(0x4e001000, 0x1000, true);
	reserved(0x4e003ff8, 0x10, true);
	reserved(0x50000000, 0x1000000, false);
	reserved(0x7fabc000, 0x1000, true);
	end();
	finish_tree();
	uart = 0x9000000;
	expect_good(0);
	uart = 0;
}

/* The tree ends in the middle of a page, and begins there. */
static void test_place_of_tree(void **state)
{
	static const unsigned long offsets[] = {0, 8, 0xfd8, 0xff0, 0xff8, 0x1000};

	(void)state;
	start_tree();
	memory(0x40000000, 0x20000000);
	finish_tree();
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		expect_good(offsets[i]);
}

/* A UART that a command line puts into memory has its page, and memory the others. */
static void test_uart_in_memory(void **state)
{
	(void)state;
	start_tree();
	memory(0x40000000, 0x40000000);
	finish_tree();
	uart = 0x60000000;
	expect_good(0);
	assert_false(mmu_early_map_device(0x60001000));
	assert_false(mmu_early_map_device(IMAGE));
	uart = 0;
}

/*
 * Of memory that there are not enough tables for the whole blocks are mapped, a line says so, and memblock
 * gives none of it, nor of what lies above.
 */
static void test_too_many_edges(void **state)
{
	phys_addr_t limit;

	(void)state;
	start_tree();
	for (unsigned int i = 0; i < 60; i++)
		memory(0x100000000UL * (i + 1) + 0x1000, 0x3ffff000);
	finish_tree();
	memcpy(tree_room, blob, fdt_totalsize(blob));
	assert_string_equal(check_tree(0), "there are too few tables");
	assert_int_equal(early.pages, TABLES);
	assert_int_equal(pgtable_lookup(&early, 0x100001000).flags, PG_READ | PG_WRITE);
	limit = memblock_get_current_limit();
	assert_int_equal(limit & 0xffffffff, 0x1000); /* a bank's start */
	assert_true(limit > 0x200000000 && limit < 0x3c00000000);
	for (phys_addr_t bank = 0x100001000; bank < limit; bank += 0x100000000) {
		assert_int_equal(pgtable_lookup(&early, bank).flags, PG_READ | PG_WRITE);
		assert_int_equal(pgtable_lookup(&early, bank + 0x3fffe000).flags,
				 PG_READ | PG_WRITE);
	}
	assert_int_equal(pgtable_lookup(&early, limit).flags, 0);
	memblock_set_current_limit(MEMBLOCK_ALLOC_ANYWHERE);
}

/* What is no tree is not read further than its header. */
static void test_no_tree(void **state)
{
	(void)state;
	memset(tree_room, 0, sizeof(tree_room));
	port_host_offset = (uintptr_t)image - IMAGE;
	boot_info.fdt_phys = virt_to_phys(tree_room);
	early = (struct pgtable){.levels = 0};
	mmu_early_map_image();
	mmu_early_map_tree();
	assert_int_equal(pgtable_lookup(&early, boot_info.fdt_phys).flags, PG_READ | PG_WRITE);
	assert_int_equal(pgtable_lookup(&early, boot_info.fdt_phys + PAGE_SIZE).flags, 0);
	boot_info.fdt_phys = 0;
	early = (struct pgtable){.levels = 0};
	mmu_early_map_image();
	mmu_early_map_tree();
	assert_int_equal(pgtable_lookup(&early, 0).flags, 0);
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t round = 1; round <= 400; round++) {
		uint64_t seed = round;

		random_tree(&seed);
		expect_good(8 * (host_random(&seed) % 512));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),	       cmocka_unit_test(test_place_of_tree),
		cmocka_unit_test(test_uart_in_memory), cmocka_unit_test(test_too_many_edges),
		cmocka_unit_test(test_no_tree),	       cmocka_unit_test(test_random),
	};

	if (argc > 1) {
		int failed = check_files(argc - 1, argv + 1);

		printf("at most %lu of %d tables\n", most_tables, TABLES);
		return failed;
	}
	port_host_log_hook = port_host_capture;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
