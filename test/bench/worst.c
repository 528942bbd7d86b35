/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worst.c: the hunt for the most expensive single call, by kind and order.
 *
 * All memory but an arena of a few 4 MiB blocks is held, so that every state of the pool is near:
 * full, down to the last block, fragmented in every pattern, types mixed, caches full of pages that
 * merge or do not, or empty. An episode is a row of random strokes that drive the arena about; each
 * call in them is measured. Half of the episodes are new, the others follow one that holds a record
 * up to the stroke before it and then go another way. In the first episodes the arena is memory
 * that was never cut, as it is after boot; there is no way back to that. Everything follows from
 * fixed seeds.
 */
#include <stdio.h>
#include <string.h>

#include "test/bench/worst.h"

#define ARENA_BLOCKS 6 /* of order 10, at most */
#define FRESH_SHARE  3 /* 1/n of the work goes to memory never cut */
#ifndef BENCH_WORST_BUDGET
#define BENCH_WORST_BUDGET 12000000000U /* by the counter; under -icount some 40 s */
#endif

static const char *const kind_names[NR_WORST_KINDS] = {"alloc", "free", "shared", "fail", "drain"};

static struct bench_table ballast;
static unsigned long nr_ballast;

/* ---- episodes -------------------------------------------------------------------------------- */

static void ballast_take(unsigned int order)
{
	struct page *page;

	while (nr_ballast < ballast.capacity && (page = alloc_pages(BENCH_GFP_ALL, order)) != NULL)
		worst_put(&ballast, nr_ballast++, page, order);
}

static uint64_t untouched(void)
{
	uint64_t pages = 0;
	struct zone_info info;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		pages += info.untouched;
	}
	return pages;
}

static bool ballast_keep(struct page *page, unsigned int order)
{
	if (nr_ballast == ballast.capacity)
		return false;
	worst_put(&ballast, nr_ballast++, page, order);
	return true;
}

static void ballast_release(unsigned int blocks, unsigned int order)
{
	for (unsigned long n = nr_ballast; n-- > 0 && blocks > 0;) {
		unsigned int have;
		struct page *page = worst_get(&ballast, n, &have);

		if (have != order)
			continue;
		__free_pages(page, have);
		*bench_slot(&ballast, n) = *bench_slot(&ballast, --nr_ballast);
		blocks--;
	}
}

/* A new one, or a branch of one that holds a record, shortly before that. */
static void draw_episode(struct worst_episode *episode, unsigned int arena, unsigned long pcp_max)
{
	unsigned int kind = worst_draw(NR_WORST_KINDS), order = worst_draw(NR_PAGE_ORDERS);
	const struct worst_record *record = &worst_records[kind][order];
	unsigned int from = 0;

	if (record->cost && worst_draw(2)) {
		*episode = record->episode;
		from = record->stroke < WORST_STROKES ? record->stroke : WORST_STROKES - 1;
		if (from > 3)
			from -= worst_draw(4);
		while (episode->nr_parts > 0 && episode->part[episode->nr_parts - 1].from >= from)
			episode->nr_parts--;
		if (episode->nr_parts == WORST_PARTS)
			episode->nr_parts--;
	} else {
		*episode = (struct worst_episode){.pcp_high = pcp_max};
		if (worst_draw(2))
			episode->pcp_high =
				worst_draw(worst_draw(2) ? 64 : (unsigned int)pcp_max + 1);
		episode->arena = arena ? 1 + worst_draw(arena) : 0;
	}
	if (arena && !episode->arena)
		episode->arena = 1;
	if (!arena)
		episode->arena = 0;
	episode->part[episode->nr_parts].seed = bench_random();
	episode->part[episode->nr_parts++].from = from;
}

static void print_records(void)
{
	uint64_t most[NR_WORST_KINDS] = {0};

	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		char name[32];

		snprintf(name, sizeof(name), "order%u", order);
		bench_line(name);
		for (int kind = WORST_ALLOC; kind <= WORST_FAIL; kind++) {
			const struct worst_record *record = &worst_records[kind][order];

			bench_number(kind_names[kind], record->cost);
			if (record->cost)
				printf(" %s_by=%s", kind_names[kind], record->stroke_name);
		}
		bench_end();
		for (int kind = 0; kind < NR_WORST_KINDS; kind++)
			if (worst_records[kind][order].cost > most[kind])
				most[kind] = worst_records[kind][order].cost;
	}
	bench_line("any");
	for (int kind = 0; kind < NR_WORST_KINDS; kind++)
		bench_number(kind_names[kind], most[kind]);
}

const char *bench_worst(void)
{
	unsigned long pcp_max = mm_pcp_high(), fresh = 0, episodes = 0;
	uint64_t start = bench_count(), hunt = BENCH_SEED;
	struct worst_episode episode;

	memset(worst_records, 0, sizeof(worst_records));
	nr_ballast = 0;
	drain_all_pages();
	if (!bench_table_init(&worst_live, WORST_MAX_LIVE))
		return "no room for its table";
	if (!bench_table_init(&ballast, bench_free_pages() / 64 + 4096)) {
		bench_table_free(&worst_live);
		return "no room for its second table";
	}
	while (untouched() >= 16 * MAX_ORDER_NR_PAGES &&
	       bench_count() - start < BENCH_WORST_BUDGET / FRESH_SHARE) {
		/* hold what was ever cut, so that the next request opens memory */
		bench_take_touched(MAX_PAGE_ORDER, ballast_keep);
		bench_seed(hunt);
		draw_episode(&episode, 0, pcp_max);
		hunt = bench_random();
		worst_run(&episode);
		fresh++;
	}
	mm_set_pcp_high(pcp_max);
	ballast_take(MAX_PAGE_ORDER);
	for (unsigned int order = MAX_PAGE_ORDER; order-- > 0;)
		ballast_take(order);
	while (bench_count() - start < BENCH_WORST_BUDGET) {
		bench_seed(hunt);
		draw_episode(&episode, ARENA_BLOCKS, pcp_max);
		hunt = bench_random();
		ballast_release(episode.arena, MAX_PAGE_ORDER);
		worst_run(&episode);
		ballast_take(MAX_PAGE_ORDER);
		episodes++;
	}
	mm_set_pcp_high(pcp_max);
	while (nr_ballast > 0) {
		unsigned int order;
		struct page *page = worst_get(&ballast, --nr_ballast, &order);

		__free_pages(page, order);
	}
	bench_table_free(&ballast);
	bench_table_free(&worst_live);
	print_records();
	bench_plain("episodes", episodes);
	bench_plain("fresh", fresh);
	bench_end();
	return NULL;
}
