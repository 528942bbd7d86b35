/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_map.c: see fdt_early_map.h.
 */
#include "fdt_early_map.h"

#include <libfdt.h>

#include "fdt_early_note.h"
#include <quarry/port.h>

/* The blob, the initrd and what other kernels left are reservations beside the tree's own. */
#define OTHERS	     8
#define RESERVATIONS (FDT_EARLY_MAX_REGIONS + OTHERS)
#define BANKS	     FDT_EARLY_MAX_REGIONS
#define USABLE	     FDT_EARLY_MAX_REGIONS

/*
 * Beside the image, of which it is no part once the map is in memblock: see boot/<isa>/quarry.lds.
 * Never read before it is written.
 */
#ifdef QUARRY_HOST
#define SCRATCH
#else
#define SCRATCH __attribute__((section(".scratch")))
#endif
static struct fdt_range scratch[RESERVATIONS + BANKS + USABLE] SCRATCH;

static unsigned long long ull(phys_addr_t value)
{
	return value;
}

/* ---- collecting ------------------------------------------------------------------------------ */

/* There is room: the walks count, and stop at the limit. */
static struct fdt_range *append(struct fdt_ranges *ranges, phys_addr_t base, phys_addr_t size)
{
	struct fdt_range *range = &ranges->at[ranges->count++];

	*range = (struct fdt_range){.base = base, .end = base + size, .node = -1};
	return range;
}

static int collect_bank(const struct fdt_bank *bank, void *ctx)
{
	struct fdt_map *map = ctx;
	struct fdt_range *range = append(&map->banks, bank->base, bank->size);

	range->node = bank->node;
	range->flags = bank->flags & MEMBLOCK_HOTPLUG ? FDT_RANGE_HOTPLUG : 0;
	return 0;
}

static int collect_usable(phys_addr_t base, phys_addr_t size, void *ctx)
{
	struct fdt_map *map = ctx;

	append(&map->usable, base, size);
	return 0;
}

static int collect_reservation(const struct fdt_early_resv *resv, void *ctx)
{
	struct fdt_map *map = ctx;
	struct fdt_range *range = append(&map->reservations, resv->base, resv->size);

	range->node = resv->node;
	range->kind = (unsigned char)resv->kind;
	range->flags = resv->nomap ? FDT_RANGE_NOMAP : 0;
	return 0;
}

/* ---- what is odd ----------------------------------------------------------------------------- */

static const char *name_of(const struct fdt_tree *tree, const struct fdt_range *range)
{
	static const char *const names[] = {
		[FDT_EARLY_MEMRESERVE] = "/memreserve/",
		[FDT_EARLY_BLOB] = "device tree",
		[FDT_EARLY_INITRD] = "initrd",
		[FDT_EARLY_ELFCOREHDR] = "linux,elfcorehdr",
		[FDT_EARLY_KEXEC] = "linux,ima-kexec-buffer",
	};

	return range->kind == FDT_EARLY_STATIC ? fdt_get_name(tree->fdt, range->node, NULL)
					       : names[range->kind];
}

/* Loaders reserve what they pass as well; what matters is whether it can be read. */
static bool passed_by_loader(const struct fdt_range *range)
{
	return range->kind != FDT_EARLY_MEMRESERVE && range->kind != FDT_EARLY_STATIC;
}

/* Of two entries of a tree, the one that comes later in it. */
static struct fdt_range *later(struct fdt_range *a, struct fdt_range *b)
{
	if (a->kind != b->kind)
		return a->kind > b->kind ? a : b;
	return a->node > b->node ? a : b;
}

/*
 * The entries of a sorted list that lie over others, each once: of any that overlap, all but one at
 * most are named.
 */
static void note_overlaps(const struct fdt_tree *tree, struct fdt_ranges *ranges,
			  void (*note)(const struct fdt_tree *tree, const struct fdt_range *range))
{
	struct fdt_range *highest = NULL;

	for (struct fdt_range *r = ranges->at; r < ranges->at + ranges->count; r++) {
		struct fdt_range *second = highest ? later(highest, r) : NULL;

		if (passed_by_loader(r))
			continue;
		if (highest && r->base < highest->end && !(second->flags & FDT_RANGE_REPORTED)) {
			second->flags |= FDT_RANGE_REPORTED;
			note(tree, second);
		}
		if (!highest || r->end > highest->end)
			highest = r;
	}
}

static void note_reservation(const struct fdt_tree *tree, const struct fdt_range *range)
{
	fdt_note(FDT_NOTE_RESERVED, "reservation %.64s 0x%llx-0x%llx overlaps an earlier one",
		 name_of(tree, range), ull(range->base), ull(range->end));
}

static void note_bank(const struct fdt_tree *tree, const struct fdt_range *range)
{
	fdt_note(FDT_NOTE_MEMORY, "%s: 0x%llx-0x%llx overlaps memory already known: merged",
		 fdt_tree_path(tree, "", range->node), ull(range->base), ull(range->end));
}

static void note_unreadable(const struct fdt_tree *tree, const struct fdt_ranges *ranges)
{
	const struct fdt_range *end = ranges->at + ranges->count;

	for (const struct fdt_range *mine = ranges->at; mine < end; mine++) {
		if (!passed_by_loader(mine))
			continue;
		for (const struct fdt_range *r = ranges->at; r < end; r++) {
			if (!(r->flags & FDT_RANGE_NOMAP) || r->base >= mine->end ||
			    r->end <= mine->base)
				continue;
			port_log("fdt: %s 0x%llx-0x%llx lies in no-map memory", name_of(tree, mine),
				 ull(mine->base), ull(mine->end));
			break;
		}
	}
}

int fdt_map_collect(struct fdt_map *map, const struct fdt_tree *tree)
{
	int err;

	*map = (struct fdt_map){
		.reservations = {.at = scratch, .max = RESERVATIONS},
		.banks = {.at = scratch + RESERVATIONS, .max = BANKS},
		.usable = {.at = scratch + RESERVATIONS + BANKS, .max = USABLE},
	};
	err = fdt_tree_each_bank(tree, collect_bank, map);
	if (!err)
		err = fdt_tree_each_usable(tree, collect_usable, map);
	if (err >= 0) {
		map->limited = err > 0;
		err = fdt_tree_each_static(tree, collect_reservation, map);
	}
	if (err)
		return err;
	fdt_ranges_sort(&map->banks);
	fdt_ranges_sort(&map->usable);
	fdt_ranges_sort(&map->reservations);
	if (tree->log) {
		note_overlaps(tree, &map->banks, note_bank);
		note_overlaps(tree, &map->reservations, note_reservation);
		note_unreadable(tree, &map->reservations);
	}
	return 0;
}

struct fdt_ranges fdt_map_scratch(void)
{
	return (struct fdt_ranges){.at = scratch, .max = RESERVATIONS + BANKS + USABLE};
}

/* ---- passing through ------------------------------------------------------------------------- */

/* A pass from the lowest address up. */
struct pass {
	const struct fdt_map *map;
	const struct fdt_tree *tree;
	struct fdt_cursor banks, usable, hotplug, nomap;
	unsigned long first; /* bank of the run that is visited: where it begins */
	int (*fn)(const struct fdt_piece *piece, void *ctx);
	void *ctx;
};

/* Memory [base, end) that may be used and has the same flags, but for no-map: whole pages of it. */
static int visit_run(struct pass *pass, phys_addr_t base, phys_addr_t end, bool hotplug)
{
	struct fdt_piece piece;
	phys_addr_t next;

	if ((base | end) & ~PAGE_MASK && pass->tree->log)
		fdt_note(FDT_NOTE_ROUNDED,
			 "memory 0x%llx-0x%llx is rounded inward to %lu-byte pages", ull(base),
			 ull(end), PAGE_SIZE);
	base = ALIGN_UP(base, PAGE_SIZE);
	end = ALIGN_DOWN(end, PAGE_SIZE);
	for (; base < end; base = next) {
		bool nomap;
		int err;

		next = end;
		nomap = fdt_cursor_covers(&pass->nomap, base, &next);
		piece.base = base;
		piece.end = next;
		piece.flags = (hotplug ? MEMBLOCK_HOTPLUG : MEMBLOCK_NONE) |
			      (nomap ? MEMBLOCK_NOMAP : MEMBLOCK_NONE);
		err = pass->fn(&piece, pass->ctx);
		if (err)
			return err;
	}
	return 0;
}

/* Memory [base, end) as banks have it: what of it may be used. */
static int visit_memory(struct pass *pass, phys_addr_t base, phys_addr_t end)
{
	phys_addr_t outside = 0, next;

	for (phys_addr_t at = base; at < end; at = next) {
		bool usable, hotplug;
		int err;

		next = end;
		usable = !pass->map->limited || fdt_cursor_covers(&pass->usable, at, &next);
		hotplug = fdt_cursor_covers(&pass->hotplug, at, &next);
		if (!usable)
			outside += next - at;
		err = usable ? visit_run(pass, at, next, hotplug) : 0;
		if (err)
			return err;
	}
	if (!outside || !pass->tree->log)
		return 0;
	while (pass->map->banks.at[pass->first].base < base)
		pass->first++;
	fdt_note(FDT_NOTE_OUTSIDE,
		 "%s: 0x%llx of 0x%llx bytes at 0x%llx lie outside linux,usable-memory-range: left "
		 "out",
		 fdt_tree_path(pass->tree, "", pass->map->banks.at[pass->first].node), ull(outside),
		 ull(end - base), ull(base));
	return 0;
}

int fdt_map_each_piece(const struct fdt_map *map, const struct fdt_tree *tree,
		       int (*fn)(const struct fdt_piece *piece, void *ctx), void *ctx)
{
	struct pass pass = {
		.map = map,
		.tree = tree,
		.banks = {.ranges = &map->banks},
		.usable = {.ranges = &map->usable},
		.hotplug = {.ranges = &map->banks, .flags = FDT_RANGE_HOTPLUG},
		.nomap = {.ranges = &map->reservations, .flags = FDT_RANGE_NOMAP, .outward = true},
		.fn = fn,
		.ctx = ctx,
	};
	phys_addr_t next;

	for (phys_addr_t at = 0; at < PHYS_LIMIT; at = next) {
		int err;

		next = PHYS_LIMIT;
		if (!fdt_cursor_covers(&pass.banks, at, &next))
			continue;
		err = visit_memory(&pass, at, next);
		if (err)
			return err;
	}
	return 0;
}

/* ---- finding room ---------------------------------------------------------------------------- */

struct search {
	struct fdt_cursor reservations, taken;
	phys_addr_t wanted, limit;
	phys_addr_t found, size; /* the best place so far; 0: none yet */
	enum memblock_flags flags;
};

static int look_in(const struct fdt_piece *piece, void *ctx)
{
	struct search *search = ctx;
	phys_addr_t end = piece->end < search->limit ? piece->end : search->limit, next;

	if (piece->flags & MEMBLOCK_NOMAP)
		return 0;
	/* page 0 is never handed out */
	for (phys_addr_t at = piece->base ? piece->base : PAGE_SIZE; at < end; at = next) {
		bool reserved, taken;
		phys_addr_t size;

		next = end;
		reserved = fdt_cursor_covers(&search->reservations, at, &next);
		taken = fdt_cursor_covers(&search->taken, at, &next);
		size = ALIGN_DOWN(next - at, PAGE_SIZE);
		if (size > search->wanted)
			size = search->wanted;
		if (reserved || taken || size == 0 || size < search->size)
			continue;
		search->found = ALIGN_DOWN(next - size, PAGE_SIZE);
		search->size = size;
		search->flags = piece->flags;
	}
	return 0;
}

phys_addr_t fdt_map_find(const struct fdt_map *map, const struct fdt_tree *tree, phys_addr_t *size,
			 enum memblock_flags *flags)
{
	const struct fdt_tree quiet = {.fdt = tree->fdt, .fdt_phys = tree->fdt_phys};
	struct search search = {
		.reservations = {.ranges = &map->reservations, .outward = true},
		.taken = {.type = &memblock.reserved, .outward = true},
		.wanted = *size,
		.limit = memblock_get_current_limit(),
	};

	(void)fdt_map_each_piece(map, &quiet, look_in, &search);
	*size = search.size;
	*flags = search.flags;
	return search.found;
}
