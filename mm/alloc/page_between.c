/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_between.c: pages between two addresses, for a device that reaches no more. The zones know no
 * such boundary, so the range is searched, from its end down, a pageblock under each acquisition of
 * the lock: first what is free, then what the CPUs' caches would make free.
 */
#include "../free_map.h"
#include "exact_internal.h"

/* What is given back for a request, another CPU may take. */
#define GIVEN_BACK_TRIES 3

/* A search through one zone. */
struct range {
	const struct alloc_context *ac;
	const struct zoneref *ref;
	unsigned long start, end; /* descriptors, of which holes between banks have none */
	unsigned long pages;	  /* that have to lie in it; the block may have more */
	bool highatomic;	  /* from HIGHATOMIC pageblocks too */
};

/*
 * The zone's first descriptor of frame pfn or above; its end if there is none. Bound: log2 of its
 * pages, 80 each.
 */
static unsigned long first_index(const struct zone *zone, pfn_t pfn)
{
	unsigned long low = zone->start, high = zone->end;

	while (low < high) {
		unsigned long mid = low + (high - low) / 2;

		if (index_to_pfn(mid) < pfn)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The block that is wanted of one pageblock, now in use. Bound: 10,000. */
static struct page *take(const struct range *range, unsigned long pageblock)
{
	const struct alloc_context *ac = range->ac;
	struct zone *zone = range->ref->zone;
	struct record_call *recorded =
		record_begin(MM_RECORD_TAKE_BETWEEN, ac->order, ac->word | range->ref->class);
	unsigned long flags = port_irq_save(), index;
	struct page *page = NULL;

	spin_lock(&zone->lock);
	index = buddy_alloc_range(zone, pageblock, range->start, range->end, ac->order,
				  range->pages, ac->type, range->highatomic);
	if (index != NIL32) {
		page = &mm.memmap[index];
		page->raw = ac->word | range->ref->class;
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	if (recorded)
		recorded->event.site = (uint64_t)range->start << 32 | range->end;
	record_end(recorded, (uint64_t)pageblock << 32 | index,
		   (uint32_t)range->pages | (uint32_t)ac->type << 24 |
			   (uint32_t)range->highatomic << 31);
	return page;
}

/*
 * Untouched sections are opened in their order, up to this one, one at a time; false: it is none,
 * or cannot be opened.
 */
static bool open_up_to(struct zone *zone, unsigned long section)
{
	bool more = section_state(section) == SECTION_UNTOUCHED;

	while (more && section_state(section) == SECTION_UNTOUCHED) {
		more = open_section(zone);
	}
	return more;
}

/* Has a section that is free from end to end a place for the block? */
static bool has_place(const struct range *range, unsigned long section)
{
	unsigned long first = section << SECTION_SHIFT, size = 1UL << range->ac->order;
	unsigned long at = range->start > first ? (range->start + size - 1) & ~(size - 1) : first;

	return at + size <= first + SECTION_PAGES && at + range->pages <= range->end;
}

/* Free blocks, from the last pageblock down. */
static struct page *take_free(const struct range *range)
{
	struct page *page = NULL;

	for (unsigned long end = range->end; end > range->start && !page;) {
		unsigned long pageblock = (end - 1) >> pageblock_order;
		unsigned long section = (end - 1) >> SECTION_SHIFT;

		end = pageblock << pageblock_order;
		if (section_state(section) == SECTION_UNTOUCHED &&
		    (!has_place(range, section) || !open_up_to(range->ref->zone, section)))
			continue;
		if (section_is_open(section))
			page = take(range, pageblock);
	}
	return page;
}

/*
 * Not from pageblocks of kept types, but for HIGHATOMIC ones if the request may use them and is for a
 * part of one.
 */
static RACY bool may_take_from(const struct range *range, unsigned long index)
{
	const struct pageblock *pb = &mm.pageblocks[index >> pageblock_order], *end = pb + 1;

	if (range->ac->order < pageblock_order)
		return !pb_is_kept(pb) || (range->highatomic && pb->type == MIGRATE_HIGHATOMIC);
	end += (1UL << (range->ac->order - pageblock_order)) - 1;
	while (pb < end && !pb_is_kept(pb))
		pb++;
	return pb == end;
}

/* Does the block that page *at lies in, which is not free, lie in a cache? *at: the next one. */
static RACY bool is_cached(unsigned long *at)
{
	unsigned long head = block_head(*at);
	uint32_t word =
		head == NIL32 ? 0 : __atomic_load_n(&mm.memmap[head].word, __ATOMIC_RELAXED);

	head += 1UL << ((word & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT);
	*at = word && head > *at ? head : *at + 1; /* a block that was cut up meanwhile */
	/* it has no holders, whose number is above the state */
	return word >> PAGE_STATE_SHIFT == PAGE_ALLOC;
}

/*
 * The first place for the block in a section that is open, all of it free or in CPUs' caches;
 * NIL32: there is none. They go on meanwhile, so each descriptor is read once, and the answer is a
 * guess. Bound: the blocks of the section, 1024 at most, 60 each.
 */
static RACY unsigned long find_cached(const struct range *range, unsigned long section)
{
	unsigned long at = section << SECTION_SHIFT, end = at + SECTION_PAGES, run = at;
	unsigned long size = 1UL << range->ac->order;

	if (range->start > at)
		run = at = range->start;
	while (at < end) {
		unsigned long target;

		if (READ_ONCE(*map_word(at)) >> (at & (WORD_PAGES - 1)) & 1)
			at++; /* free */
		else if (!is_cached(&at))
			run = at;
		target = (run + size - 1) & ~(size - 1);
		if (target + size <= at && target + range->pages <= range->end &&
		    may_take_from(range, target))
			return target;
	}
	return NIL32;
}

/* What free blocks and cached ones make up: the CPUs give these back. */
static struct page *take_cached(const struct range *range)
{
	struct page *page = NULL;

	for (unsigned long end = range->end; end > range->start && !page;) {
		unsigned long section = (end - 1) >> SECTION_SHIFT, target, head;

		end = section << SECTION_SHIFT;
		for (int i = 0; i < GIVEN_BACK_TRIES && !page && section_is_open(section); i++) {
			target = find_cached(range, section);
			if (target == NIL32 || FAULT_POINT())
				break;
			FAULT_CERTAIN(true);
			/* a larger block may be cached, of which the range has a part */
			head = block_head(target);
			remote_give_back(head == NIL32 ? target : head,
					 target + (1UL << range->ac->order));
			page = take(range, target >> pageblock_order);
			FAULT_CERTAIN(false);
		}
	}
	return page;
}

/* The alloc_flags of the slow path: a dry run that has no zone to ask ends with them. Its context is its own. */
MM_APART unsigned int reserves_open(gfp_t gfp, unsigned int order)
{
	static const struct zoneref no_zone;
	struct alloc_context ac;

	alloc_context_init(&ac, gfp, order);
	ac.type = TAKE_NOTHING;
	ac.zonerefs = &no_zone;
	get_page_from_freelist(&ac);
	return ac.alloc_flags;
}

/*
 * alloc_pages_between() where only the first `pages` of the block have to lie there: the rest is
 * given back.
 */
static struct page *page_between(gfp_t gfp, unsigned int order, unsigned long pages,
				 phys_addr_t first, phys_addr_t last, const void *site)
{
	struct alloc_context ac;
	struct range range = {.ac = &ac, .pages = pages};
	struct page *page = NULL;
	pfn_t end = PFN_DOWN(last) + !(~last & (PAGE_SIZE - 1)); /* only whole pages count */
	bool wait;

	note_hooks();
	gfp &= ~(gfp_t)__GFP_NOFAIL;
	if (!gfp_acceptable(gfp, order)) {
		count_event(&mm.stats.bad_request);
		return NULL;
	}
	if (first > PHYS_ADDR_MAX - PAGE_SIZE || (HOOKS && hook_should_fail(gfp, order))) {
		count_event(&mm.stats.alloc_failed);
		return NULL;
	}
	alloc_context_init(&ac, gfp, order);
	ac.alloc_flags = reserves_open(gfp, order);
	/* as zone_watermark_ok() has it: single pages also if the request may not wait */
	range.highatomic =
		ac.alloc_flags & (order ? ALLOC_NO_WATERMARKS | ALLOC_HIGHATOMIC
					: ALLOC_NO_WATERMARKS | ALLOC_HIGHATOMIC | ALLOC_NON_BLOCK);
	wait = remote_alone() || (gfp & __GFP_DIRECT_RECLAIM && !in_interrupt() && !in_callback());
	for (int cached = 0; cached <= wait && !page; cached++)
		for (range.ref = ac.zonerefs; range.ref->zone && !page; range.ref++) {
			struct zone *zone = range.ref->zone;
			const struct zone_answer *answer = &ac.answer[range.ref - ac.zonerefs];

			/* without a block of this order its caches may make up one */
			if (!zone_watermark_ok(&ac, range.ref) &&
			    (!cached || answer->missing > pcp_count_zone(zone)))
				continue;
			range.start = first_index(zone, PFN_UP(first));
			range.end = first_index(zone, end);
			page = cached ? take_cached(&range) : take_free(&range);
		}
	if (!page) {
		count_event(&mm.stats.alloc_failed);
		return NULL;
	}
	if (HOOKS) {
		hook_alloc(page, gfp, order);
		hook_owner(page, 1, site);
	}
	if (gfp & __GFP_ZERO)
		memset(page_address(page), 0, PAGE_SIZE << order);
	return page;
}

struct page *alloc_pages_between(gfp_t gfp, unsigned int order, phys_addr_t first, phys_addr_t last)
{
	return page_between(gfp, order, order <= MAX_PAGE_ORDER ? 1UL << order : 0, first, last,
			    CALL_SITE);
}

void *alloc_pages_exact_between(size_t size, gfp_t gfp, phys_addr_t first, phys_addr_t last)
{
	unsigned long pages = pages_of(size);
	unsigned int order = order_of(pages);
	struct page *page = NULL;

	if (pages)
		page = page_between(gfp & ~(gfp_t)__GFP_COMP, order, pages, first, last, CALL_SITE);
	return page ? cut_exact(page, order, pages, CALL_SITE) : NULL;
}
