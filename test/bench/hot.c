/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hot.c: B1 to B4: pairs, bursts in three orders of freeing, bulk, and pairs by order.
 *
 * Means come from loops counted as a whole, the same loop without the calls subtracted. Median,
 * 99th percentile and maximum come from a second run that counts each call by itself, the call and
 * its arguments included.
 */
#include <stdio.h>

#include "test/bench/bench.h"

#define NOINLINE      __attribute__((noinline))
#define FORGET(value) __asm__ volatile("" : "+r"(value)::"memory")

static NOINLINE uint64_t empty_loop(unsigned long count)
{
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < count; i++)
		__asm__ volatile("" ::: "memory");
	return bench_tock(start);
}

/* ---- B1 -------------------------------------------------------------------------------------- */

#define B1_WARM_UP 1000
#define B1_COUNT   100000

/* Flags known where the call is compiled, but the path not at the place of the call. */
static NOINLINE struct page *called_alloc(void)
{
	return alloc_page(GFP_KERNEL);
}

static NOINLINE void called_free(struct page *page)
{
	(void)__free_page(page);
}

#define DEFINE_PAIR(form, alloc, free)                                        \
	static NOINLINE uint64_t form##_pairs(unsigned long count, gfp_t gfp) \
	{                                                                     \
		uint64_t start;                                               \
                                                                              \
		(void)gfp;                                                    \
		start = bench_tick();                                         \
		for (unsigned long i = 0; i < count; i++) {                   \
			struct page *page = alloc;                            \
                                                                              \
			(void)free;                                           \
		}                                                             \
		return bench_tock(start);                                     \
	}                                                                     \
                                                                              \
	static NOINLINE void form##_singles(unsigned long count, gfp_t gfp)   \
	{                                                                     \
		(void)gfp;                                                    \
		for (unsigned long i = 0; i < count; i++) {                   \
			uint64_t start = bench_tick();                        \
			struct page *page = alloc;                            \
                                                                              \
			bench_stat_add(&bench_allocs, bench_tock(start));     \
			start = bench_tick();                                 \
			(void)free;                                           \
			bench_stat_add(&bench_frees, bench_tock(start));      \
		}                                                             \
	}

DEFINE_PAIR(inlined, alloc_page(GFP_KERNEL), __free_page(page))
DEFINE_PAIR(called, called_alloc(), called_free(page))
DEFINE_PAIR(run_time, alloc_pages(gfp, 0), called_free(page))

static void print_singles(void)
{
	bench_mean("alloc", (int64_t)bench_allocs.total, bench_allocs.count);
	bench_mean("free", (int64_t)bench_frees.total, bench_frees.count);
	bench_number("p50_alloc", bench_stat_rank(&bench_allocs, 500));
	bench_number("p99_alloc", bench_stat_rank(&bench_allocs, 990));
	bench_number("max_alloc", bench_allocs.max);
	bench_number("p50_free", bench_stat_rank(&bench_frees, 500));
	bench_number("p99_free", bench_stat_rank(&bench_frees, 990));
	bench_number("max_free", bench_frees.max);
	bench_stat_clear(&bench_allocs);
	bench_stat_clear(&bench_frees);
}

const char *bench_hot_pair(void)
{
	static const struct {
		const char *name;
		uint64_t (*pairs)(unsigned long count, gfp_t gfp);
		void (*singles)(unsigned long count, gfp_t gfp);
	} forms[] = {
		{"inline", inlined_pairs, inlined_singles},
		{"called", called_pairs, called_singles},
		{"runtime", run_time_pairs, run_time_singles},
	};
	volatile gfp_t hidden = GFP_KERNEL;
	gfp_t gfp = hidden;
	struct page *page = alloc_page(BENCH_GFP);

	if (!page)
		return "no page is free";
	__free_page(page);
	for (unsigned int i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		uint64_t loop, pairs;

		forms[i].pairs(B1_WARM_UP, gfp);
		loop = empty_loop(B1_COUNT);
		bench_window();
		pairs = forms[i].pairs(B1_COUNT, gfp);
		bench_window_end(forms[i].name, B1_COUNT);
		bench_line(forms[i].name);
		bench_mean("pair", (int64_t)(pairs - loop), B1_COUNT);
		forms[i].singles(B1_COUNT, gfp);
		print_singles();
		bench_end();
	}
	return NULL;
}

/* ---- B2, B3 ---------------------------------------------------------------------------------- */

#define BURST	      1024
#define BURST_WARM_UP 10
#define BURST_ROUNDS  100

static struct page *burst[BURST];

static NOINLINE uint64_t burst_alloc(void)
{
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < BURST; i++)
		burst[i] = alloc_page(GFP_KERNEL);
	return bench_tock(start);
}

static NOINLINE uint64_t burst_free(void)
{
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < BURST; i++)
		__free_page(burst[i]);
	return bench_tock(start);
}

static NOINLINE uint64_t burst_free_reverse(void)
{
	uint64_t start = bench_tick();

	for (unsigned long i = BURST; i-- > 0;)
		__free_page(burst[i]);
	return bench_tock(start);
}

/* The same loops with nothing but the store or the load. */
static NOINLINE uint64_t empty_store(void)
{
	struct page *page = NULL;
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < BURST; i++) {
		FORGET(page);
		burst[i] = page;
	}
	return bench_tock(start);
}

static NOINLINE uint64_t empty_load(void)
{
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < BURST; i++) {
		struct page *page = burst[i];

		FORGET(page);
	}
	return bench_tock(start);
}

static void shuffle(void)
{
	for (unsigned long i = BURST - 1; i > 0; i--) { /* Fisher-Yates */
		unsigned long j = bench_random() % (i + 1);
		struct page *page = burst[i];

		burst[i] = burst[j];
		burst[j] = page;
	}
}

static void burst_figures(const char *variant, bool shuffled, uint64_t (*release)(void))
{
	uint64_t allocs = 0, frees = 0, store, load;

	empty_store(); /* the first time costs a host page faults */
	store = empty_store();
	load = empty_load();
	for (int round = -BURST_WARM_UP; round < BURST_ROUNDS; round++) {
		uint64_t cost;

		if (round == 0)
			bench_window();
		cost = burst_alloc();
		allocs += round < 0 ? 0 : cost - store;
		if (shuffled)
			shuffle();
		cost = release();
		frees += round < 0 ? 0 : cost - load;
	}
	bench_window_end(variant ? variant : "pair", BURST * BURST_ROUNDS);
	bench_line(variant);
	bench_mean("alloc", (int64_t)allocs, BURST * BURST_ROUNDS);
	bench_mean("free", (int64_t)frees, BURST * BURST_ROUNDS);
	bench_end();
}

/* Pages through alloc_pages_bulk(), from the cache as the last round left it, or from the buddy. */
static uint64_t bulk_rounds(bool cold)
{
	uint64_t total = 0;

	empty_store(); /* Linux fills only entries that are NULL */
	for (int round = -BURST_WARM_UP; round < BURST_ROUNDS; round++) {
		uint64_t start, cost;
		unsigned long got;

		if (cold)
			drain_all_pages();
		start = bench_tick();
		got = alloc_pages_bulk(GFP_KERNEL, BURST, burst);
		cost = bench_tock(start);
		total += round < 0 ? 0 : cost;
		while (got > 0) {
			__free_page(burst[--got]);
			burst[got] = NULL;
		}
	}
	return total;
}

static const char *burst_fits(void)
{
	drain_all_pages();
	return bench_free_pages() < 4 * BURST ? "it needs 16 MiB" : NULL;
}

const char *bench_lifo(void)
{
	const char *error = burst_fits();
	uint64_t warm, cold;

	if (error)
		return error;
	burst_figures(NULL, false, burst_free_reverse);
	warm = bulk_rounds(false);
	cold = bulk_rounds(true);
	bench_line("bulk");
	bench_mean("warm", (int64_t)warm, BURST * BURST_ROUNDS);
	bench_mean("cold", (int64_t)cold, BURST * BURST_ROUNDS);
	bench_end();
	return NULL;
}

const char *bench_orders(void)
{
	const char *error = burst_fits();

	if (error)
		return error;
	burst_figures("fifo", false, burst_free);
	burst_figures("shuffled", true, burst_free);
	return NULL;
}

/* ---- B4 -------------------------------------------------------------------------------------- */

#define B4_WARM_UP 100
#define B4_COUNT   10000

static NOINLINE uint64_t order_pairs(unsigned long count, unsigned int order)
{
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < count; i++)
		__free_pages(alloc_pages(GFP_KERNEL, order), order);
	return bench_tock(start);
}

static uint64_t measured_pairs(unsigned int order, const char *state)
{
	uint64_t loop = empty_loop(B4_COUNT), cost;
	char name[24];

	drain_all_pages();
	order_pairs(B4_WARM_UP, order);
	bench_window();
	cost = order_pairs(B4_COUNT, order);
	snprintf(name, sizeof(name), "order%u.%s", order, state);
	bench_window_end(name, B4_COUNT);
	return cost - loop;
}

/* The boot leaves blocks of every order over. Held, they leave a pool of order-10 blocks only. */
static struct remnant {
	struct page *page;
	unsigned int order;
} remnants[512];

static unsigned int nr_remnants;

static bool keep_remnant(struct page *page, unsigned int order)
{
	if (nr_remnants == sizeof(remnants) / sizeof(remnants[0]))
		return false;
	remnants[nr_remnants++] = (struct remnant){page, order};
	return true;
}

const char *bench_pair_order(void)
{
	uint64_t merged[NR_PAGE_ORDERS], held[NR_PAGE_ORDERS], uncached[NR_PAGE_ORDERS];
	unsigned long high = mm_pcp_high();
	struct page *page;

	nr_remnants = 0;
	bench_take_touched(MAX_PAGE_ORDER - 1, keep_remnant);
	page = alloc_pages(BENCH_GFP, MAX_PAGE_ORDER);
	if (page) {
		__free_pages(page, MAX_PAGE_ORDER);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			merged[order] = measured_pairs(order, "merged");
			/* what one page is cut from leaves a block of each smaller order */
			drain_all_pages();
			page = alloc_page(GFP_KERNEL);
			held[order] = measured_pairs(order, "held");
			__free_page(page);
			/* what the buddy itself costs: each pair splits and merges all the way */
			mm_set_pcp_high(0);
			uncached[order] = measured_pairs(order, "uncached");
			mm_set_pcp_high(high);
		}
	}
	while (nr_remnants > 0) {
		nr_remnants--;
		__free_pages(remnants[nr_remnants].page, remnants[nr_remnants].order);
	}
	if (!page)
		return "no block of order 10 is free";
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		char name[16];

		snprintf(name, sizeof(name), "order%u", order);
		bench_line(name);
		bench_mean("merged", (int64_t)merged[order], B4_COUNT);
		bench_mean("held", (int64_t)held[order], B4_COUNT);
		bench_end();
	}
	bench_line("uncached");
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		char name[16];

		snprintf(name, sizeof(name), "order%u", order);
		bench_mean(name, (int64_t)uncached[order], B4_COUNT);
	}
	bench_end();
	return NULL;
}
