/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu_tables.h: the tables of mmu_init(), page by page, against what the tree says, in the format
 * of an entry that the test includes before this (pte.c of an instruction set): nothing covers a
 * no-map page, a device or a guard, nothing is left out, and check_leaf() likes each entry.
 */
#ifndef TEST_HOST_MMU_TABLES_H
#define TEST_HOST_MMU_TABLES_H

#include "test/host/boot/memory_tree.h"

#include <quarry/memblock.h>

/* ---- what boot/mmu/mmu.c needs ----------------------------------------------------------------- */

/* Tables are the test's, not those of memory that is not there. */
#define memblock_alloc(size, align) test_table()
static uint64_t table_pool[512][512] __attribute__((aligned(4096)));
static unsigned int nr_pool;

static void *test_table(void)
{
	if (nr_pool == sizeof(table_pool) / sizeof(table_pool[0]))
		return NULL;
	return memset(table_pool[nr_pool++], 0, sizeof(table_pool[0]));
}

#include "boot/mmu/mmu.c"
#include "boot/mmu/pgtable.c"

struct boot_info boot_info;

#define IMAGE 0x40200000UL
static char image[0x80000] __attribute__((aligned(4096), used));
__asm__(".globl __image_start, __rodata_start, __rodata_end, __emergency_guard\n"
	".globl __emergency_stack_low, __stack_guard, __stack_low, __keep_end\n"
	".set __image_start, image\n"
	".set __rodata_start, image + 0x23000\n"
	".set __rodata_end, image + 0x31000\n"
	".set __emergency_guard, image + 0x50000\n"
	".set __emergency_stack_low, image + 0x51000\n"
	".set __stack_guard, image + 0x54000\n"
	".set __stack_low, image + 0x55000\n"
	".set __keep_end, image + 0x80000\n");

/* Of the format that is tested: levels of tables, highest level of a leaf, bits of reach. */
static struct {
	unsigned int levels, max_leaf, bits;
} format;
static phys_addr_t uart;
static unsigned int nr_orders, nr_syncs, nr_enabled;

bool smp_find_guard(phys_addr_t addr, phys_addr_t *end)
{
	(void)addr;
	(void)end;
	return false;
}

bool console_firmware(phys_addr_t *base)
{
	*base = uart;
	return true;
}

phys_addr_t mmu_arch_reach(uint64_t *scratch)
{
	(void)scratch;
	return (phys_addr_t)1 << format.bits;
}

const char *mmu_arch_select(struct pgtable *pgt, phys_addr_t end)
{
	(void)end;
	pgt->levels = format.levels;
	pgt->max_leaf = format.max_leaf;
	pgt->reach = (phys_addr_t)1 << format.bits;
	return "test";
}

void mmu_arch_enable(const struct pgtable *pgt)
{
	(void)pgt;
	nr_enabled++;
}

void mmu_arch_sync(void)
{
	nr_syncs++;
}

void pgtable_arch_order(void)
{
	nr_orders++;
}

/* ---- what ought to be mapped ------------------------------------------------------------------ */

static phys_addr_t registers; /* of a device that a driver asked for */

static unsigned int wanted(phys_addr_t page)
{
	static const struct {
		phys_addr_t end;
		unsigned int flags;
	} parts[] = {{0x23000, PG_READ | PG_EXEC},  {0x31000, PG_READ},
		     {0x50000, PG_READ | PG_WRITE}, {0x51000, 0},
		     {0x54000, PG_READ | PG_WRITE}, {0x55000, 0},
		     {0x80000, PG_READ | PG_WRITE}};
	phys_addr_t fdt = boot_info.fdt_phys;

	if (page == 0)
		return 0;
	if (page == uart || (page >= registers && page < registers + 0x3000))
		return PG_READ | PG_WRITE | PG_DEVICE;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (page >= IMAGE && page < IMAGE + parts[i].end)
			return parts[i].flags;
	if (touches(page, fdt, fdt + fdt_totalsize(boot_info.fdt)))
		return PG_READ;
	return is_memory(page) && !is_nomap(page) ? PG_READ | PG_WRITE : 0;
}

/* NULL, or what is wrong with a leaf's bits. */
static const char *check_leaf(uint64_t entry, unsigned int level);

static const char *check_leaves(const uint64_t *table, unsigned int level)
{
	const char *wrong = NULL;

	for (unsigned int i = 0; i < PGTABLE_ENTRIES && !wrong; i++) {
		if (table[i] == 0)
			continue;
		if (pte_is_table(table[i], level))
			wrong = check_leaves(phys_to_virt(pte_addr(table[i])), level - 1);
		else
			wrong = check_leaf(table[i], level);
	}
	return wrong;
}

static const char *check_tree(unsigned long offset)
{
	struct fdt_tree tree = {.fdt = tree_room + offset};
	const char *wrong;

	port_host_offset = (uintptr_t)image - IMAGE;
	boot_info = (struct boot_info){
		.fdt = tree.fdt,
		.fdt_phys = virt_to_phys(tree.fdt),
		.image_base = IMAGE,
		.image_end = IMAGE + sizeof(image),
	};
	tree.fdt_phys = boot_info.fdt_phys;
	memblock_init();
	memset(root, 0, sizeof(root));
	pgtable = (struct pgtable){.pages = 0};
	nr_pool = nr_orders = nr_enabled = 0;
	enabled = false;

	mmu_probe();
	memblock_reserve(IMAGE, sizeof(image));
	if (fdt_early_init(boot_info.fdt, boot_info.fdt_phys))
		return "no memory map";
	note_tree(&tree);
	fdt_early_each_reserved(note_nomap, NULL); /* those that were placed now, too */
	mmu_init();
	if (nr_enabled != 1 || ioremap(registers + 8, 0x2000) != phys_to_virt(registers + 8))
		return "the device's registers are not mapped";
	if (ioremap(IMAGE, 8))
		return "the image is mapped as a device";

	edge(uart);
	edge(registers);
	edge(registers + 0x2000);
	for (unsigned int at = 0; at < sizeof(image); at += PAGE_SIZE)
		edge(IMAGE + at);
	edge(IMAGE + sizeof(image));
	edge_of_tree(tree.fdt);
	wrong = check_leaves(root, format.levels - 1);
	if (!wrong && nr_orders != pgtable.pages)
		wrong = "a table was linked without a barrier";
	return wrong ? wrong : check_pages(&pgtable, wanted);
}

/* ---- tests ------------------------------------------------------------------------------------- */

/*
 * Somewhere without memory. Trees made here have none at their end, where registers are, and those
 * of Linux none at 0x9000000 as far as the loader's memory goes.
 */
static bool is_free(phys_addr_t page)
{
	return !memblock_overlaps_region(&memblock.memory, page, 0x4000);
}

static void place_devices(void)
{
	uart = 0x0000003f00000000;
	registers = uart + 0x1fe000; /* over the end of a block */
}

static void test_edges(void **state)
{
	(void)state;
	place_devices();
	start_tree();
	memory(0, 0x10001000);
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
	expect_good(0xff8);
	assert_true(is_free(registers));
}

static void test_random(void **state)
{
	(void)state;
	place_devices();
	for (uint64_t round = 1; round <= 150; round++) {
		uint64_t seed = round;

		random_tree(&seed);
		expect_good(8 * (host_random(&seed) % 512));
	}
}

/* Are files named on the command line? Then *failed says how they came out. */
static bool files_checked(int argc, char **argv, int *failed)
{
	place_devices();
	port_host_log_hook = port_host_capture;
	if (argc > 1)
		*failed |= check_files(argc - 1, argv + 1);
	return argc > 1;
}

#endif
