/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_range.c: see fdt_early_range.h.
 */
#include "fdt_early_range.h"

/* ---- sorting: a heap, which needs no memory and has no bad case ------------------------------ */

static void swap(struct fdt_range *a, struct fdt_range *b)
{
	struct fdt_range old = *a;

	*a = *b;
	*b = old;
}

/* Heap sort: among the first n, the range at i moves down until no child of it begins above it. */
static void sink(struct fdt_range *at, unsigned long i, unsigned long n)
{
	for (unsigned long child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && at[child + 1].base > at[child].base)
			child++;
		if (at[i].base >= at[child].base)
			return;
		swap(&at[i], &at[child]);
	}
}

void fdt_ranges_sort(struct fdt_ranges *ranges)
{
	for (unsigned long i = ranges->count / 2; i-- > 0;)
		sink(ranges->at, i, ranges->count);
	for (unsigned long n = ranges->count; n-- > 1;) {
		swap(&ranges->at[0], &ranges->at[n]);
		sink(ranges->at, 0, n);
	}
}

/* ---- passing through ------------------------------------------------------------------------- */

/* The next range of the list; false past the last. */
static bool peek(const struct fdt_cursor *cursor, phys_addr_t *base, phys_addr_t *end, bool *counts)
{
	unsigned long i = cursor->next;

	if (cursor->type) {
		if (i >= cursor->type->cnt)
			return false;
		*base = cursor->type->regions[i].base;
		*end = *base + cursor->type->regions[i].size;
		*counts = true;
	} else {
		if (i >= cursor->ranges->count)
			return false;
		*base = cursor->ranges->at[i].base;
		*end = cursor->ranges->at[i].end;
		*counts = (cursor->ranges->at[i].flags & cursor->flags) == cursor->flags;
	}
	if (cursor->outward) {
		*base = ALIGN_DOWN(*base, PAGE_SIZE);
		*end = ALIGN_UP(*end, PAGE_SIZE);
	}
	return true;
}

/* On to the next run of ranges that touch. */
static void advance(struct fdt_cursor *cursor)
{
	phys_addr_t base, end;
	bool counts, found = false;

	while (peek(cursor, &base, &end, &counts) && !(found && base > cursor->end)) {
		cursor->next++;
		if (!counts)
			continue;
		if (!found)
			cursor->base = base;
		if (!found || end > cursor->end)
			cursor->end = end;
		found = true;
	}
	if (!found)
		cursor->base = cursor->end = PHYS_ADDR_MAX;
}

bool fdt_cursor_covers(struct fdt_cursor *cursor, phys_addr_t addr, phys_addr_t *next)
{
	bool inside;
	phys_addr_t change;

	while (cursor->end <= addr && cursor->base != PHYS_ADDR_MAX)
		advance(cursor);
	inside = cursor->base <= addr;
	change = inside ? cursor->end : cursor->base;
	if (change < *next)
		*next = change;
	return inside;
}
