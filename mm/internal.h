/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * internal.h: the data structures mm/ shares among its files, and what each of these offers the
 * others; of the per-CPU caches see pcp_internal.h.
 *
 * Memory that exists is covered by sections of 4 MiB (one block of MAX_PAGE_ORDER). Sections are
 * numbered densely in address order, holes between banks left out, so a descriptor's index in the
 * one array mm.memmap has the same alignment as its frame number and buddies are found by XOR.
 *
 * Metadata, per section of 1024 pages:
 *   8192 bytes  descriptors (page.h)
 *     32 bytes  trust map: one byte per 32 descriptors says which of them were ever written
 *     64 bytes  two pageblock heads
 * None of it is initialised until the section is opened, that is, when a block is first cut from
 * it. Which sections are open is known from the spans, a short sorted table.
 */
#ifndef QUARRY_MM_INTERNAL_H
#define QUARRY_MM_INTERNAL_H

#include <quarry/mm.h>
#include <quarry/port.h>

#pragma GCC visibility push(hidden)

#include "spinlock.h"

/*
 * A function that only looks, without a lock, at what another CPU may be changing: figures that
 * are hints, caches of another CPU, words that are compared as a whole. Each is an aligned word,
 * so what is read was there at some moment. The thread sanitizer is told so here, and nowhere
 * else.
 */
#define RACY __attribute__((no_sanitize_thread))

/* ---- descriptors --------------------------------------------------------------------------- */

#define NIL16 ((uint16_t)0xffff)
#define NIL32 ((uint32_t)0xffffffff)

#define PAGE_INFO(state, order)                               \
	((uint32_t)(((uint32_t)(state) << PAGE_STATE_SHIFT) | \
		    ((uint32_t)(order) << PAGE_ORDER_SHIFT)))
#define PAGE_FREE_WORD(order) PAGE_INFO(PAGE_FREE, order) /* the whole word: no class, no holders */
/* The head of a free block that is alone on its list. */
#define PAGE_FREE_ALONE(order)	  (PAGE_FREE_WORD(order) | (uint64_t)NIL32 << 32)
#define PAGE_RESERVED_WORD(order) PAGE_INFO(PAGE_RESERVED, order)
#define PAGE_ONE_REF		  ((uint32_t)1 << 16)

static inline enum page_state page_state(const struct page *page)
{
	return (enum page_state)((page->info & PAGE_STATE_MASK) >> PAGE_STATE_SHIFT);
}

static inline unsigned int page_order(const struct page *page)
{
	return (page->info & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT;
}

static inline bool page_allocated(const struct page *page)
{
	return page_state(page) == PAGE_ALLOC || page_state(page) == PAGE_COMPOUND;
}

/* ---- sections ------------------------------------------------------------------------------ */

#define SECTION_SHIFT MAX_PAGE_ORDER /* pages -> sections */
#define SECTION_PAGES MAX_ORDER_NR_PAGES
#define SECTION_SIZE  ((phys_addr_t)SECTION_PAGES << PAGE_SHIFT)

/* One byte of the trust map covers a group of 32 descriptors. */
#define GROUP_SHIFT 5
#define GROUP_PAGES (1UL << GROUP_SHIFT)
enum trust {		/* in this order: the hot path compares */
	TRUST_ALL = -1, /* each descriptor of the group says the truth */
	TRUST_HEAD = 0, /* the first was written; the others are no heads */
	TRUST_NONE = 1, /* none was ever written: none is a head */
};

/* A run of sections with descriptors; holes are between banks. */
struct bank {
	pfn_t start;	/* first frame, a multiple of SECTION_PAGES */
	uint32_t first; /* its index in mm.memmap */
	uint32_t pages;
};

/*
 * A run of sections that are open from `first` up to `opened` and were never touched from there
 * to `end`. Sections in no span are reserved as a whole. Sorted; never overlapping.
 */
struct span {
	uint32_t first, opened, end; /* section numbers */
	uint32_t next; /* the zone's next span that had untouched sections at boot; NIL32: none */
};

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
static_assert(sizeof(struct pageblock) == 32, "32 bytes a pageblock");
#define PB_OFF_LIST (-1)

#define PB_WHOLE    MIGRATE_TYPES /* after those of the types: lists of what has no type */
#define NR_PB_LISTS (MIGRATE_TYPES + 1)

struct zone {
	struct spinlock lock; /* guards all below but the constants, and the zone's descriptors */
	uint16_t nonempty[NR_PB_LISTS]; /* bit o: list[type][o] is not empty */
	uint64_t nr_free;		/* pages in the buddy, untouched ones included */
	uint64_t nr_untouched;		/* pages of sections that were never opened */
	uint64_t nr_highatomic;		/* pages of the pageblocks of type MIGRATE_HIGHATOMIC */
	uint64_t nr_free_highatomic;	/* of them, pages that are free */
	uint32_t
		span; /* the span untouched sections are taken from, NIL32 if there never were any */
	uint32_t span_end; /* past the zone's last span; its first is where the zone before ends */

	/* constants after boot, but managed, which memblock_free_late() raises */
	uint32_t start, end; /* indices of its descriptors */
	uint64_t managed;
	uint32_t first_pcp; /* number of its caches' first class */

	/* set by sysctls */
	struct mm_watermarks mark;
	uint64_t lowmem_reserve[MAX_NR_ZONES]; /* kept from requests that could use the zone [i] */
	bool low; /* fell below the low mark and has not been above high since */

	/*
	 * Pageblocks by type and largest free order. Free blocks of order 9 and 10, by the
	 * pageblock they start in, are of no type: they are on the PB_WHOLE lists, but for the
	 * HIGHATOMIC ones.
	 */
	uint32_t list[NR_PB_LISTS][NR_PAGE_ORDERS];
};

static inline bool zone_populated(const struct zone *zone)
{
	return zone->start != zone->end;
}

/* A zone to try, and the class bits its per-CPU caches have for such a request. */
struct zone_choice {
	struct zone *zone;
	gfp_t class;
};

#define NR_ZONELISTS 2 /* with fallback; __GFP_THISNODE */

struct zonelist {
	struct zone_choice choice[MAX_NR_ZONES + 1]; /* ends with zone NULL */
};

struct mm {
	struct page *memmap;
	int8_t *trust;
	struct pageblock *pageblocks;
	struct bank *banks;
	struct span *spans;
	uint32_t nr_pages; /* descriptors */
	uint32_t nr_banks, nr_spans, max_spans;
	uint64_t memmap_bytes, pcp_bytes;
	bool grouping; /* pageblocks have types: there is memory enough for it */

	bool misuse_panic;
	bool poison_check;  /* all free memory is poisoned */
	unsigned int hooks; /* MM_HOOK_*: what the slow paths do besides */

	unsigned long pcp_high; /* vm.percpu_pagelist */
	unsigned int nr_cpus;	/* that share what caches may hold */
	unsigned int end_cpu;	/* past the highest number that ever came online */

	unsigned int watermark_scale_factor;
	unsigned int lowmem_reserve_ratio[MAX_NR_ZONES];
	uint64_t min_free_kbytes;

	struct zone zones[MAX_NR_ZONES];
	struct zonelist zonelists[NR_ZONELISTS][MAX_NR_ZONES]; /* [list][highest zone allowed] */
	struct mm_stats stats;
	struct mm_fail fail;
	struct mm_pcpu *pcpu[CONFIG_NR_CPUS];
};
extern struct mm mm;

#define for_each_zone(z) for ((z) = mm.zones; (z) < mm.zones + MAX_NR_ZONES; (z)++)

static inline struct zone *zone_of(unsigned long index)
{
	struct zone *zone = &mm.zones[ZONE_NORMAL];

	__asm__("" : "+r"(zone)); /* one pointer, not an address to calculate for each access */
	return index < zone->start ? zone - 1 : zone;
}

static inline bool trusted(unsigned long index)
{
	/* The first of a group, TRUST_HEAD or better; another, TRUST_ALL. */
	return mm.trust[index >> GROUP_SHIFT] < !(index & (GROUP_PAGES - 1));
}

/*
 * Speed or size: gcc is told by -O2 or -Os. Short loops that every page goes through are unrolled for
 * speed, and kept from it for size; FOR_SPEED picks the faster of two ways.
 */
#define PRAGMA(text) _Pragma(#text)
#ifdef __OPTIMIZE_SIZE__
#define UNROLL(n) PRAGMA(GCC unroll 1)
#define FOR_SPEED 0
#else
#define UNROLL(n) PRAGMA(GCC unroll n)
#define FOR_SPEED 1
#endif

/*
 * Copies where speed counts, one function where size does: small ones that are used in many places,
 * and some whose registers would make their only caller larger. Those in headers are instantiated
 * by an `extern` declaration in the file that owns them. So all of mm/ is compiled alike: -Os for
 * some of its files only does not link.
 */
#ifdef __OPTIMIZE_SIZE__
#define MM_SHARED_INLINE inline /* header: C99 inline, external copy elsewhere */
#define MM_OUTLINE	 static __attribute__((noinline)) /* within one file */
#else
#define MM_OUTLINE	 static inline
#define MM_SHARED_INLINE static inline
#endif

void trust_group(unsigned long index);

/* Make sure a head of this order may be written at index and will be believed. Bound 60. */
MM_SHARED_INLINE void trust_head(unsigned long index, unsigned int order)
{
	int8_t *trust = &mm.trust[index >> GROUP_SHIFT];

	if (order < GROUP_SHIFT) {
		if (*trust != TRUST_ALL)
			trust_group(index);
	} else if (*trust == TRUST_NONE) {
		*trust = TRUST_HEAD;
	}
}

/* Counts an event; any context, any CPU. */
static inline __attribute__((always_inline)) void count_event(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED); /* a figure: it orders nothing */
}

/* ---- fault points -------------------------------------------------------------------------- */

/*
 * FAULT_POINT() stands where a request may find that it cannot go on this way. A test fails each
 * of them in turn (test/host/mm/test_campaign.c); in other builds none ever fails and none costs
 * anything.
 *
 * FAULT_CERTAIN(true) says that from here to FAULT_CERTAIN(false) the outcome is certain: what the
 * request needs has been given back for it, so a step that failed now would leave a refused
 * request behind that has changed something.
 */
#ifdef CONFIG_FAULT_POINTS
extern bool (*mm_fault_point)(const char *function, int line);
extern int mm_fault_certain;
#define FAULT_POINT()	  (mm_fault_point && !mm_fault_certain && mm_fault_point(__func__, __LINE__))
#define FAULT_CERTAIN(on) (void)(mm_fault_certain += (on) ? 1 : -1)
#else
#define FAULT_POINT()	  false
#define FAULT_CERTAIN(on) (void)(on)
#endif

/* ---- what a request became ----------------------------------------------------------------- */

#define ALLOC_NO_WATERMARKS 1U /* may use all there is */
#define ALLOC_MIN_RESERVE   2U /* __GFP_HIGH: half of the min reserve */
#define ALLOC_NON_BLOCK	    4U /* cannot wait: a quarter of the rest, if it has ALLOC_MIN_RESERVE */
#define ALLOC_HIGHATOMIC    8U /* order 1 and up that cannot wait: the HIGHATOMIC pageblocks */

struct alloc_context {
	gfp_t gfp;
	unsigned int alloc_flags;
	unsigned int order;
	enum migratetype type;
	uint32_t word;		/* the first word of its block, but for the zone's class bits */
	enum zone_type highest; /* the highest zone the flags allow */
	const struct zone_choice *choices;
};

/* What a request may still look at for a block that caches could complete, all zones together. */
struct look {
	unsigned long entries; /* blocks in caches */
	unsigned long blocks;  /* blocks in memory, around these */
};
#define LOOK_BUDGET ((struct look){8, 12})
/* The same for other CPUs' caches, all of them together. */
#define LOOK_OTHERS ((struct look){32, 64})

/* sections.c */
unsigned long pfn_to_index(pfn_t pfn); /* NIL32 if there is no descriptor */
pfn_t index_to_pfn(unsigned long index);
enum section_state {
	SECTION_RESERVED, /* as a whole: it is in no span */
	SECTION_UNTOUCHED,
	SECTION_OPEN,
};
enum section_state section_state(unsigned long section);
static inline bool section_is_open(unsigned long section)
{
	return section_state(section) == SECTION_OPEN;
}
void section_clear(unsigned long section); /* no descriptor in it is trusted any more */
struct pageblock *
section_take(struct zone *zone);	     /* opens the next untouched one; NULL: none left */
void open_range_note(unsigned long section); /* it is open: this CPU notes so */
/* The head of the block that index lies in; its section must be open. Bound 200. */
unsigned long block_head(unsigned long index);

/* buddy.c: the zone's lock is held */
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

/*
 * Is there a free block of this order or above? HIGHATOMIC pageblocks count if asked. Needs no
 * lock.
 */
static inline RACY bool buddy_has(const struct zone *zone, unsigned int order, bool highatomic)
{
	unsigned int mask = zone->nonempty[MIGRATE_UNMOVABLE] | zone->nonempty[MIGRATE_MOVABLE] |
			    zone->nonempty[MIGRATE_RECLAIMABLE] | zone->nonempty[PB_WHOLE];

	if (highatomic)
		mask |= zone->nonempty[MIGRATE_HIGHATOMIC];
	return mask >> order || zone->nr_untouched;
}

/* Steps of the above, for fallback.c. */
unsigned int lowest_order(unsigned int mask);
/* The pageblock's buddy: its twin in the section. */
static inline struct pageblock *pb_twin(const struct pageblock *pb)
{
	return &mm.pageblocks[(unsigned long)(pb - mm.pageblocks) ^ 1];
}
/*
 * A pageblock on the lists of this type with a free block of this order or above: one whose largest
 * is the smallest that will do. NULL: there is none.
 */
MM_SHARED_INLINE struct pageblock *pb_find(const struct zone *zone, unsigned int type,
					   unsigned int order)
{
	unsigned int mask = (unsigned int)zone->nonempty[type] >> order;

	return mask ? &mm.pageblocks[zone->list[type][order + lowest_order(mask)]] : NULL;
}
/* Put it on the zone's list of this order and its type, or on none (PB_OFF_LIST). */
void pb_relist(struct zone *zone, struct pageblock *pb, long order);
/*
 * Take a block of order *order from a pageblock that is of this type from now on: from one that is
 * free as a whole, else from its free block of `lowest` or more, of which it has one: the smallest
 * that will do, split as needed. With lowest < *order the block may be smaller than asked.
 */
unsigned long pb_take(struct zone *zone, struct pageblock *pb, unsigned int *order,
		      unsigned int lowest, enum migratetype type);

/* fallback.c: the zone's lock is held */
unsigned long buddy_fallback(struct zone *zone, unsigned int *order, enum migratetype type,
			     unsigned int lowest);
/* From the HIGHATOMIC pageblocks; NIL32 if they have none. */
unsigned long highatomic_alloc(struct zone *zone, unsigned int *order);
/*
 * A block from a pageblock of this type, which is kept for such requests from now on. NIL32: there
 * is none, or too many are kept already.
 */
unsigned long highatomic_reserve(struct zone *zone, unsigned int *order, enum migratetype type);
/* Free pages of the pageblock that highatomic_unreserve() would give up; 0: there is none. */
unsigned long highatomic_peek(const struct zone *zone, unsigned int order);
/*
 * Give up a HIGHATOMIC pageblock that has a free block of this order, for type. False: there is
 * none.
 */
bool highatomic_unreserve(struct zone *zone, unsigned int order, enum migratetype type);
/* The same for those that descriptors [start, end) lie in. */
void highatomic_unreserve_range(struct zone *zone, unsigned long start, unsigned long end,
				enum migratetype type);

/*
 * The type pageblocks are chosen by: of no account where there is too little memory for grouping.
 */
static inline enum migratetype group_type(gfp_t class)
{
	return mm.grouping ? gfp_migratetype(class) : MIGRATE_UNMOVABLE;
}

/* watermark.c */
enum wmark_level {
	WMARK_NO_LEVEL, /* the request must not have a block of the zone, or there is none */
	WMARK_ABOVE_MIN,
	WMARK_ABOVE_LOW,
};
/* May the request go to this zone? */
enum wmark_level zone_level(const struct zone *zone, const struct alloc_context *ac);
/* Pages that would have to be free besides for the request to leave the mark. */
uint64_t zone_shortfall(const struct zone *zone, const struct alloc_context *ac, uint64_t mark);
void init_per_zone_wmark_min(void);
int setup_per_zone_wmarks(void); /* returns 0: what sets a sysctl ends with it */
/* Of one zone that has so many of all managed pages. */
void calc_watermarks(uint64_t managed, uint64_t total, uint64_t min_free_kbytes,
		     unsigned int scale_factor, struct mm_watermarks *mark);
/* What it keeps from requests whose highest zone is each of nr_zones. */
void calc_protection(unsigned int zone, unsigned int nr_zones, const uint64_t managed[],
		     unsigned int ratio, uint64_t protection[]);

/* page_alloc.c */
static inline const struct zone_choice *zonelist_for(gfp_t gfp)
{
	const struct zonelist *list =
		&mm.zonelists[0][gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL];

	if (gfp & __GFP_THISNODE)
		list += MAX_NR_ZONES; /* the same in zonelists[1] */
	return list->choice;
}

/* An order there is, flags there are, and one mobility. gfp_check() tells what is wrong. */
static inline bool gfp_acceptable(gfp_t gfp, unsigned int order)
{
	return order <= MAX_PAGE_ORDER && !(gfp & ~__GFP_BITS_MASK) &&
	       (gfp & GFP_MOVABLE_MASK) != GFP_MOVABLE_MASK;
}
void alloc_context_init(struct alloc_context *ac, gfp_t gfp, unsigned int order);
/* From a zone, whatever its marks say. Interrupts masked. */
struct page *rmqueue(const struct alloc_context *ac, const struct zone_choice *choice);
/*
 * What the zones give down to their low marks or, with nothing above these, down to what the
 * flags allow; then what a bounded look at this CPU's caches finds.
 */
struct page *get_page_from_freelist(const struct alloc_context *ac);

/* gfp.c */
const char *gfp_check(gfp_t gfp, unsigned int order); /* NULL if acceptable, else what is wrong */

/* slowpath.c */
enum {
	SHRINKERS,
	NOTIFIERS,
	NR_CALLBACKS,
};
extern void *mm_callbacks[NR_CALLBACKS]; /* what is registered, the newest first */
/* All that is tried when get_page_from_freelist() found nothing. */
struct page *alloc_pages_slowpath(struct alloc_context *ac);
/* Were `free` pages of HIGHATOMIC pageblocks like any others, would the zone serve the request? */
bool highatomic_would_serve(const struct alloc_context *ac, const struct zone *zone, uint64_t free);

/* free.c */
enum freed {
	NOT_FREED, /* 0: nobody holds it, as an interrupt freed it meanwhile; nothing has changed */
	FREED,
	FREED_TO_CACHE, /* the cache had room: no lock was taken */
};
/* Drop one reference to a block of this order; the last gives it to its cache or to the buddy. */
enum freed free_block(struct page *page, unsigned int order);
/* Count and report a refused free; returns its errno. order < 0: that of the block. */
int refuse(enum mm_misuse kind, phys_addr_t addr, long order, const void *caller);

/* page_ref.c */
/* The head of the block that page lies in; NULL if page is no descriptor of an open section. */
struct page *page_head(const struct page *page);
/*
 * Change a count, if it is `least` at least, by `add`, 1 or -1, and clear bits of the word in the
 * same step; a count that becomes 0 freezes the block. Returns the word as it was; 0: nobody held
 * it, or too few or too many did, and nothing has changed.
 */
MM_SHARED_INLINE uint32_t page_ref_change(struct page *head, unsigned int least, int add,
					  uint32_t clear)
{
	uint32_t word = __atomic_load_n(&head->word, __ATOMIC_RELAXED), next;

	do {
		next = (word + (uint32_t)add * PAGE_ONE_REF) & ~clear;
		if (word >> 16 < least || (add > 0 && !(next >> 16)))
			return 0;
		if (!(next >> 16))
			next = (next & ~PAGE_STATE_MASK) | PAGE_INFO(PAGE_FROZEN, 0);
		/*
		 * Acquire and release: what other holders did to the pages is over before the last
		 * frees them.
		 */
	} while (!__atomic_compare_exchange_n(&head->word, &word, next, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return word;
}

/* info.c */
const char *zone_name(const struct zone *zone);
uint64_t zone_present(const struct zone *zone); /* pages that exist */

/* report.c */
/* mm_init() finds no memory, too much, or no room for its metadata: its errno. */
int report_no_metadata(uint64_t nr_pages, size_t bytes);
void report_no_grouping(void);
/* Does not return where a refused free panics. */
void report_misuse(enum mm_misuse kind, phys_addr_t addr, long order, const void *caller);
/*
 * why NULL: it is found out. Does not return if the request is acceptable and __GFP_NOFAIL, which
 * may not be refused.
 */
void report_refusal(gfp_t gfp, unsigned int order, const char *why);
_Noreturn void report_no_reference(const struct page *page);

/* debug.c: for the slow paths while HOOKS is not 0 */
#if CONFIG_DEBUG_HOOKS
#define HOOKS (mm.hooks)
#else
#define HOOKS 0U
#endif
bool hook_should_fail(gfp_t gfp, unsigned int order);
void hook_alloc(struct page *page, gfp_t gfp, unsigned int order);
void hook_free(struct page *page, unsigned int order);
/* The same for what has no head yet: part of a block, memory that is released late. */
void hook_free_part(unsigned long index, unsigned int order, enum migratetype type);
void hook_section_opened(unsigned long index); /* the zone's lock is held */
void trace_event(enum mm_trace_type type, unsigned long index, unsigned int order,
		 uint32_t migratetype, uint32_t gfp);

#pragma GCC visibility pop
#endif
