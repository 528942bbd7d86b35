/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_range.h: lists of address ranges, sorted once and then passed through from the lowest
 * address up, several at a time.
 *
 * A tree may list its regions in any order, and inserting each into memblock's sorted arrays as it
 * comes costs the square of their number. Sorted first, all that the early device-tree code asks
 * (what is memory, what of it is usable, reserved, no-map, where is room) is one pass over the
 * lists.
 */
#ifndef QUARRY_FDT_EARLY_RANGE_H
#define QUARRY_FDT_EARLY_RANGE_H

#include <quarry/memblock.h>

#define FDT_RANGE_NOMAP	   1U
#define FDT_RANGE_HOTPLUG  2U
#define FDT_RANGE_REPORTED 4U /* a line has been logged about it */

struct fdt_range {
	phys_addr_t base, end; /* as the tree says; end is exclusive, above base */
	int node;	       /* its node in the tree, or -1 */
	unsigned char kind;    /* enum fdt_early_kind of a reservation */
	unsigned char flags;
};

struct fdt_ranges {
	struct fdt_range *at;
	unsigned long count, max;
};

/* By base. Bound: n log n. */
void fdt_ranges_sort(struct fdt_ranges *ranges);

/*
 * A pass over a sorted list, or over an array of memblock's, of which ranges that touch or
 * overlap are one.
 */
struct fdt_cursor {
	const struct fdt_ranges *ranges; /* or: */
	const struct memblock_type *type;
	unsigned char flags;   /* only ranges that have these */
	bool outward;	       /* ranges are rounded outward to whole pages */
	unsigned long next;    /* the first that is not in [base, end) */
	phys_addr_t base, end; /* where it is; PHYS_ADDR_MAX: past the last */
};

/*
 * fdt_cursor_covers() - does a range cover addr, which is not below that of the call before? *next
 * comes down to where the answer may change. Bound: all calls of a pass together, linear in the
 * list.
 */
bool fdt_cursor_covers(struct fdt_cursor *cursor, phys_addr_t addr, phys_addr_t *next);

#endif
