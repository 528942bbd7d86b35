/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * beyond.c: B11 to B14, where the per-CPU caches end: bursts larger than a cache, a fragmented
 * pool, a pool torn down in random order, and pages by address and in bulk.
 *
 * Means come from loops counted as a whole, the same loop without the calls subtracted; maxima from
 * another round that counts each call by itself.
 */
#include <stdio.h>

#include "test/bench/bench.h"

#define NOINLINE      __attribute__((noinline))
#define FORGET(value) __asm__ volatile("" : "+r"(value)::"memory")

static struct page **pages; /* the table of the running workload */

/* ---- loops ----------------------------------------------------------------------------------- */

/* Fill pages[from, to); returns the cost. A refusal leaves NULL there. */
static NOINLINE uint64_t fill(unsigned long from, unsigned long to)
{
	uint64_t start = bench_tick();

	for (unsigned long i = from; i < to; i++)
		pages[i] = alloc_page(GFP_KERNEL);
	return bench_tock(start);
}

static NOINLINE uint64_t empty_fill(unsigned long from, unsigned long to)
{
	struct page *page = NULL;
	uint64_t start = bench_tick();

	for (unsigned long i = from; i < to; i++) {
		FORGET(page);
		pages[i] = page;
	}
	return bench_tock(start);
}

static NOINLINE uint64_t empty(unsigned long from, unsigned long to)
{
	uint64_t start = bench_tick();

	for (unsigned long i = from; i < to; i++) {
		struct page *page = pages[i];

		FORGET(page);
	}
	return bench_tock(start);
}

static NOINLINE uint64_t release(unsigned long from, unsigned long to)
{
	uint64_t start = bench_tick();

	for (unsigned long i = from; i < to; i++)
		__free_page(pages[i]);
	return bench_tock(start);
}

static NOINLINE uint64_t release_reverse(unsigned long from, unsigned long to)
{
	uint64_t start = bench_tick();

	for (unsigned long i = to; i-- > from;)
		__free_page(pages[i]);
	return bench_tock(start);
}

/* Each call by itself, into bench_allocs and bench_frees. */
static void fill_singly(unsigned long from, unsigned long to)
{
	for (unsigned long i = from; i < to; i++) {
		uint64_t start = bench_tick();
		struct page *page = alloc_page(GFP_KERNEL);

		bench_stat_add(&bench_allocs, bench_tock(start));
		pages[i] = page;
	}
}

static void release_singly(unsigned long from, unsigned long to)
{
	for (unsigned long i = from; i < to; i++) {
		uint64_t start = bench_tick();

		__free_page(pages[i]);
		bench_stat_add(&bench_frees, bench_tock(start));
	}
}

static void shuffle(unsigned long from, unsigned long to)
{
	for (unsigned long i = to - 1; i > from; i--) { /* Fisher-Yates */
		unsigned long j = from + bench_random() % (i - from + 1);
		struct page *page = pages[i];

		pages[i] = pages[j];
		pages[j] = page;
	}
}

/* The table for n pages; NULL where they and as many again are not free. */
static struct page **table(unsigned long n)
{
	drain_all_pages();
	if (bench_free_pages() < n + n / 8)
		return NULL;
	pages = alloc_pages_exact(n * sizeof(*pages), BENCH_GFP);
	if (pages) /* the first time costs a host page faults */
		empty_fill(0, n);
	return pages;
}

static void print_max(void)
{
	bench_number("max_alloc", bench_allocs.max);
	bench_number("max_free", bench_frees.max);
	bench_stat_clear(&bench_allocs);
	bench_stat_clear(&bench_frees);
}

/* ---- B11: bursts ----------------------------------------------------------------------------- */

#define BURST_ROUNDS 2

struct burst_order {
	const char *name;
	bool shuffled;
	uint64_t (*release)(unsigned long from, unsigned long to);
};

static const struct burst_order burst_orders[] = {
	{"lifo", false, release_reverse},
	{"fifo", false, release},
	{"shuffled", true, release},
};

static void burst(unsigned long n, const struct burst_order *order)
{
	uint64_t allocs = 0, frees = 0, store = empty_fill(0, n), load = empty(0, n);
	char name[24];

	for (int round = -1; round < BURST_ROUNDS; round++) {
		uint64_t cost;

		if (round == 0)
			bench_window();
		cost = fill(0, n);
		allocs += round < 0 ? 0 : cost - store;
		if (order->shuffled)
			shuffle(0, n);
		cost = order->release(0, n);
		frees += round < 0 ? 0 : cost - load;
	}
	snprintf(name, sizeof(name), "%s%lu", order->name, n);
	bench_window_end(name, n * BURST_ROUNDS);
	bench_line(name);
	bench_mean("alloc", (int64_t)allocs, n * BURST_ROUNDS);
	bench_mean("free", (int64_t)frees, n * BURST_ROUNDS);
	fill_singly(0, n);
	if (order->shuffled)
		shuffle(0, n);
	release_singly(0, n);
	print_max();
	bench_end();
}

const char *bench_beyond(void)
{
	static const unsigned long sizes[] = {2048, 4096, 16384, 65536};
	unsigned int done = 0;

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (!table(sizes[i]))
			break; /* less RAM has fewer bursts */
		for (unsigned int k = 0; k < sizeof(burst_orders) / sizeof(burst_orders[0]); k++)
			burst(sizes[i], &burst_orders[k]);
		free_pages_exact(pages, sizes[i] * sizeof(*pages));
		done++;
	}
	return done ? NULL : "it needs 16 MiB";
}

/* ---- B12, B13: a fragmented pool, and its end -------------------------------------------- */

#define POOL_SHARE   1000 / 1140 /* 230,000 of the pages of 1 GiB */
#define HOLES_OF     10		 /* a random tenth is freed */
#define SWING_ROUNDS 6		 /* of which the last counts each call */

/* Fill the pool and free a random tenth; returns the pages that are left in pages[], 0: no room. */
static unsigned long fragment(uint64_t *cost)
{
	unsigned long n, holes;
	uint64_t store;

	drain_all_pages();
	n = (unsigned long)bench_free_pages() * POOL_SHARE;
	if (n < 16384 || !table(n))
		return 0;
	store = empty_fill(0, n);
	*cost = fill(0, n) - store;
	shuffle(0, n);
	holes = n / HOLES_OF;
	release(n - holes, n);
	return n;
}

static void swing(unsigned long live, unsigned long k)
{
	uint64_t allocs = 0, frees = 0, load, store;
	unsigned long from = live - k;
	char name[16];

	for (int round = 0; round < SWING_ROUNDS; round++) {
		/* k random live pages go to the end, are freed, and k others come in their place */
		for (unsigned long i = live - 1; i >= from; i--) {
			unsigned long j = bench_random() % (i + 1);
			struct page *page = pages[i];

			pages[i] = pages[j];
			pages[j] = page;
		}
		load = empty(from, live);
		if (round < SWING_ROUNDS - 1) {
			frees += release(from, live) - load;
			store = empty_fill(from, live);
			allocs += fill(from, live) - store;
		} else {
			release_singly(from, live);
			fill_singly(from, live);
		}
	}
	snprintf(name, sizeof(name), "swing%lu", k);
	bench_line(name);
	bench_mean("alloc", (int64_t)allocs, k * (SWING_ROUNDS - 1));
	bench_mean("free", (int64_t)frees, k * (SWING_ROUNDS - 1));
	print_max();
	bench_end();
}

const char *bench_fragmented(void)
{
	uint64_t cost;
	unsigned long n = fragment(&cost), live;

	if (!n)
		return "it needs 128 MiB";
	live = n - n / HOLES_OF;
	bench_line("fill");
	bench_mean("alloc", (int64_t)cost, n);
	bench_plain("pages", n);
	bench_end();
	for (unsigned long k = 256; k <= 16384; k *= 4)
		swing(live, k);
	release(0, live);
	free_pages_exact(pages, n * sizeof(*pages));
	return NULL;
}

const char *bench_teardown(void)
{
	uint64_t cost, load;
	unsigned long n = fragment(&cost), live;

	if (!n)
		return "it needs 128 MiB";
	live = n - n / HOLES_OF;
	load = empty(0, live);
	cost = release(0, live);
	free_pages_exact(pages, n * sizeof(*pages));
	bench_line(NULL);
	bench_mean("free", (int64_t)(cost - load), live);
	bench_plain("pages", live);
	bench_end();
	return NULL;
}

/* ---- B14: by address, in bulk ---------------------------------------------------------------- */

#define PAIRS	   100000
#define BULK	   64
#define BULK_TIMES 1000

static NOINLINE uint64_t address_pairs(unsigned long count)
{
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < count; i++)
		free_page(__get_free_page(GFP_KERNEL));
	return bench_tock(start);
}

static NOINLINE uint64_t empty_pairs(unsigned long count)
{
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < count; i++)
		__asm__ volatile("" ::: "memory");
	return bench_tock(start);
}

const char *bench_by_address(void)
{
	static struct page *some[BULK];
	uint64_t allocs = 0, frees = 0, pairs, loop = empty_pairs(PAIRS);

	address_pairs(1000);
	bench_window();
	pairs = address_pairs(PAIRS);
	bench_window_end("address", PAIRS);
	bench_line("address");
	bench_mean("pair", (int64_t)(pairs - loop), PAIRS);
	bench_end();
	for (int round = -10; round < BULK_TIMES; round++) {
		uint64_t start = bench_tick(), cost;

		if (alloc_pages_bulk(GFP_KERNEL, BULK, some) != BULK)
			return "no pages are free";
		cost = bench_tock(start);
		allocs += round < 0 ? 0 : cost;
		start = bench_tick();
		free_pages_bulk(BULK, some);
		cost = bench_tock(start);
		frees += round < 0 ? 0 : cost;
		for (int i = 0; i < BULK; i++) /* Linux fills only entries that are NULL */
			some[i] = NULL;
	}
	bench_line("bulk");
	bench_mean("alloc", (int64_t)allocs, (uint64_t)BULK * BULK_TIMES);
	bench_mean("free", (int64_t)frees, (uint64_t)BULK * BULK_TIMES);
	bench_end();
	return NULL;
}
