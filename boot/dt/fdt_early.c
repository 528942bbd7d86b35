/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early.c: put what the device tree says about memory into memblock.
 *
 * Static reservations go in before memory does. A reservation needs no memory beneath it, and an
 * array of memblock that outgrows its static room moves to free memory: that must not be
 * memory which a reservation still to come would cover. For the same reason, when there may be more
 * regions than the static arrays hold, a place for the larger arrays is found in the tree
 * first, clear of every reservation, and made the first memory there is.
 */
#include <errno.h>

#include <libfdt.h>

#include "fdt_early_tree.h"
#include <quarry/port.h>

/* Firmware missing from the tree: how much of the gap below the image to keep away from. */
#define FIRMWARE_GUESS ((phys_addr_t)2 << 20)

/* The tree in use, and where its dynamic reservations were put. */
static struct {
	struct fdt_tree tree;
	int dynamic_count;
	struct fdt_early_resv dynamic[FDT_EARLY_MAX_DYNAMIC];
} early;

static unsigned long long ull(phys_addr_t value)
{
	return value;
}

static int no_room(const char *what, phys_addr_t base)
{
	port_log("fdt: %s at 0x%llx: more than %d regions, and no free memory to list them in",
		 what, ull(base), CONFIG_MEMBLOCK_REGIONS);
	return -ENOMEM;
}

/* ---- counting, and room for the arrays ---- */

struct counts {
	unsigned long banks;
	unsigned long resvs;
	unsigned long nomaps;
};

static int too_many(const char *what)
{
	port_log("fdt: more than %d %s: refused", FDT_EARLY_MAX_REGIONS, what);
	return -E2BIG;
}

static int count_bank(const struct fdt_bank *bank, void *ctx)
{
	struct counts *counts = ctx;

	(void)bank;
	return ++counts->banks > FDT_EARLY_MAX_REGIONS ? too_many("memory ranges") : 0;
}

static int count_resv(const struct fdt_early_resv *resv, void *ctx)
{
	struct counts *counts = ctx;

	counts->nomaps += resv->nomap;
	return ++counts->resvs > FDT_EARLY_MAX_REGIONS ? too_many("reservations") : 0;
}

/* A place for memblock's arrays: the highest of the first bank with one. */
struct seed {
	phys_addr_t base;
	phys_addr_t size; /* 0: none is needed */
	bool found;
	bool collides;
};

static int move_below(const struct fdt_early_resv *resv, void *ctx)
{
	struct seed *seed = ctx;

	if (resv->base >= seed->base + seed->size || resv->base + resv->size <= seed->base)
		return 0;
	seed->collides = true;
	seed->base = resv->base < seed->size ? 0 : ALIGN_DOWN(resv->base - seed->size, PAGE_SIZE);
	return 0;
}

static int find_seed(const struct fdt_bank *bank, void *ctx)
{
	struct seed *seed = ctx;
	phys_addr_t end = bank->base + bank->size, limit = memblock_get_current_limit();

	end = end < limit ? end : limit;
	if (end < seed->size)
		return 0;
	seed->base = ALIGN_DOWN(end - seed->size, PAGE_SIZE);
	do {
		const struct memblock_region *r;

		seed->collides = false;
		(void)fdt_tree_each_static(&early.tree, move_below, seed);
		/* What the caller has reserved: the image. */
		for_each_reserved_mem_region (r) {
			struct fdt_early_resv resv = {.base = r->base, .size = r->size};

			(void)move_below(&resv, seed);
		}
	} while (seed->collides && seed->base >= bank->base && seed->base >= PAGE_SIZE);
	if (seed->base < bank->base || seed->base < PAGE_SIZE)
		return 0;
	seed->found = true;
	return 1;
}

/* All arrays of up to `count` regions that doubling passes through, in bytes, with rounding. */
static phys_addr_t array_bytes(unsigned long count)
{
	phys_addr_t sum = 0;

	for (unsigned long max = CONFIG_MEMBLOCK_REGIONS; max < count;) {
		max *= 2;
		sum += ALIGN_UP(max * sizeof(struct memblock_region), PAGE_SIZE);
	}
	return sum;
}

static int make_room(const struct counts *counts, struct seed *seed)
{
	/* Cutting out a no-map region leaves up to two regions more; arrays reserve themselves. */
	seed->size = array_bytes(counts->banks + 2 * counts->nomaps + 4) +
		     array_bytes(counts->resvs + memblock.reserved.cnt + 8);
	if (seed->size == 0)
		return 0;
	(void)fdt_tree_each_bank(&early.tree, find_seed, seed);
	/* Memory too small to hold them may still do, if enough regions merge. */
	return seed->found ? memblock_add(seed->base, seed->size) : 0;
}

/* ---- the static part ---- */

/* Does the tree say no-map of a part of this? 1 if so. */
static int in_no_map(const struct fdt_early_resv *resv, void *ctx)
{
	const struct fdt_early_resv *mine = ctx;

	return resv->nomap && resv->base < mine->base + mine->size &&
	       mine->base < resv->base + resv->size;
}

static void warn_of_overlap(const struct fdt_early_resv *resv)
{
	/* Two that only share a page at their ends do not overlap: look at whole pages. */
	phys_addr_t base = ALIGN_UP(resv->base, PAGE_SIZE);
	phys_addr_t end = ALIGN_DOWN(resv->base + resv->size, PAGE_SIZE);
	struct fdt_early_resv copy = *resv;

	if (resv->kind == FDT_EARLY_BLOB || resv->kind == FDT_EARLY_INITRD) {
		/* Loaders reserve these as well; what matters is whether they can be read. */
		if (fdt_tree_each_static(&early.tree, in_no_map, &copy) > 0)
			port_log("fdt: %s 0x%llx-0x%llx lies in no-map memory", resv->name,
				 ull(resv->base), ull(resv->base + resv->size));
	} else if (base < end && memblock_is_region_reserved(base, end - base)) {
		port_log("fdt: reservation %s 0x%llx-0x%llx overlaps an earlier one", resv->name,
			 ull(resv->base), ull(resv->base + resv->size));
	}
}

static int reserve(const struct fdt_early_resv *resv, void *ctx)
{
	phys_addr_t base = ALIGN_DOWN(resv->base, PAGE_SIZE);
	phys_addr_t end = ALIGN_UP(resv->base + resv->size, PAGE_SIZE);

	(void)ctx;
	warn_of_overlap(resv);
	return memblock_reserve(base, end - base) ? no_room("reservation", base) : 0;
}

static int add_bank(const struct fdt_bank *bank, void *ctx)
{
	struct seed *seed = ctx;
	phys_addr_t before = memblock_phys_mem_size(), expected = bank->size;

	if (memblock_add_node(bank->base, bank->size, 0, bank->flags))
		return no_room("memory", bank->base);
	/* The place of the arrays has been memory all along; it lies in one bank. */
	if (seed->found && seed->base >= bank->base &&
	    seed->base + seed->size <= bank->base + bank->size) {
		expected -= seed->size;
		seed->found = false;
		if (bank->flags & MEMBLOCK_HOTPLUG && memblock_mark_hotplug(seed->base, seed->size))
			return no_room("memory", seed->base);
	}
	if (memblock_phys_mem_size() - before != expected)
		port_log("fdt: %s: 0x%llx-0x%llx overlaps memory already known: merged",
			 fdt_tree_path(&early.tree, bank->node), ull(bank->base),
			 ull(bank->base + bank->size));
	return 0;
}

static int mark_nomap(const struct fdt_early_resv *resv, void *ctx)
{
	phys_addr_t base = ALIGN_DOWN(resv->base, PAGE_SIZE);
	phys_addr_t end = ALIGN_UP(resv->base + resv->size, PAGE_SIZE);

	(void)ctx;
	if (resv->nomap && memblock_mark_nomap(base, end - base))
		return no_room("no-map memory", base);
	return 0;
}

static void round_memory(void)
{
	const struct memblock_region *r;

	for_each_mem_region (r) {
		if ((r->base | r->size) & ~PAGE_MASK)
			port_log("fdt: memory 0x%llx-0x%llx is rounded inward to %lu-byte pages",
				 ull(r->base), ull(r->base + r->size), PAGE_SIZE);
	}
	memblock_trim_memory(PAGE_SIZE);
}

/* ---- the dynamic part ---- */

static int place(const struct fdt_dynamic *dyn, void *ctx)
{
	const struct fdt_tree *tree = &early.tree;
	phys_addr_t start, end, base = 0;
	int found, n = 0;

	(void)ctx;
	if (early.dynamic_count == FDT_EARLY_MAX_DYNAMIC) {
		port_log("fdt: %s: more than %d dynamic reservations: refused",
			 fdt_tree_path(tree, dyn->node), FDT_EARLY_MAX_DYNAMIC);
		return -E2BIG;
	}
	while (!base && (found = fdt_tree_alloc_range(tree, dyn->node, n++, &start, &end)) != 0) {
		if (found < 0)
			return found;
		if (start < end)
			base = memblock_phys_alloc_range(dyn->size, dyn->align, start, end);
	}
	if (!base) {
		port_log("fdt: %s: no room for 0x%llx bytes aligned to 0x%llx: not reserved",
			 fdt_tree_path(tree, dyn->node), ull(dyn->size), ull(dyn->align));
		return 0;
	}
	port_log("fdt: %s: 0x%llx bytes placed at 0x%llx", fdt_tree_path(tree, dyn->node),
		 ull(dyn->size), ull(base));
	early.dynamic[early.dynamic_count++] =
		(struct fdt_early_resv){.kind = FDT_EARLY_DYNAMIC,
					.name = fdt_get_name(tree->fdt, dyn->node, NULL),
					.node = dyn->node,
					.base = base,
					.size = dyn->size,
					.nomap = dyn->nomap,
					.reusable = dyn->reusable};
	if (dyn->nomap && memblock_mark_nomap(base, dyn->size))
		return no_room("no-map memory", base);
	return 0;
}

/* ---- the whole ---- */

int fdt_early_init(const void *fdt, phys_addr_t fdt_phys)
{
	struct counts counts = {.banks = 0};
	struct seed seed = {.found = false};
	int err = fdt_early_check(fdt, SIZE_MAX);

	early.tree = (struct fdt_tree){.fdt = NULL};
	early.dynamic_count = 0;
	if (err)
		return err;
	early.tree = (struct fdt_tree){.fdt = fdt, .fdt_phys = fdt_phys, .log = true};

	err = fdt_tree_each_bank(&early.tree, count_bank, &counts);
	if (!err)
		err = fdt_tree_each_static(&early.tree, count_resv, &counts);
	early.tree.log = false;
	if (!err)
		err = make_room(&counts, &seed);
	if (!err)
		err = fdt_tree_each_static(&early.tree, reserve, NULL);
	if (!err)
		err = fdt_tree_each_bank(&early.tree, add_bank, &seed);
	if (err)
		return err;

	round_memory();
	if (memblock_phys_mem_size() == 0) {
		port_log("fdt: no usable memory: no enabled memory node has a reg with a size");
		return -ENODEV;
	}
	err = fdt_tree_each_static(&early.tree, mark_nomap, NULL);
	early.tree.log = true;
	if (!err)
		err = fdt_tree_each_dynamic(&early.tree, place, NULL);
	early.tree.log = false;
	return err;
}

int fdt_early_each_reserved(int (*fn)(const struct fdt_early_resv *resv, void *ctx), void *ctx)
{
	int err;

	if (!early.tree.fdt)
		return 0;
	err = fdt_tree_each_static(&early.tree, fn, ctx);
	for (int i = 0; !err && i < early.dynamic_count; i++)
		err = fn(&early.dynamic[i], ctx);
	return err;
}

/* ---- firmware the tree does not mention ---- */

struct gap_check {
	phys_addr_t start;
	phys_addr_t end;
};

/* 1 if the tree itself (not the blob, not the initrd) reserves a part of the gap. */
static int covers_gap(const struct fdt_early_resv *resv, void *ctx)
{
	const struct gap_check *gap = ctx;

	if (resv->kind != FDT_EARLY_MEMRESERVE && resv->kind != FDT_EARLY_STATIC)
		return 0;
	return resv->base < gap->end && resv->base + resv->size > gap->start;
}

int fdt_early_check_firmware(phys_addr_t image_start)
{
	struct gap_check gap = {.start = image_start, .end = image_start};
	phys_addr_t size;

	if (!early.tree.fdt)
		return 0;
	/* Regions that touch are one bank: no-map marks have split it. Banks ascend. */
	for (unsigned long i = memblock.memory.cnt; i-- > 0;) {
		const struct memblock_region *r = &memblock.memory.regions[i];

		if (r->base < gap.start && r->base + r->size >= gap.start)
			gap.start = r->base;
	}
	/* An image that runs from flash: the firmware is then at the start of memory. */
	if (!memblock_is_memory(image_start)) {
		gap.start = memblock_start_of_DRAM();
		gap.end = gap.start + FIRMWARE_GUESS;
	}
	if (gap.start == gap.end || fdt_tree_each_static(&early.tree, covers_gap, &gap) != 0)
		return 0;

	size = gap.end - gap.start < FIRMWARE_GUESS ? gap.end - gap.start : FIRMWARE_GUESS;
	port_log(
		"fdt: warning: the tree reserves nothing from 0x%llx to the image at 0x%llx, where "
		"M-mode firmware is: reserving 0x%llx bytes",
		ull(gap.start), ull(image_start), ull(size));
	return memblock_reserve(gap.start, size) ? no_room("firmware", gap.start) : 1;
}
