/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worst_calls.c: the calls of the hunt, each measured, and the blocks they leave. See worst.h.
 */
#include <string.h>

#include <quarry/port.h>

#include "test/bench/worst.h"

#define FRESH_PAGES (3 * MAX_ORDER_NR_PAGES) /* live at once in memory never opened */

const char *const worst_kind_names[NR_WORST_KINDS] = {
	[WORST_ALLOC] = "alloc", [WORST_STEAL] = "steal",     [WORST_RESCUE] = "rescue",
	[WORST_BULK] = "bulk",	 [WORST_EXACT] = "exact",     [WORST_FREE] = "free",
	[WORST_PUT] = "put",	 [WORST_SHARED] = "shared",   [WORST_EXACT_FREE] = "exact_free",
	[WORST_FAIL] = "fail",	 [WORST_MAYFAIL] = "mayfail", [WORST_DRAIN] = "drain",
};
struct worst_record worst_records[NR_WORST_KINDS][NR_PAGE_ORDERS];
unsigned long worst_nr_records;

static struct live {
	struct page *page;
	uint32_t pages; /* of alloc_pages_exact(), else 0 */
	uint32_t order;
	gfp_t gfp;
} *live;

static unsigned long nr_live;
static uint64_t live_pages;

static const struct worst_episode *episode;
static unsigned int gene;
static const char *by;

bool worst_calls_open(void)
{
	live = alloc_pages_exact(WORST_MAX_LIVE * sizeof(*live), BENCH_GFP | __GFP_MOVABLE);
	nr_live = 0;
	live_pages = 0;
	return live != NULL;
}

void worst_calls_close(void)
{
	free_pages_exact(live, WORST_MAX_LIVE * sizeof(*live));
}

void worst_calls_for(const struct worst_episode *which, unsigned int of, const char *name)
{
	episode = which;
	gene = of;
	by = name;
}

void worst_note(enum worst_kind kind, unsigned int order, uint64_t cost)
{
	struct worst_record *record = &worst_records[kind][order];

	if (cost <= record->cost)
		return;
	*record = (struct worst_record){cost, gene, by, *episode};
	worst_nr_records++;
}

static void hold(struct page *page, unsigned int order, uint32_t pages, gfp_t gfp)
{
	live[nr_live++] = (struct live){page, pages, order, gfp};
	live_pages += pages ? pages : 1UL << order;
}

static bool has_room(unsigned long blocks)
{
	return nr_live + blocks <= WORST_MAX_LIVE &&
	       (episode->mode != WORST_FRESH || live_pages < FRESH_PAGES);
}

unsigned long worst_nr_live(void)
{
	return nr_live;
}

pfn_t worst_live_pfn(unsigned long n)
{
	return page_to_pfn(live[n].page);
}

/* ---- allocation ---------------------------------------------------------------------------- */

/* What the caches and the HIGHATOMIC pageblocks have given back so far, and looks at them. */
struct trail {
	uint64_t looks, drained, highatomic;
};

static struct trail trail_now(void)
{
	struct mm_stats stats;

	mm_get_stats(&stats);
	return (struct trail){stats.stage[MM_STAGE_ASSEMBLE], port_pcpu()->drained,
			      stats.stage[MM_STAGE_HIGHATOMIC]};
}

static enum worst_kind kind_of(const struct trail *before, const struct trail *after, gfp_t gfp,
			       bool served)
{
	if (before->looks == after->looks)
		return served ? WORST_ALLOC : WORST_FAIL;
	if (gfp & __GFP_RETRY_MAYFAIL)
		return WORST_MAYFAIL;
	if (!served)
		return WORST_FAIL;
	return before->drained == after->drained && before->highatomic == after->highatomic
		       ? WORST_STEAL
		       : WORST_RESCUE;
}

bool worst_call_alloc(gfp_t gfp, unsigned int order)
{
	struct trail before, after;
	uint64_t start, cost;
	struct page *page;

	if (!has_room(1))
		return false;
	before = trail_now();
	start = bench_tick();
	page = alloc_pages(gfp, order);
	cost = bench_tock(start);
	after = trail_now();
	worst_note(kind_of(&before, &after, gfp, page), order, cost);
	if (page)
		hold(page, order, 0, gfp);
	return page != NULL;
}

bool worst_call_bulk(gfp_t gfp, unsigned int order)
{
	static struct page *pages[MAX_ORDER_NR_PAGES];
	struct trail before, after;
	uint64_t start, cost;
	unsigned long got;

	if (!has_room(1UL << order))
		return false;
	before = trail_now();
	start = bench_tick();
	got = alloc_pages_bulk(gfp, 1UL << order, pages);
	cost = bench_tock(start);
	after = trail_now();
	/* one that goes through the caches is single requests, which are measured by themselves */
	if (got == 1UL << order && before.looks == after.looks)
		worst_note(WORST_BULK, order, cost);
	for (unsigned long i = 0; i < got; i++)
		hold(pages[i], 0, 0, gfp);
	return got == 1UL << order;
}

/* As mm/alloc/page_exact.c cuts it: the largest aligned blocks, from the start. */
static void hold_apart(struct page *page, unsigned long pages, gfp_t gfp)
{
	for (unsigned int order = MAX_PAGE_ORDER + 1; order-- > 0;) {
		if (!(pages >> order & 1))
			continue;
		hold(page, order, 0, gfp);
		page += 1UL << order;
	}
}

bool worst_call_exact(gfp_t gfp, unsigned int order, bool apart)
{
	unsigned long half = 1UL << order >> 1, pages = half + 1 + worst_draw((unsigned int)half);
	struct trail before, after;
	uint64_t start, cost;
	void *address;

	if (worst_draw(4) == 0)
		pages = half + 1; /* most of it is given back */
	if (!has_room(NR_PAGE_ORDERS))
		return false;
	gfp &= ~__GFP_COMP;
	before = trail_now();
	start = bench_tick();
	address = alloc_pages_exact(pages << PAGE_SHIFT, gfp);
	cost = bench_tock(start);
	after = trail_now();
	if (!address)
		return false;
	if (before.looks == after.looks)
		worst_note(WORST_EXACT, order, cost);
	if (apart)
		hold_apart(virt_to_page(address), pages, gfp);
	else
		hold(virt_to_page(address), order, (uint32_t)pages, gfp);
	return true;
}

/* ---- freeing ------------------------------------------------------------------------------- */

static void free_exact(const struct live *block)
{
	void *address = page_address(block->page);
	uint64_t start = bench_tick(), cost;

	free_pages_exact(address, (size_t)block->pages << PAGE_SHIFT);
	cost = bench_tock(start);
	worst_note(WORST_EXACT_FREE, block->order, cost);
}

/* Two hold it; one lets go with a free, the other with a put. */
static void free_shared(const struct live *block)
{
	uint64_t start, cost;
	struct page_info info;

	get_page(block->page);
	start = bench_tick();
	__free_pages(block->page, block->order);
	cost = bench_tock(start);
	worst_note(WORST_SHARED, block->order, cost);
	mm_page_info(page_to_pfn(block->page), &info); /* one page, or all of a compound block */
	start = bench_tick();
	put_page(block->page);
	cost = bench_tock(start);
	worst_note(WORST_PUT, info.order, cost);
}

static void free_put(const struct live *block)
{
	bool compound = block->gfp & __GFP_COMP && block->order;
	struct page *page = block->page + (compound ? (1UL << block->order) - 1 : 0);
	uint64_t start = bench_tick(), cost;

	put_page(page);
	cost = bench_tock(start);
	worst_note(WORST_PUT, block->order, cost);
}

static void free_frozen(const struct live *block)
{
	bool compound = block->gfp & __GFP_COMP && block->order;
	struct page *page = block->page + (compound ? (1UL << block->order) - 1 : 0);
	uint64_t start = bench_tick(), cost;

	put_page_testzero(page);
	cost = bench_tock(start);
	worst_note(WORST_PUT, block->order, cost);
	start = bench_tick();
	free_frozen_pages(block->page, block->order);
	cost = bench_tock(start);
	worst_note(WORST_PUT, block->order, cost);
}

static void free_plain(const struct live *block, enum worst_release how)
{
	unsigned long address = (unsigned long)(uintptr_t)page_address(block->page);
	phys_addr_t phys = page_to_phys(block->page);
	uint64_t start, cost;

	start = bench_tick();
	if (how == WORST_BY_PAGE)
		__free_pages(block->page, block->order);
	else if (how == WORST_BY_ADDRESS)
		free_pages(address, block->order);
	else
		free_pages_phys(phys, -1);
	cost = bench_tock(start);
	worst_note(WORST_FREE, block->order, cost);
}

void worst_call_free(unsigned long n, enum worst_release how)
{
	struct live block = live[n];

	live[n] = live[--nr_live];
	live_pages -= block.pages ? block.pages : 1UL << block.order;
	if (block.pages)
		free_exact(&block);
	else if (how == WORST_BY_SHARED)
		free_shared(&block);
	else if (how == WORST_BY_PUT)
		free_put(&block);
	else if (how == WORST_BY_FREEZE)
		free_frozen(&block);
	else
		free_plain(&block, how);
}

void worst_call_drain(void)
{
	uint64_t start = bench_tick(), cost;

	drain_some_pages();
	cost = bench_tock(start);
	worst_note(WORST_DRAIN, 0, cost);
}
