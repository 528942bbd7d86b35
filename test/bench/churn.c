/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * churn.c: B5, a long run of mixed orders, each call counted; and B8, the boot.
 */
#include <string.h>

#include "test/bench/bench.h"

#define SLOTS 4096
#define STEPS 1000000

static unsigned int draw_order(uint64_t random)
{
	unsigned int d = (unsigned int)((random >> 32) % 100);

	return d < 80 ? 0 : d < 90 ? 1 : d < 95 ? 2 : d < 98 ? 3 : d < 99 ? 4 : 9;
}

const char *bench_churn(void)
{
	static uint8_t orders[SLOTS];
	struct page **slots = alloc_pages_exact(SLOTS * sizeof(struct page *), BENCH_GFP);
	uint64_t failed = 0;

	if (!slots)
		return "no room for its table";
	memset(slots, 0, SLOTS * sizeof(struct page *));
	bench_window();
	for (unsigned long step = 0; step < STEPS; step++) {
		uint64_t random = bench_random(), start, cost;
		unsigned int slot = (unsigned int)(random % SLOTS), order;
		struct page *page = slots[slot];

		if (page) {
			order = orders[slot];
			start = bench_tick();
			__free_pages(page, order);
			cost = bench_tock(start);
			bench_stat_add(&bench_frees, cost);
			slots[slot] = NULL;
			continue;
		}
		order = draw_order(random);
		start = bench_tick();
		page = alloc_pages(BENCH_GFP, order);
		cost = bench_tock(start);
		if (page)
			bench_stat_add(&bench_allocs, cost);
		else
			failed++;
		slots[slot] = page;
		orders[slot] = (uint8_t)order;
	}
	bench_window_end("mean", (unsigned long)(bench_allocs.count + bench_frees.count));
	for (unsigned int slot = 0; slot < SLOTS; slot++)
		if (slots[slot])
			__free_pages(slots[slot], orders[slot]);
	free_pages_exact(slots, SLOTS * sizeof(struct page *));
	bench_line(NULL);
	bench_mean("mean", (int64_t)(bench_allocs.total + bench_frees.total),
		   bench_allocs.count + bench_frees.count);
	bench_mean("alloc", (int64_t)bench_allocs.total, bench_allocs.count);
	bench_mean("free", (int64_t)bench_frees.total, bench_frees.count);
	bench_number("max_alloc", bench_allocs.max);
	bench_number("max_free", bench_frees.max);
	bench_plain("failed", failed);
	bench_end();
	return NULL;
}

const char *bench_init(void)
{
	struct mm_layout layout;

	if (!bench_init_cost)
		return "the boot did not measure it";
	mm_get_layout(&layout);
	bench_line(NULL);
	bench_number("init", bench_init_cost + bench_pageset_cost);
	bench_number("first_page", bench_init_cost);
	bench_number("pageset", bench_pageset_cost);
	bench_plain("mib", layout.present_pages >> (20 - PAGE_SHIFT));
	bench_ratio("bytes_per_page", layout.memmap_bytes, layout.present_pages);
	bench_end();
	return NULL;
}
