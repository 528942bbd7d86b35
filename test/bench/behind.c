/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * behind.c: B16, what lies behind the caches: what it costs to give them back, and to search them all for
 * a block that cached pages complete. Both are linear in what is cached, so the figures are per page.
 */
#include "test/bench/bench.h"

/* Hold every page there is, but for the caches full of single ones whose neighbours are taken. */
static unsigned long cache_singles(struct bench_table *table, unsigned long *count)
{
	unsigned long kept = 0, most = mm_pcp_high(), cached = 0;
	struct page *page;

	*count = 0;
	while (*count < table->capacity && (page = alloc_page(BENCH_GFP_ALL)) != NULL)
		*bench_slot(table, (*count)++) = page;
	for (unsigned long i = 0; i < *count; i++) {
		page = *bench_slot(table, i);
		if (cached < most && !(page_to_pfn(page) & 1)) {
			__free_page(page);
			cached++;
		} else {
			*bench_slot(table, kept++) = page;
		}
	}
	*count = kept;
	return cached;
}

const char *bench_behind(void)
{
	struct bench_table table;
	unsigned long count, cached, drained;
	uint64_t start, search, drain;
	struct page *pair;

	drain_all_pages();
	if (!mm_pcp_high())
		return "the caches are off";
	if (!bench_table_init(&table, bench_free_pages()))
		return "no room for its table";
	cached = cache_singles(&table, &count);
	start = bench_tick();
	pair = alloc_pages(BENCH_GFP_ALL | __GFP_RETRY_MAYFAIL, 1);
	search = bench_tock(start);
	start = bench_tick();
	drained = drain_all_pages();
	drain = bench_tock(start);
	if (pair)
		__free_pages(pair, 1);
	while (count > 0)
		__free_page(*bench_slot(&table, --count));
	bench_table_free(&table);
	if (pair || !drained)
		return "a pair was served where none is free";
	bench_line(NULL);
	bench_mean("mayfail", (int64_t)search, cached);
	bench_mean("drain", (int64_t)drain, drained);
	bench_plain("cached", cached);
	bench_plain("drained", drained);
	bench_end();
	return NULL;
}
