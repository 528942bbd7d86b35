/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_cells.h: what a range of frames is made of, and the letter and colour that stand for it in `map`. Knows no terminal.
 */
#ifndef CONSOLE_MAP_CELLS_H
#define CONSOLE_MAP_CELLS_H

#include <quarry/gfp.h>
#include <quarry/page_owner.h>
#include <quarry/types.h>

#define MAP_OWNERS 26 /* that have a letter of their own */

struct map_range {
	pfn_t start, end;
	uint64_t present; /* pages that have a descriptor; the other figures are parts of it */
	uint64_t free, cached, used, reserved, bad; /* bad: a part of reserved */
	uint64_t type[MIGRATE_TYPES]; /* those not reserved; what is free by its pageblock's type */
	uint64_t blocks;	      /* allocated ones that begin in the range */
	int largest_free; /* order of the largest free block that touches the range, or -1 */
	uint32_t
		owner; /* whose pages are the most, where that is more than a half: map_owner(); 0: nobody's */
	uint32_t hash; /* of all that is in it */
};

/*
 * map_owner() - the word that stands for a block's owner (mm_page_owner()): MAP_SITE and half of its call
 * site, whatever the mark; MAP_OBJECTS for slabs and what kmalloc() took for itself; or else what is in the
 * descriptor. 0: nothing is.
 */
#define MAP_SITE    0x80000000U
#define MAP_OBJECTS 0xffffffffU /* no call site: these are below 2 MiB */
uint32_t map_owner(const struct page_info *info);

/*
 * map_look() - the figures of the frames [start, end). `owner` sees the owner of each allocated block; NULL: nobody asks.
 *
 * Context: thread. Bound: linear in the blocks, and in the pages that have none.
 */
void map_look(pfn_t start, pfn_t end, struct map_range *range,
	      void (*owner)(uint32_t tag, uint64_t pages));

enum map_mode {
	MAP_FREE,
	MAP_TYPE,
	MAP_ORDER,
	MAP_OWNER,
	MAP_AGE,
	NR_MAP_MODES,
};

/* What age and owner need besides the range. */
struct map_context {
	const uint32_t *owners; /* tags in the order of their letters */
	unsigned int nr_owners;
	uint32_t age; /* seconds since the cell was seen to change */
};

struct map_cell {
	char letter;	/* ' ': no memory */
	uint8_t colour; /* an enum terminal_colour */
};
struct map_cell map_cell(const struct map_range *range, enum map_mode mode,
			 const struct map_context *context);

/* The legend, one line of 80 columns at most. */
const char *map_legend(enum map_mode mode);
const char *map_mode_name(enum map_mode mode);

#endif
