/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worst_calls.c: the calls of the hunt. A stroke is a burst of calls of one character, each
 * measured; an episode is a row of strokes drawn at random. See worst.c.
 */
#include "test/bench/worst.h"

#define MAX_CALLS   700			     /* measured calls in one stroke */
#define FRESH_PAGES (3 * MAX_ORDER_NR_PAGES) /* live at once in memory never cut */

struct worst_record worst_records[NR_WORST_KINDS][NR_PAGE_ORDERS];
struct bench_table worst_live;

static unsigned long nr_live;
static uint64_t live_pages, live_limit;

static const struct worst_episode *episode;
static unsigned int stroke;
static const char *stroke_name;

static void note(enum worst_kind kind, unsigned int order, uint64_t cost)
{
	struct worst_record *record = &worst_records[kind][order];

	if (cost > record->cost)
		*record = (struct worst_record){cost, stroke, stroke_name, *episode};
}

/* ---- calls ----------------------------------------------------------------------------------- */

static gfp_t draw_gfp(void)
{
	static const gfp_t mobility[] = {0, __GFP_MOVABLE, __GFP_RECLAIMABLE, 0, __GFP_MOVABLE};
	gfp_t gfp = mobility[worst_draw(5)] | __GFP_NOWARN;

	gfp |= worst_draw(4) ? GFP_KERNEL : GFP_ATOMIC;
	gfp |= worst_draw(4) ? 0 : __GFP_DMA32;
	gfp |= worst_draw(8) ? 0 : __GFP_COMP;
#ifdef __GFP_HIGH
	gfp |= worst_draw(4) ? 0 : __GFP_HIGH;
#endif
#ifdef __GFP_MEMALLOC
	gfp |= worst_draw(4) ? 0 : __GFP_MEMALLOC;
#endif
	return gfp | (worst_draw(16) ? 0 : __GFP_THISNODE);
}

/* false if it was refused or nothing more can be held. */
static bool call_alloc(gfp_t gfp, unsigned int order)
{
	struct mm_stats before, after;
	uint64_t start, cost;
	struct page *page;

	if (nr_live >= WORST_MAX_LIVE || live_pages >= live_limit)
		return false;
	mm_get_stats(&before);
	start = bench_tick();
	page = alloc_pages(gfp, order);
	cost = bench_tock(start);
	mm_get_stats(&after);
	if (!page)
		note(WORST_FAIL, order, cost);
	else if (after.stage[MM_STAGE_ASSEMBLE] != before.stage[MM_STAGE_ASSEMBLE])
		note(WORST_DRAIN, 0, cost); /* it went through the caches for what it needs */
	else
		note(WORST_ALLOC, order, cost);
	if (!page)
		return false;
	worst_put(&worst_live, nr_live++, page, order);
	live_pages += 1UL << order;
	return true;
}

static void call_free(unsigned long n, bool shared)
{
	unsigned int order;
	struct page *page = worst_get(&worst_live, n, &order);
	uint64_t start, cost;

	*bench_slot(&worst_live, n) = *bench_slot(&worst_live, --nr_live);
	live_pages -= 1UL << order;
	if (shared)
		get_page(page);
	start = bench_tick();
	__free_pages(page, order);
	cost = bench_tock(start);
	note(shared ? WORST_SHARED : WORST_FREE, order, cost);
	if (shared) { /* the last holder's: one page, or all of a compound block */
		struct page_info info;

		mm_page_info(page_to_pfn(page), &info);
		start = bench_tick();
		put_page(page);
		cost = bench_tock(start);
		note(WORST_FREE, info.order, cost);
	}
}

/* Step by step, then what the steps leave: it empties no caches any more. */
static void call_drain(void)
{
	unsigned long pages;

	do {
		uint64_t start = bench_tick(), cost;

		pages = drain_some_pages();
		cost = bench_tock(start);
		note(WORST_DRAIN, 0, cost);
	} while (pages);
	drain_all_pages();
}

/* ---- strokes --------------------------------------------------------------------------------- */

static unsigned int draw_order(void)
{
	return worst_draw(2) ? 0 : worst_draw(NR_PAGE_ORDERS);
}

static void stroke_mix(void)
{
	unsigned int bias = 20 + worst_draw(61), calls = 1 + worst_draw(MAX_CALLS),
		     top = 1 + worst_draw(NR_PAGE_ORDERS);

	while (calls-- > 0) {
		if (!nr_live || worst_draw(100) < bias)
			call_alloc(draw_gfp(), worst_draw(2) ? 0 : worst_draw(top));
		else
			call_free(worst_draw((unsigned int)nr_live), worst_draw(16) == 0);
	}
}

/* One order and one kind of request until it is refused. */
static void stroke_fill(void)
{
	unsigned int order = draw_order();
	unsigned int calls = worst_draw(4) ? WORST_MAX_LIVE : worst_draw(MAX_CALLS);
	gfp_t gfp = draw_gfp();

	while (calls-- > 0 && call_alloc(gfp, order))
		;
}

/* Everything down to the last page, largest blocks first. */
static void stroke_exhaust(void)
{
	gfp_t gfp = draw_gfp() & ~(__GFP_DMA32 | __GFP_THISNODE);

	for (unsigned int order = NR_PAGE_ORDERS; order-- > 0;)
		while (call_alloc(gfp, order))
			;
}

/*
 * Frees the blocks whose frame number has a certain bit, so that no two of them merge; or has not.
 */
static void stroke_comb(void)
{
	pfn_t bit = (pfn_t)1 << worst_draw(worst_draw(2) ? NR_PAGE_ORDERS : 4);
	bool set = worst_draw(2);

	for (unsigned long n = nr_live; n-- > 0;) {
		unsigned int order;
		struct page *page = worst_get(&worst_live, n, &order);

		if (!!(page_to_pfn(page) & bit) == set)
			call_free(n, false);
	}
}

static void stroke_free_newest(void)
{
	unsigned int calls = worst_draw(2) ? (unsigned int)nr_live : worst_draw(MAX_CALLS);

	while (calls-- > 0 && nr_live > 0)
		call_free(nr_live - 1, false);
}

static void stroke_free_random(void)
{
	unsigned int calls = worst_draw(2) ? (unsigned int)nr_live : worst_draw(MAX_CALLS);
	bool shared = worst_draw(8) == 0;

	while (calls-- > 0 && nr_live > 0)
		call_free(worst_draw((unsigned int)nr_live), shared);
}

/* All but a few, spread: what remains keeps blocks from merging. */
static void stroke_thin(void)
{
	unsigned int keep = 1 + worst_draw(64);

	for (unsigned long n = nr_live; n-- > 0;)
		if (worst_draw(64) >= keep || worst_draw(4))
			call_free(n, false);
}

static void stroke_drain(void)
{
	call_drain();
}

/* One request of each order, given back at once: what the present state costs. */
static void stroke_probe(void)
{
	gfp_t gfp = draw_gfp();
	bool keep = worst_draw(4) == 0, up = worst_draw(2);

	for (unsigned int i = 0; i < NR_PAGE_ORDERS; i++)
		if (call_alloc(gfp, up ? i : MAX_PAGE_ORDER - i) && !keep)
			call_free(nr_live - 1, false);
}

/* The caches brought to the edge where the next call refills or gives back. */
static void stroke_edge(void)
{
	unsigned int calls = 1 + worst_draw(2048), rounds = 1 + worst_draw(40);
	gfp_t gfp = draw_gfp() & ~__GFP_COMP;

	while (calls-- > 0 && call_alloc(gfp, 0))
		;
	while (rounds-- > 0) {
		unsigned int n = worst_draw(80);

		while (n-- > 0 && nr_live > 0)
			call_free(worst_draw(2) ? nr_live - 1 : worst_draw((unsigned int)nr_live),
				  false);
		n = worst_draw(40);
		while (n-- > 0 && call_alloc(gfp, 0))
			;
	}
}

static const struct {
	const char *name;
	void (*run)(void);
	unsigned int weight;
} strokes[] = {
	{"mix", stroke_mix, 4},
	{"fill", stroke_fill, 5},
	{"exhaust", stroke_exhaust, 1},
	{"comb", stroke_comb, 4},
	{"newest", stroke_free_newest, 2},
	{"random", stroke_free_random, 2},
	{"thin", stroke_thin, 2},
	{"drain", stroke_drain, 3},
	{"probe", stroke_probe, 5},
	{"edge", stroke_edge, 3},
};
#define NR_STROKES (sizeof(strokes) / sizeof(strokes[0]))

static unsigned int draw_stroke(void)
{
	unsigned int total = 0, i, n;

	for (i = 0; i < NR_STROKES; i++)
		total += strokes[i].weight;
	n = worst_draw(total);
	for (i = 0; n >= strokes[i].weight; i++)
		n -= strokes[i].weight;
	return i;
}

/*
 * ---- an episode -------------------------------------------------------------------------------
 */

void worst_run(const struct worst_episode *which)
{
	unsigned int part = 0;

	episode = which;
	live_limit = episode->arena ? UINT64_MAX : FRESH_PAGES;
	mm_set_pcp_high(episode->pcp_high);
	for (stroke = 0; stroke < WORST_STROKES; stroke++) {
		unsigned int n;

		if (part < episode->nr_parts && stroke == episode->part[part].from)
			bench_seed(episode->part[part++].seed);
		n = draw_stroke();
		stroke_name = strokes[n].name;
		strokes[n].run();
	}
	stroke_name = "end";
	while (nr_live > 0)
		call_free(nr_live - 1, false);
	call_drain();
}
