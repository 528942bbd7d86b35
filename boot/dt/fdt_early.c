/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early.c: put what the device tree says about memory into memblock.
 *
 * Static reservations go in before memory does. A reservation needs no memory beneath it, and an
 * array of memblock that outgrows its static room moves to free memory: that must not be
 * memory which a reservation still to come would cover. For the same reason, before an array may
 * have to move, a place for it is found in the map of the whole tree and made memory.
 *
 * Everything goes in from the lowest address up, so each region is the last of its array.
 */
#include <errno.h>

#include <libfdt.h>

#include "fdt_early_map.h"
#include "fdt_early_note.h"
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

/* ---- the static part ------------------------------------------------------------------------- */

/* Regions that one step may add to an array: a move of the array is a reservation of its own. */
#define HEADROOM 4

static bool memblock_knows(phys_addr_t size)
{
	return memblock_find_in_range(0, MEMBLOCK_ALLOC_ACCESSIBLE, size, PAGE_SIZE);
}

/*
 * If the array is nearly full, see to it that memblock knows free memory for one twice as large, or
 * as much of it as there is in one piece. If that does not do, the step that needs it will say so.
 */
static void make_room(const struct fdt_map *map, const struct memblock_type *type)
{
	phys_addr_t size = ALIGN_UP(2 * type->max * sizeof(struct memblock_region), PAGE_SIZE);
	enum memblock_flags flags;
	phys_addr_t place;

	if (type->cnt + HEADROOM <= type->max || memblock_knows(size))
		return;
	place = fdt_map_find(map, &early.tree, &size, &flags);
	if (place && !memblock_knows(size))
		(void)memblock_add_node(place, size, 0, flags);
}

static int reserve_all(const struct fdt_map *map)
{
	struct fdt_cursor cursor = {.ranges = &map->reservations, .outward = true};
	phys_addr_t next;

	for (phys_addr_t at = 0; at < PHYS_LIMIT; at = next) {
		next = PHYS_LIMIT;
		if (!fdt_cursor_covers(&cursor, at, &next))
			continue;
		make_room(map, &memblock.reserved);
		if (memblock_reserve(at, next - at))
			return no_room("reservation", at);
	}
	return 0;
}

static int add_piece(const struct fdt_piece *piece, void *ctx)
{
	const struct fdt_map *map = ctx;

	make_room(map, &memblock.reserved);
	make_room(map, &memblock.memory);
	if (memblock_add_node(piece->base, piece->end - piece->base, 0, piece->flags))
		return no_room("memory", piece->base);
	return 0;
}

/* ---- the dynamic part ------------------------------------------------------------------------ */

/*
 * Where a block of this size and alignment may begin: an interval for each free range that has room
 * for one, base the first and end the last place in it, both multiples of align. False: there are
 * more than the list holds.
 */
static bool list_places(struct fdt_ranges *places, phys_addr_t size, phys_addr_t align)
{
	phys_addr_t start, end;
	uint64_t i;

	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, NULL) {
		start = ALIGN_UP(start > PAGE_SIZE ? start : PAGE_SIZE, align);
		if (start >= end || end - start < size)
			continue;
		if (places->count == places->max)
			return false;
		places->at[places->count++] =
			(struct fdt_range){.base = start, .end = ALIGN_DOWN(end - size, align)};
	}
	return true;
}

/* Is one of the places within [start, end - size]? They ascend. Bound: log n. */
static bool has_place(const struct fdt_ranges *places, const struct fdt_dynamic *dyn,
		      phys_addr_t start, phys_addr_t end)
{
	unsigned long low = 0, high = places->count;
	phys_addr_t first = ALIGN_UP(start, dyn->align);

	if (first < start || first >= end || end - first < dyn->size)
		return false;
	while (low < high) {
		unsigned long mid = low + (high - low) / 2;

		if (places->at[mid].end < first)
			low = mid + 1;
		else
			high = mid;
	}
	return low < places->count && places->at[low].base <= end - dyn->size;
}

/* The place of a dynamic reservation, now reserved; 0: there is none. */
static phys_addr_t find_place(const struct fdt_dynamic *dyn, const char *path)
{
	struct fdt_ranges places = fdt_map_scratch();
	phys_addr_t base = 0, start, size;
	bool all;

	if (dyn->anywhere)
		return memblock_phys_alloc_range(dyn->size, dyn->align, 0, PHYS_LIMIT);
	/*
	 * memblock is asked where it will say yes: each question costs as much as listing all
	 * places
	 */
	all = list_places(&places, dyn->size, dyn->align);
	for (int i = 0; !base && i < dyn->where.count; i++) {
		fdt_tree_read_pair(&dyn->where, i, &start, &size);
		if (!fdt_tree_clip(&early.tree, path, start, &size))
			continue;
		if (!all || has_place(&places, dyn, start, start + size))
			base = memblock_phys_alloc_range(dyn->size, dyn->align, start,
							 start + size);
	}
	return base;
}

static int place(const struct fdt_dynamic *dyn, void *ctx)
{
	const struct fdt_tree *tree = &early.tree;
	const char *path = fdt_tree_path(tree, "/reserved-memory", dyn->node);
	phys_addr_t base;

	(void)ctx;
	if (early.dynamic_count == FDT_EARLY_MAX_DYNAMIC) {
		fdt_note(FDT_NOTE_NOT_PLACED, "%s: more than %d dynamic reservations: not reserved",
			 path, FDT_EARLY_MAX_DYNAMIC);
		return 0;
	}
	base = find_place(dyn, path);
	if (!base) {
		fdt_note(FDT_NOTE_NOT_PLACED,
			 "%s: no room for 0x%llx bytes aligned to 0x%llx: not reserved", path,
			 ull(dyn->size), ull(dyn->align));
		return 0;
	}
	fdt_note(FDT_NOTE_PLACED, "%s: 0x%llx bytes placed at 0x%llx", path, ull(dyn->size),
		 ull(base));
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

/* ---- the whole ------------------------------------------------------------------------------- */

static int only_count(const struct fdt_dynamic *dyn, void *ctx)
{
	(void)dyn;
	(void)ctx;
	return 0;
}

/* All that can be refused, before anything is changed. */
static int collect(struct fdt_map *map, const void *fdt, phys_addr_t fdt_phys)
{
	struct fdt_tree tree = {.fdt = fdt, .fdt_phys = fdt_phys, .log = true};
	int err = fdt_early_check(fdt, SIZE_MAX);

	if (!err)
		err = fdt_map_collect(map, &tree);
	tree.log = false;
	if (!err)
		err = fdt_tree_each_dynamic(&tree, only_count, NULL);
	if (!err)
		early.tree = tree;
	return err;
}

static int fill_memblock(const struct fdt_map *map)
{
	int err = reserve_all(map);

	early.tree.log = true;
	if (!err)
		err = fdt_map_each_piece(map, &early.tree, add_piece, (void *)(uintptr_t)map);
	if (!err && memblock_phys_mem_size() == 0) {
		port_log("fdt: no usable memory: no enabled memory node has a reg with a size");
		err = -ENODEV;
	}
	if (!err)
		err = fdt_tree_each_dynamic(&early.tree, place, NULL);
	early.tree.log = false;
	return err;
}

int fdt_early_init(const void *fdt, phys_addr_t fdt_phys)
{
	struct fdt_map map;
	int err;

	early.tree = (struct fdt_tree){.fdt = NULL};
	early.dynamic_count = 0;
	fdt_notes_begin();
	err = collect(&map, fdt, fdt_phys);
	if (err) /* the line that says why is the last */
		return err;
	err = fill_memblock(&map);
	fdt_notes_end();
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
	/* not mapped either: a CPU that reads ahead there may meet the PMP */
	if (memblock_reserve(gap.start, size) || memblock_mark_nomap(gap.start, size))
		return no_room("firmware", gap.start);
	return 1;
}
