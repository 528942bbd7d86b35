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
 * 2 MiB, with a map of its free pages (../free_map.h). It is on one list of its zone, by type and
 * largest free order, or whole: then its one free block of order 9, or 10 with its neighbour, has
 * no type yet.
 */
struct pageblock {
	uint32_t prev, next; /* neighbours on the zone's list: pageblock numbers */
	uint16_t nr_free;    /* pages that are free, all of them when it is free as a whole */
	int8_t list;	     /* order of the zone's list it is on, PB_OFF_LIST if on none */
	uint8_t type;	     /* enum migratetype */
	uint32_t was;	     /* while it is isolated: its type and place before */
};
static_assert(sizeof(struct pageblock) == PAGEBLOCK_BYTES, "zones_init() made room for them");
#define PB_OFF_LIST (-1)

/* Is it of a kept type (zone.h)? Always part of its caller: what is RACY asks without the lock. */
static inline __attribute__((always_inline)) bool pb_is_kept(const struct pageblock *pb)
{
	return pb->type >= MIGRATE_HIGHATOMIC;
}

/* The pageblock's buddy: its twin in the section. */
static inline struct pageblock *pb_twin(const struct pageblock *pb)
{
	return &mm.pageblocks[(unsigned long)(pb - mm.pageblocks) ^ 1];
}

/* The type pageblocks are chosen by: of no account where there is too little memory for grouping. */
static inline enum migratetype group_type(gfp_t class)
{
	return mm.grouping ? gfp_migratetype(class) : MIGRATE_UNMOVABLE;
}
/* open_section.c: no descriptor in it is trusted any more; its pages are free, or none is. */
void section_clear(unsigned long section, bool free);

/* buddy.c */
/*
 * Takes a free block of order *order for type or, with lowest < *order, the first at hand of that
 * order or more. *order is the block's then. Returns its index, or NIL32.
 */
unsigned long buddy_alloc(struct zone *zone, unsigned int *order, enum migratetype type,
			  unsigned int lowest);
/* One of this order and no other. */
unsigned long buddy_alloc_block(struct zone *zone, unsigned int order, enum migratetype type);
/*
 * Takes up to `most` single pages, 16 at most, of one pageblock; writes `raw` to each and puts them
 * to top[1], top[2] .. Returns how many; 0: there is none.
 */
unsigned long buddy_alloc_pages(struct zone *zone, unsigned long most, enum migratetype type,
				uint64_t raw, struct page **top);
void buddy_free(struct zone *zone, unsigned long index, unsigned int order); /* bound 400 */
/*
 * Frees single pages of the zone, the first of them, but no more after one with which a pageblock
 * is free as a whole, or when `work` is done: FREE_WORK or less, of which a level that they merge is
 * 1, the move of a pageblock to another list RELIST_WORK. Returns how many, 1 at least. Bound 700.
 */
#define FREE_WORK   14
#define RELIST_WORK 8
unsigned long buddy_free_pages(struct zone *zone, struct page *const pages[], unsigned long n,
			       long work);
/*
 * Free all but the first `pages` (1 at least) of the block at index, which is of no type yet if it
 * was a whole pageblock: then of this one. Bound 1000 (docs/bounds.md).
 */
void buddy_free_tails(struct zone *zone, unsigned long index, unsigned int order,
		      unsigned long pages, enum migratetype type);
/*
 * Pages [index, end) of an open section, which were not, are free. When all of them are known,
 * buddy_added() puts each of their pageblocks on the zone's lists.
 */
void buddy_add(struct zone *zone, unsigned long index, unsigned long end);
void buddy_added(struct zone *zone, unsigned long index);
/* fallback.c: from the HIGHATOMIC pageblocks; NIL32 if they have none. */
unsigned long highatomic_alloc(struct zone *zone, unsigned int order);
/*
 * A block from a pageblock of this type, which is kept for such requests from now on. NIL32: there
 * is none, or too many are kept already.
 */
unsigned long highatomic_reserve(struct zone *zone, unsigned int order, enum migratetype type);
/*
 * Give up a HIGHATOMIC pageblock that has a free block of this order, for type. False: there is
 * none, or it has fewer free pages than are `missing`. With TAKE_NOTHING nothing changes.
 */
bool highatomic_unreserve(struct zone *zone, unsigned int order, unsigned long missing,
			  enum migratetype type);
/*
 * Several blocks of an aligned range, which they make free: each is put into the map, and then, at
 * once, the range's pageblocks go to the lists of their largest blocks; HIGHATOMIC ones are of type
 * `type` from then on. The lock may be released after buddy_complete(), and more blocks of the range
 * be put. If none was `put`, only the HIGHATOMIC ones change.
 */
void buddy_put(struct zone *zone, unsigned long index, unsigned int order);
void buddy_complete(struct zone *zone, unsigned long start, unsigned long end,
		    enum migratetype type, bool put);

/*
 * isolation.c: of a pageblock, by its number, a free block, or NIL32. Up to `most` single pages of
 * a word of its map; writes `raw` to each, returns how many. Bound 400; 200 and 25 a page.
 */
unsigned long buddy_alloc_at(struct zone *zone, unsigned long pageblock, unsigned int order);
unsigned long buddy_alloc_pages_at(struct zone *zone, unsigned long pageblock, unsigned long most,
				   uint64_t raw, struct page **pages);
/* Of an isolated one, outside of [start, end), with this first word; or NIL32. Bound 800. */
unsigned long buddy_alloc_beside(struct zone *zone, unsigned long pageblock, unsigned long start,
				 unsigned long end, unsigned int order, uint32_t word);
/* One, all of it free, is of type CMA from now on. A block of these, or NIL32. Bound 400. */
void buddy_make_cma(struct zone *zone, unsigned long pageblock);
unsigned long buddy_alloc_cma(struct zone *zone, unsigned int order);
/*
 * From now on the pageblock, by its number, is of type ISOLATE, and nothing is allocated from it.
 * False, and nothing has changed: it is already, or it lies in a larger block that is in use.
 * Undone, in the reverse order, all is as it was. Bound 400 each.
 */
bool buddy_isolate(struct zone *zone, unsigned long pageblock);
void buddy_unisolate(struct zone *zone, unsigned long pageblock);
/* Are all of these pages, of open sections, free? The lock need not be held. */
bool buddy_range_free(unsigned long start, unsigned long end);
/*
 * Pages of one section, free and of isolated pageblocks, are in use, as blocks of state PAGE_CONTIG
 * with these class bits; free again. The pageblocks have their types, but for HIGHATOMIC. Bound 1000.
 */
void buddy_take_range(struct zone *zone, unsigned long start, unsigned long end, uint32_t word);
void buddy_return_range(struct zone *zone, unsigned long start, unsigned long end);
/*
 * buddy_range.c: a free block of one pageblock, by its number, of which the first `pages` lie in
 * [start, end): cut from the smallest that has it. One without a type is of `type` then. HIGHATOMIC
 * ones are passed over unless asked for. Its index; NIL32: there is none. Bound 20,000.
 */
unsigned long buddy_alloc_range(struct zone *zone, unsigned long pageblock, unsigned long start,
				unsigned long end, unsigned int order, unsigned long pages,
				enum migratetype type, bool highatomic);
/* The zone's next untouched section becomes a free block; false: there is none. Bound 300. */
bool buddy_open_section(struct zone *zone);

#pragma GCC visibility pop
#endif
