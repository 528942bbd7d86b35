/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy.h: what buddy/ offers: free blocks of a zone, by pageblock and type. The caller holds the
 * zone's lock with interrupts masked, where nothing else is said.
 */
#ifndef QUARRY_MM_BUDDY_H
#define QUARRY_MM_BUDDY_H

#include "../state.h"

#pragma GCC visibility push(hidden)

/*
 * 2 MiB, with a small buddy of its own for orders below pageblock_order; the links of its lists
 * are frame numbers within it. It is on one list of its zone, by type and largest free order, or
 * whole: then its one free block of order 9, or 10 with its neighbour, has no type yet.
 */
struct pageblock {
	uint32_t prev, next;		/* neighbours on the zone's list: pageblock numbers */
	uint16_t head[pageblock_order]; /* first free block, where free_orders says so */
	uint16_t free_orders;		/* bit o: there is a free block of order o */
	uint16_t nr_free;		/* pages on those lists */
	int8_t list;  /* order of the zone's list it is on, PB_OFF_LIST if on none */
	uint8_t type; /* enum migratetype */
};
static_assert(sizeof(struct pageblock) == PAGEBLOCK_BYTES, "zones_init() made room for them");
#define PB_OFF_LIST (-1)

/*
 * The type pageblocks are chosen by: of no account where there is too little memory for grouping.
 */
static inline enum migratetype group_type(gfp_t class)
{
	return mm.grouping ? gfp_migratetype(class) : MIGRATE_UNMOVABLE;
}

/* open_section.c: no descriptor in it is trusted any more, its pageblocks are empty. */
void section_clear(unsigned long section);

/* buddy.c */
/*
 * Takes a free block of order *order for type or, with lowest < *order, the first at hand of that
 * order or more. *order is the block's then. Returns its index, or NIL32.
 */
unsigned long buddy_alloc(struct zone *zone, unsigned int *order, enum migratetype type,
			  unsigned int lowest);
/* Returns how often the block merged. Bound 700 (docs/bounds.md). */
unsigned int buddy_free(struct zone *zone, unsigned long index, unsigned int order);
/*
 * Free all but the first `pages` (1 at least) of the block at index, which is of no type yet if it
 * was a whole pageblock: then of this one. Bound 1000 (docs/bounds.md).
 */
void buddy_free_tails(struct zone *zone, unsigned long index, unsigned int order,
		      unsigned long pages, enum migratetype type);
/*
 * Boot: put a block on its pageblock's list without looking for its buddy, as it is as large as
 * can be. When a section is done, pb_settle() puts its pageblocks on the zone's lists.
 */
void buddy_add(struct zone *zone, unsigned long index, unsigned int order);
/* Put it on the zone's list of its largest free order, which is `most` or less, or on none. */
void pb_settle(struct zone *zone, struct pageblock *pb, long most);

/* fallback.c */
/* From the HIGHATOMIC pageblocks; NIL32 if they have none. */
unsigned long highatomic_alloc(struct zone *zone, unsigned int *order);
/*
 * A block from a pageblock of this type, which is kept for such requests from now on. NIL32: there
 * is none, or too many are kept already.
 */
unsigned long highatomic_reserve(struct zone *zone, unsigned int *order, enum migratetype type);
/*
 * Give up a HIGHATOMIC pageblock that has a free block of this order, for type. False: there is none,
 * or it has fewer free pages than are `missing`. With TAKE_NOTHING nothing changes.
 */
bool highatomic_unreserve(struct zone *zone, unsigned int order, unsigned long missing,
			  enum migratetype type);
/* The same for those that descriptors [start, end) lie in. */
void highatomic_unreserve_range(struct zone *zone, unsigned long start, unsigned long end,
				enum migratetype type);

/* buddy_range.c */
/*
 * Takes a free block of this order of one pageblock, by its number, of which the first `pages` lie in
 * [start, end): cut from the smallest that has it. The pageblock keeps its type if it has one, else it is of
 * `type`. HIGHATOMIC ones are passed over unless asked for. Its index; NIL32: there is none. Bound 20,000.
 */
unsigned long buddy_alloc_range(struct zone *zone, unsigned long pageblock, unsigned long start,
				unsigned long end, unsigned int order, unsigned long pages,
				enum migratetype type, bool highatomic);
/* The zone's next untouched section becomes a free block; false: there is none. Bound 300. */
bool buddy_open_section(struct zone *zone);

#pragma GCC visibility pop
#endif
