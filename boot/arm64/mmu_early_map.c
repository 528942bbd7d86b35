/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu_early_map.c: what is mapped early, and how: see mmu_early.h. Tables come from a static pool.
 */
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <quarry/memblock.h>
#include <quarry/memblock_alloc.h>
#include <quarry/port.h>

#include "boot/arm64/mmu_early.h"
#include "boot/boot.h"
#include "boot/dt/fdt_early_map.h"
#include "boot/mmu/mmu.h"

/*
 * Below the root. A piece of memory between two edges within 2 MiB blocks costs at most two tables
 * of pages, and two of blocks if it is alone in its GiB. No tree of Linux 6.1 needs more than 18.
 */
#define TABLES	   64
#define LEVELS	   4
#define MAX_LEAF   2 /* 1 GiB */
#define LIMIT	   ((phys_addr_t)1 << 48)
#define BLOCK	   ((phys_addr_t)2 << 20)
#define GIB	   ((phys_addr_t)1 << 30)

#define PG_TEXT	   (PG_READ | PG_EXEC)
#define PG_DATA	   (PG_READ | PG_WRITE)
#define PG_CONSOLE (PG_READ | PG_WRITE | PG_DEVICE)

/* linker script; each starts a page */
extern const char __image_start[], __rodata_start[], __image_end[];

/* Free memory again once mmu_init() has switched to others (boot/main.c). */
#ifdef QUARRY_HOST
#define SCRATCH
#else
#define SCRATCH __attribute__((section(".scratch")))
#endif
static uint64_t tables[1 + TABLES][PGTABLE_ENTRIES] __attribute__((aligned(PAGE_SIZE))) SCRATCH;

static struct pgtable early;

/* A loop that stays one: memset() uses instructions that do not work yet. */
static uint64_t *zeroed(uint64_t *table)
{
	for (unsigned int i = 0; i < PGTABLE_ENTRIES; i++)
		*(volatile uint64_t *)&table[i] = 0;
	return table;
}

static void *alloc_table(void)
{
	return early.pages < TABLES ? zeroed(tables[1 + early.pages]) : NULL;
}

const struct pgtable *mmu_early_map_image(void)
{
	phys_addr_t fdt = boot_info.fdt_phys;

	early.root = zeroed(tables[0]);
	early.levels = LEVELS;
	early.max_leaf = MAX_LEAF;
	early.reach = LIMIT;
	early.alloc = alloc_table;
	(void)pgtable_map(&early, virt_to_phys(__image_start), virt_to_phys(__rodata_start),
			  PG_TEXT);
	(void)pgtable_map(&early, virt_to_phys(__rodata_start), virt_to_phys(__image_end), PG_DATA);
	if (fdt != 0 && fdt < LIMIT - PAGE_SIZE)
		(void)pgtable_map(&early, ALIGN_DOWN(fdt, PAGE_SIZE),
				  ALIGN_UP(fdt + sizeof(struct fdt_header), PAGE_SIZE), PG_DATA);
	return &early;
}

/*
 * The holes of [start, end) alone; what is mapped already stays as it is. False if there is no
 * table left.
 */
static bool map_holes(phys_addr_t start, phys_addr_t end)
{
	phys_addr_t next;

	for (phys_addr_t at = start; at < end; at = next) {
		struct pgtable_range range = pgtable_lookup(&early, at);

		next = range.end < end ? range.end : end;
		if (!range.flags && pgtable_map(&early, at, next, PG_DATA))
			return false;
	}
	return true;
}

static bool map_memory(phys_addr_t start, phys_addr_t end)
{
	int err = pgtable_map(&early, start, end, PG_DATA);

	if (err == -EBUSY)
		return map_holes(start, end);
	return err == 0;
}

void mmu_early_map_tree(void)
{
	phys_addr_t start = boot_info.fdt_phys;
	const void *fdt = phys_to_virt(start);
	size_t size;

	if (start == 0 || start % sizeof(uint64_t) || start >= LIMIT - FDT_EARLY_MAX_SIZE ||
	    fdt_magic(fdt) != FDT_MAGIC)
		return;
	size = fdt_totalsize(fdt) < FDT_EARLY_MAX_SIZE ? fdt_totalsize(fdt) : FDT_EARLY_MAX_SIZE;
	(void)map_memory(ALIGN_DOWN(start, PAGE_SIZE), ALIGN_UP(start + size, PAGE_SIZE));
	mmu_arch_sync();
}

bool mmu_early_map_device(phys_addr_t addr)
{
	phys_addr_t page = ALIGN_DOWN(addr, PAGE_SIZE);

	if (addr >= LIMIT || pgtable_map(&early, page, page + PAGE_SIZE, PG_CONSOLE))
		return false;
	mmu_arch_sync();
	return true;
}

/*
 * As much as there are tables for: a piece with its edges, or the whole blocks in it. *missing is the start of
 * the first piece that is not mapped whole.
 */
static int map_piece(const struct fdt_piece *piece, void *ctx)
{
	phys_addr_t end = piece->end < LIMIT ? piece->end : LIMIT;
	phys_addr_t *missing = ctx;

	if (piece->flags & MEMBLOCK_NOMAP || piece->base >= end || map_memory(piece->base, end))
		return 0;
	if (piece->base < *missing)
		*missing = piece->base;
	if (!map_memory(ALIGN_UP(piece->base, BLOCK), ALIGN_DOWN(end, BLOCK)))
		(void)map_memory(ALIGN_UP(piece->base, GIB), ALIGN_DOWN(end, GIB));
	return 0;
}

void mmu_early_map_memory(const void *fdt)
{
	struct fdt_tree tree = {.fdt = fdt, .fdt_phys = boot_info.fdt_phys, .log = false};
	struct fdt_map map;
	phys_addr_t missing = PHYS_ADDR_MAX;

	/* a damaged one stops the boot */
	if (!fdt || !fdt_early_is_whole(fdt))
		return;
	log_set_console(false);
	if (fdt_map_collect(&map, &tree) == 0)
		(void)fdt_map_each_piece(&map, &tree, map_piece, &missing);
	log_set_console(true);
	mmu_arch_sync();
	if (missing == PHYS_ADDR_MAX)
		return;
	/* What is allocated from now on is written to: until mmu_init() maps all, it lies below. */
	memblock_set_current_limit(missing);
	port_log("mmu: %d tables are not enough for this tree's memory: from %#" PRIx64
		 " on it is not mapped early, nor used",
		 TABLES, missing);
}
