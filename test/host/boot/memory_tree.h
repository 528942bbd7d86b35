/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_tree.h: trees with memory whose edges lie anywhere, made here or read from files, and what
 * they say of each page, worked out without sorting: for tests of the page tables that are made of
 * them. Included after cmocka.h and port_host.h; check_tree() is the test's.
 */
#ifndef TEST_HOST_MEMORY_TREE_H
#define TEST_HOST_MEMORY_TREE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/dt/fdt_early_tree.h"
#include "boot/mmu/pgtable.h"
#include "tree.h"

/* Where a tree is checked. */
static char tree_room[FDT_EARLY_MAX_SIZE + 0x2000] __attribute__((aligned(4096)));

/* Check the tables made of the tree at this offset in tree_room. NULL, or what is wrong. */
static const char *check_tree(unsigned long offset);

/* ---- what the tree says ----------------------------------------------------------------------- */

#define MOST 512
static struct span {
	phys_addr_t base, end;
} banks[MOST], nomaps[MOST], usables[MOST];
static unsigned int nr_banks, nr_nomaps, nr_usables;
static bool limited; /* by linux,usable-memory-range */
static phys_addr_t edges[6 * MOST];
static unsigned int nr_edges;

static void edge(phys_addr_t addr)
{
	phys_addr_t page = ALIGN_DOWN(addr, PAGE_SIZE);

	for (phys_addr_t at = page; at <= page + PAGE_SIZE; at += PAGE_SIZE)
		if (nr_edges < sizeof(edges) / sizeof(edges[0]))
			edges[nr_edges++] = at;
}

static int note_bank(const struct fdt_bank *bank, void *ctx)
{
	(void)ctx;
	banks[nr_banks++] = (struct span){bank->base, bank->base + bank->size};
	edge(bank->base);
	edge(bank->base + bank->size);
	return 0;
}

static int note_usable(phys_addr_t base, phys_addr_t size, void *ctx)
{
	(void)ctx;
	usables[nr_usables++] = (struct span){base, base + size};
	edge(base);
	edge(base + size);
	return 0;
}

static int note_nomap(const struct fdt_early_resv *resv, void *ctx)
{
	(void)ctx;
	if (!resv->nomap)
		return 0;
	nomaps[nr_nomaps++] = (struct span){ALIGN_DOWN(resv->base, PAGE_SIZE),
					    ALIGN_UP(resv->base + resv->size, PAGE_SIZE)};
	edge(resv->base);
	edge(resv->base + resv->size);
	return 0;
}

static bool covered(phys_addr_t page, const struct span *spans, unsigned int count)
{
	phys_addr_t at = page, before;

	do {
		before = at;
		for (unsigned int i = 0; i < count; i++)
			if (spans[i].base <= at && at < spans[i].end)
				at = spans[i].end;
	} while (at != before && at < page + PAGE_SIZE);
	return at >= page + PAGE_SIZE;
}

/* Every byte of the page is in a bank, and may be used. */
static bool is_memory(phys_addr_t page)
{
	return covered(page, banks, nr_banks) && (!limited || covered(page, usables, nr_usables));
}

static bool is_nomap(phys_addr_t page)
{
	for (unsigned int i = 0; i < nr_nomaps; i++)
		if (nomaps[i].base <= page && page < nomaps[i].end)
			return true;
	return false;
}

static bool touches(phys_addr_t page, phys_addr_t start, phys_addr_t end)
{
	return page < end && start < page + PAGE_SIZE;
}

/* From the beginning: the banks, limits and static no-map regions of a tree. */
static void note_tree(const struct fdt_tree *tree)
{
	nr_banks = nr_nomaps = nr_usables = nr_edges = 0;
	edge(0);
	fdt_tree_each_bank(tree, note_bank, NULL);
	fdt_tree_each_static(tree, note_nomap, NULL);
	limited = fdt_tree_each_usable(tree, note_usable, NULL) > 0;
}

static void edge_of_tree(const void *fdt)
{
	edge(virt_to_phys(fdt));
	edge(virt_to_phys(fdt) + fdt_totalsize(fdt));
}

static int compare(const void *a, const void *b)
{
	const phys_addr_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* ---- what the tables say ---------------------------------------------------------------------- */

/*
 * Each page as wanted() has it: between two edges all are alike, and an entry that spans more than
 * that shows where the next stretch begins.
 */
static const char *check_pages(const struct pgtable *pgt, unsigned int (*wanted)(phys_addr_t page))
{
	static char text[256];

	qsort(edges, nr_edges, sizeof(edges[0]), compare);
	for (unsigned int i = 0; i < nr_edges; i++) {
		phys_addr_t end = i + 1 < nr_edges ? edges[i + 1] : pgt->reach, next;
		unsigned int flags = wanted(edges[i]);

		for (phys_addr_t page = edges[i]; page < end && page < pgt->reach; page = next) {
			struct pgtable_range is = pgtable_lookup(pgt, page);

			next = is.end;
			if (is.flags == flags && (!flags || is.output == is.start))
				continue;
			snprintf(text, sizeof(text), "%#llx is mapped as %#x, not %#x",
				 (unsigned long long)page, is.flags, flags);
			return text;
		}
	}
	return NULL;
}

/* ---- trees made here --------------------------------------------------------------------------- */

static void memory(phys_addr_t base, phys_addr_t size)
{
	char name[64];

	snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)base);
	begin(name);
	assert_int_equal(fdt_property_string(blob, "device_type", "memory"), 0);
	put("reg",
	    CELLS((uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32), (uint32_t)size));
	end();
}

static void begin_reserved(void)
{
	begin("reserved-memory");
	put("#address-cells", CELLS(2));
	put("#size-cells", CELLS(2));
	put("ranges", NULL, 0);
}

static void reserved(phys_addr_t base, phys_addr_t size, bool nomap)
{
	char name[64];

	snprintf(name, sizeof(name), "r@%llx", (unsigned long long)base);
	begin(name);
	put("reg",
	    CELLS((uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32), (uint32_t)size));
	if (nomap)
		put("no-map", NULL, 0);
	end();
}

/* Now a multiple of a page, now of 2 MiB or a GiB, now of nothing. */
static phys_addr_t random_number(uint64_t *seed, unsigned int bits)
{
	static const unsigned int zeroes[] = {0, 3, 12, 12, 16, 21, 30};
	phys_addr_t number = host_random(seed) >> (64 - bits);
	unsigned int shift = zeroes[host_random(seed) % 7];

	return number >> shift << shift;
}

static void random_tree(uint64_t *seed)
{
	phys_addr_t base = random_number(seed, 36), size;
	unsigned int nr = 1 + (unsigned int)(host_random(seed) % 3);

	start_tree();
	for (unsigned int i = 0; i < nr; i++) {
		size = random_number(seed, 33) + 0x1000;
		memory(base, size);
		base += size + (host_random(seed) % 3 ? random_number(seed, 34) : 0);
	}
	begin_reserved();
	nr = (unsigned int)(host_random(seed) % 8);
	for (unsigned int i = 0; i < nr; i++)
		reserved(random_number(seed, 36), random_number(seed, 27) + 1,
			 host_random(seed) % 2);
	end();
	finish_tree();
}

static void expect_good(unsigned long offset)
{
	const char *wrong;

	assert_true(fdt_totalsize(blob) <= sizeof(blob));
	memcpy(tree_room + offset, blob, fdt_totalsize(blob));
	wrong = check_tree(offset);
	if (wrong)
		fail_msg("%s", wrong);
}

/* ---- trees of others --------------------------------------------------------------------------- */

/* The loader fills in what most sources leave open: 16 GiB from the lowest reservation's GiB on. */
static const char *add_memory_node(void *fdt)
{
	struct fdt_tree tree = {.fdt = fdt, .fdt_phys = FDT_EARLY_NOWHERE};
	phys_addr_t base = PHYS_ADDR_MAX;
	fdt32_t reg[4] = {0};
	int cells = fdt_address_cells(fdt, 0), node, n = 0;

	note_tree(&tree);
	if (nr_banks)
		return NULL;
	for (unsigned int i = 0; i < nr_nomaps; i++)
		base = nomaps[i].base < base ? nomaps[i].base : base;
	base = nr_nomaps ? ALIGN_DOWN(base, 1UL << 30) : 1UL << 30;
	node = fdt_add_subnode(fdt, 0, "memory@1");
	if (cells == 2)
		reg[n++] = cpu_to_fdt32((uint32_t)(base >> 32));
	reg[n++] = cpu_to_fdt32((uint32_t)base);
	if (fdt_size_cells(fdt, 0) == 2)
		reg[n++] = cpu_to_fdt32(4);
	reg[n++] = cpu_to_fdt32(fdt_size_cells(fdt, 0) == 2 ? 0 : 0xc0000000);
	if (node < 0 || fdt_setprop_string(fdt, node, "device_type", "memory") ||
	    fdt_setprop(fdt, node, "reg", reg, 4 * n))
		return "no room for a memory node";
	return NULL;
}

static int check_files(int count, char **names)
{
	int failed = 0, with_nomap = 0;

	port_host_log_hook = port_host_capture;
	for (int i = 0; i < count; i++) {
		FILE *in = fopen(names[i], "rb");
		const char *wrong = in ? NULL : "cannot be opened";

		if (in) {
			size_t size = fread(tree_room, 1, FDT_EARLY_MAX_SIZE - 4096, in);

			fclose(in);
			if (size < sizeof(struct fdt_header) ||
			    fdt_open_into(tree_room, tree_room, (int)sizeof(tree_room) - 4096))
				wrong = "not a tree";
		}
		if (!wrong)
			wrong = add_memory_node(tree_room);
		if (!wrong)
			wrong = fdt_pack(tree_room) ? "not packed" : check_tree(0);
		if (wrong)
			printf("%s: %s\n", names[i], wrong);
		failed += wrong != NULL;
		with_nomap += nr_nomaps > 0;
	}
	printf("%d trees, %d with no-map regions: %d failed\n", count, with_nomap, failed);
	return failed != 0;
}

#endif
