/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_map.h: the memory map of a tree, collected and sorted, before any of it is in memblock.
 * Whether a byte is memory, is to be left unmapped or is free is decided here, by all that the
 * tree says together.
 */
#ifndef QUARRY_FDT_EARLY_MAP_H
#define QUARRY_FDT_EARLY_MAP_H

#include "fdt_early_range.h"
#include "fdt_early_tree.h"

struct fdt_map {
	struct fdt_ranges banks;	/* memory, as the tree lists it */
	struct fdt_ranges usable;	/* all that may be used of it, if `limited` */
	struct fdt_ranges reservations; /* static ones */
	bool limited;
};

/*
 * fdt_map_collect() - read the tree into map, and sort it. What is odd is logged if tree->log. 0,
 * or the error of fdt_early_init(); memblock is not touched. There is one map: it lies in static
 * memory, which is free again when the boot code says so (boot/main.c).
 */
int fdt_map_collect(struct fdt_map *map, const struct fdt_tree *tree);

/* A stretch of memory, whole pages, that is alike from end to end. */
struct fdt_piece {
	phys_addr_t base, end;
	enum memblock_flags flags; /* MEMBLOCK_HOTPLUG, MEMBLOCK_NOMAP */
};

/*
 * fdt_map_each_piece() - call fn for each piece of memory, from the lowest up. Stops at the first
 * nonzero return, which it passes on. Bound: linear in the map.
 */
int fdt_map_each_piece(const struct fdt_map *map, const struct fdt_tree *tree,
		       int (*fn)(const struct fdt_piece *piece, void *ctx), void *ctx);

/*
 * fdt_map_find() - a place of *size bytes, whole pages, in memory that is mapped and neither in one
 * of the map's reservations nor in memblock's: the highest below memblock's limit. If there is
 * none, *size comes down to that of the largest there is. Its address, and the flags of the memory;
 * 0: there is no free page.
 * Bound: linear in the map and in memblock.
 */
phys_addr_t fdt_map_find(const struct fdt_map *map, const struct fdt_tree *tree, phys_addr_t *size,
			 enum memblock_flags *flags);

/*
 * fdt_map_scratch() - the static memory of a map that is not used any more, as a list that is
 * empty.
 */
struct fdt_ranges fdt_map_scratch(void);

#endif
