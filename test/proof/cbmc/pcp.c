/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp.c: one CPU's caches are filled, emptied and given back. The buddy is its contract (mm/buddy/buddy.h): it gives any of its
 * pages, as many as it likes up to what it is asked for, and takes what was in a cache, one page at least. Where each page is,
 * is written down beside: in the buddy, in a cache, with a user.
 */
#include "mm/pcp/pcp.c"
#include "mm/pcp/pcp_drain.c"
#include "mm/zone/sections.c"
#include "proof.h"

#define PAGES SECTION_PAGES
/* ROOM, LARGE: of a cache of single pages, of one of blocks of two; each proof has its own. */
#define REFILL 3UL /* pages a refill asks for at most */

struct mm_pcpu *port_area;
static struct mm_pcpu area;
static struct page memmap[PAGES];
static int8_t trust[PAGES >> GROUP_SHIFT];
static struct bank bank;
static struct span span;
static struct zone *const zone = &mm.zones[ZONE_NORMAL];
static struct page *single_slots[ROOM + PCP_EXTRA_SLOTS], *large_slots[LARGE + PCP_EXTRA_SLOTS];
static struct per_cpu_pages *single, *large; /* caches of one class */
static uint32_t class;
static uint32_t in_buddy, in_cache; /* pages, a bit each; a user has the others */

/* ---- the buddy's contract ---------------------------------------------------------------------- */

unsigned long buddy_alloc_pages(struct zone *of, unsigned long most, enum migratetype type,
				uint64_t raw, struct page **top)
{
	unsigned long n;

	ASSERT(of == zone && zone->lock.locked && most >= 1 && most <= 16 &&
	       type == group_type(class));
	ASSUME(n <= most);
	for (unsigned long i = 1; i <= REFILL; i++) {
		unsigned long index;

		if (i > n)
			break;
		ASSUME(index < PAGES && in_buddy >> index & 1);
		in_buddy &= ~(1U << index);
		in_cache |= 1U << index;
		memmap[index].raw = raw;
		top[i] = &memmap[index];
	}
	return n;
}

static void take_back(unsigned long index)
{
	ASSERT(index < PAGES && in_cache >> index & 1);
	in_cache &= ~(1U << index);
	in_buddy |= 1U << index;
}

unsigned long buddy_free_pages(struct zone *of, struct page *const pages[], unsigned long n,
			       long work)
{
	unsigned long taken;

	ASSERT(of == zone && zone->lock.locked && n >= 1 && n <= ROOM && work <= FREE_WORK);
	ASSUME(taken >= 1 && taken <= n);
	for (unsigned long i = 0; i < ROOM && i < taken; i++) {
		ASSERT(page_order(pages[i]) == 0);
		take_back((unsigned long)(pages[i] - memmap));
	}
	return taken;
}

void buddy_free(struct zone *of, unsigned long index, unsigned int order)
{
	ASSERT(of == zone && zone->lock.locked && order <= 1 && !(index & ((1UL << order) - 1)));
	take_back(index);
	if (order)
		take_back(index + 1);
}

void buddy_put(struct zone *of, unsigned long index, unsigned int order)
{
	buddy_free(of, index, order);
}

/* ---- any state of a cache ---------------------------------------------------------------------- */

static uint32_t word_of(unsigned int order)
{
	return PAGE_INFO(PAGE_ALLOC, order) | class;
}

/* The pages of its blocks, or ~0: there is one that cannot be. */
static uint32_t pages_of(const struct per_cpu_pages *pcp, unsigned int order, struct page **slots,
			 unsigned long capacity)
{
	uint32_t pages = 0;

	if (pcp->base != slots || pcp->zone != ZONE_NORMAL || pcp->capacity != capacity ||
	    pcp->limit < slots || pcp->limit > slots + capacity || pcp->top < slots ||
	    pcp->top > pcp->limit || slots[0] || !pcp_cursor_fits(pcp))
		return ~0U;
	for (unsigned long i = 1; i <= capacity; i++) {
		unsigned long index = (unsigned long)(slots[i] - memmap);
		uint32_t bits = (order ? 3U : 1U) << (index & (PAGES - 1));

		if (slots + i > pcp->top)
			break;
		if (!__CPROVER_same_object(slots[i], memmap) || index >= PAGES ||
		    index & ((1UL << order) - 1) || bits & pages ||
		    memmap[index].word != word_of(order))
			return ~0U;
		pages |= bits;
	}
	return pages;
}

/* What is in a cache is in one, and what is in none is not. */
static bool caches_are_right(void)
{
	uint32_t singles = pages_of(single, 0, single_slots, ROOM),
		 larges = pages_of(large, 1, large_slots, LARGE);

	return !(singles & larges) && (singles | larges) == in_cache && !(in_cache & in_buddy) &&
	       !zone->lock.locked;
}

static void any_state(void)
{
	unsigned long limit, of_large, count, count_large;
	uint8_t cursor;

	__CPROVER_havoc_object(memmap);
	__CPROVER_havoc_object(&in_buddy);
	__CPROVER_havoc_object(&in_cache);
	__CPROVER_havoc_object(&class);
	port_area = &area;
	area.cache = area.pcp[0];
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		for (unsigned int i = 0; i < NR_PCP_CLASSES; i++)
			area.pcp[order][i] = (struct per_cpu_pages){.top = pcp_empty_slot,
								    .limit = pcp_empty_slot,
								    .base = pcp_empty_slot};
	mm.memmap = memmap;
	mm.trust = trust;
	mm.banks = &bank;
	mm.spans = &span;
	mm.grouping = true;
	mm.nr_pages = PAGES;
	mm.nr_banks = mm.nr_spans = mm.max_spans = 1;
	bank = (struct bank){.pages = PAGES, .page = memmap};
	span = (struct span){.opened = 1, .end = 1, .next = NIL32};
	mm.zones[ZONE_DMA32].start = mm.zones[ZONE_DMA32].end = 0;
	zone->start = 0;
	zone->end = PAGES;
	zone->span_end = 1;
	ASSUME(class < MIGRATE_PCPTYPES * sizeof(*single) && class % sizeof(*single) == 0);
	single = &area.pcp[0][class / sizeof(*single)];
	large = single + NR_PCP_CLASSES;
	ASSUME(limit <= ROOM && of_large <= LARGE);
	*single = (struct per_cpu_pages){.base = single_slots,
					 .limit = single_slots + limit,
					 .capacity = ROOM,
					 .zone = ZONE_NORMAL};
	*large = (struct per_cpu_pages){.base = large_slots,
					.limit = large_slots + of_large,
					.capacity = LARGE,
					.zone = ZONE_NORMAL};
	for (unsigned long i = 1; i <= ROOM; i++) {
		unsigned long index;

		ASSUME(index < PAGES);
		single_slots[i] = &memmap[index];
	}
	for (unsigned long i = 1; i <= LARGE; i++) {
		unsigned long index;

		ASSUME(index < PAGES);
		large_slots[i] = &memmap[index];
	}
	single_slots[0] = large_slots[0] = NULL;
	ASSUME(count <= limit && count_large <= of_large);
	single->top = single_slots + count;
	large->top = large_slots + count_large;
	single->cursor = cursor;
	ASSUME(!((in_buddy | in_cache) >> PAGES));
	ASSUME(caches_are_right());
}

/* ---- proofs ------------------------------------------------------------------------------------ */

/* A cache of another order, which has no slots at all. */
static struct per_cpu_pages *cache_off(void)
{
	return &area.pcp[NR_PAGE_ORDERS - 1][0];
}

/* A page for the caller, with one holder, and some more for the cache, if it has slots; all from the buddy, none lost. */
void prove_pcp_refill(void)
{
	bool off;
	unsigned int n;
	unsigned long before;
	uint32_t buddy, cache, more = 0;
	struct per_cpu_pages *pcp;
	struct page *page;

	any_state();
	ASSUME(n >= 1 && n <= REFILL);
	pcp = off ? cache_off() : single;
	buddy = in_buddy;
	cache = in_cache;
	before = pcp_count(pcp);
	page = pcp_refill(pcp, zone, class, n);
	if (page) {
		ASSERT(__CPROVER_same_object(page, memmap) && in_cache >> (page - memmap) & 1);
		ASSERT(page->word == (word_of(0) | PAGE_ONE_REF));
		more = 1U << (page - memmap);
		in_cache &= ~more;
	}
	ASSERT(caches_are_right());
	ASSERT((in_cache & cache) == cache && (in_buddy | in_cache | more) == (buddy | cache) &&
	       !(in_buddy & ~buddy));
	ASSERT((page && !off) || in_cache == cache);
	ASSERT(pcp_count(pcp) >= before && pcp_count(pcp) <= before + n - !!page);
}

void cover_pcp_refill(void)
{
	struct page *page;

	any_state();
	COVER(single->top == single->limit && pcp_count(single) == 3);
	COVER(single->top == single->limit && !pcp_count(single));
	page = pcp_refill(single, zone, class, 2);
	COVER(!page);
	COVER(page && pcp_count(single) == 1);
	COVER(page && single->limit == single->base);
	COVER(page && single->top == single->limit && pcp_count(single) == ROOM);
	COVER(pcp_refill(cache_off(), zone, class, 2));
}

/* A page that comes to a full cache lies in it, or went back; so do those that were there, and one did at least. */
static void check_return(int (*back)(struct per_cpu_pages *pcp, struct page *page,
				     unsigned long flags),
			 unsigned long least)
{
	unsigned long index, before;
	uint32_t cache, buddy;

	any_state();
	before = pcp_count(single);
	ASSUME(single->top == single->limit && before >= least && index < PAGES &&
	       !((in_cache | in_buddy) >> index & 1));
	ASSUME(memmap[index].word == word_of(0));
	buddy = in_buddy;
	in_cache |= 1U << index;
	cache = in_cache;
	ASSERT(!back(single, &memmap[index], 0));
	ASSERT(caches_are_right());
	ASSERT((in_cache | in_buddy) == (cache | buddy) && !(in_cache & ~cache) &&
	       in_buddy != buddy);
	ASSERT(before ? *single->top == &memmap[index] : in_buddy >> index & 1);
}

void prove_pcp_return(void)
{
	check_return(pcp_return_slow, 0);
}

/* The fast one: a cache that is switched off takes the slow one. */
void prove_pcp_return_fast(void)
{
	check_return(pcp_return, 1);
}

/* What is cached in a range goes back, and nothing else does. */
void prove_pcp_give_back(void)
{
	unsigned long start, end, given;
	uint32_t buddy, cache, singles, larges, go = 0;

	any_state();
	ASSUME(start < end && (end <= PAGES || end == NIL32));
	buddy = in_buddy;
	cache = in_cache;
	singles = pages_of(single, 0, single_slots, ROOM);
	larges = pages_of(large, 1, large_slots, LARGE);
	for (unsigned long i = 0; i < PAGES; i++) /* of blocks that start in the range */
		go |= (start <= i && i < end ? singles & 1U << i : 0) |
		      (start <= (i & ~1UL) && (i & ~1UL) < end ? larges & 1U << i : 0);
	given = pcp_give_back_range(start, end);
	ASSERT(caches_are_right());
	ASSERT(in_cache == (cache & ~go) && in_buddy == (buddy | go));
	for (unsigned long i = 0; i < PAGES; i++)
		given -= go >> i & 1;
	ASSERT(!given);
}
