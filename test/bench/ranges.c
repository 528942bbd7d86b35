/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ranges.c: B18, ranges of contiguous pages in a fresh pool: what one costs, and to give it back.
 */
#include "test/bench/bench.h"

const char *bench_ranges(void)
{
	static const struct {
		unsigned long pages;
		const char *alloc, *free;
	} sizes[] = {
		{1024, "alloc1024", "free1024"},
		{4096, "alloc4096", "free4096"},
		{16384, "alloc16384", "free16384"},
	};
	uint64_t alloc[3], free[3], start;

	drain_all_pages();
	for (int i = 0; i < 3; i++) {
		struct page *page;

		start = bench_tick();
		page = alloc_contig_pages(sizes[i].pages, BENCH_GFP);
		alloc[i] = bench_tock(start);
		if (!page)
			return "there is no such range";
		start = bench_tick();
		if (free_contig_range(page_to_pfn(page), sizes[i].pages) != 0)
			return "a range cannot be freed";
		free[i] = bench_tock(start);
	}
	bench_line("fresh");
	for (int i = 0; i < 3; i++) {
		bench_plain(sizes[i].alloc, alloc[i]);
		bench_plain(sizes[i].free, free[i]);
	}
	bench_end();
	return bench_moving();
}
