/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frag.c: B6, B7 and B10: what state the pool is in after hard use, not what a call costs.
 *
 * Nothing is migrated and nothing reclaimed: the shares say how well the allocator kept what cannot
 * move together.
 */
#include <string.h>

#include "test/bench/bench.h"

/* ---- B6 -------------------------------------------------------------------------------------- */

const char *bench_coalesce(void)
{
	struct bench_picture before, after;
	struct bench_table table;
	unsigned long count = 0, kept = 0, pairs;
	struct page *page;
	bool same;

	drain_all_pages();
	if (!bench_table_init(&table, bench_free_pages()))
		return "no room for its table";
	bench_picture(&before);
	while (count < table.capacity && (page = alloc_page(BENCH_GFP_ALL)) != NULL)
		*bench_slot(&table, count++) = page;
	for (unsigned long i = 0; i < count; i++) {
		page = *bench_slot(&table, i);
		if (page_to_pfn(page) & 1)
			__free_page(page);
		else
			*bench_slot(&table, kept++) = page;
	}
	/* all even frames are taken: there can be no two free pages side by side */
	for (pairs = kept; pairs < count && (page = alloc_pages(BENCH_GFP_ALL, 1)); pairs++)
		*bench_slot(&table, pairs) = page;
	for (unsigned long i = kept; i < pairs; i++)
		__free_pages(*bench_slot(&table, i), 1);
	pairs -= kept;
	while (kept > 0)
		__free_page(*bench_slot(&table, --kept));
	bench_picture(&after);
	same = memcmp(&before, &after, sizeof(before)) == 0;
	bench_table_free(&table);
	bench_line(NULL);
	bench_plain("pages", count);
	bench_plain("order1", pairs);
	bench_plain("same", same);
	bench_end();
	return NULL;
}

/* ---- B7 -------------------------------------------------------------------------------------- */

#define B7_STEPS 2000000

/* One page in ten cannot be moved. */
static struct page *draw_page(uint64_t *unmovable)
{
	bool fixed = bench_random() % 10 == 0;
	struct page *page = alloc_page(fixed ? BENCH_GFP : BENCH_GFP | __GFP_MOVABLE);

	*unmovable += page && fixed;
	/* descriptors are aligned to 8 bytes: the lowest bit tells the two apart */
	return page ? (struct page *)(void *)((char *)page + fixed) : NULL;
}

static bool is_unmovable(struct page *tagged)
{
	return (uintptr_t)tagged & 1;
}

static void free_tagged(struct page *tagged)
{
	__free_page((struct page *)(void *)((char *)tagged - is_unmovable(tagged)));
}

/* Everything movable is gone and the caches are empty. */
static void print_shares(const struct bench_picture *start, uint64_t unmovable, uint64_t failed)
{
	uint64_t all = bench_present_pages() >> pageblock_order, blocks = 0;
	uint64_t needed = (unmovable + pageblock_nr_pages - 1) >> pageblock_order;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		for (unsigned int order = pageblock_order; order < NR_PAGE_ORDERS; order++)
			blocks += start->nr_free[zone][order] << (order - pageblock_order);
	bench_line(NULL);
	bench_ratio("share", bench_free_pageblocks() * 100, all);
	bench_ratio("ceiling", blocks > needed ? (blocks - needed) * 100 : 0, all);
	bench_plain("unmovable", unmovable);
	bench_plain("failed", failed);
	bench_end();
}

const char *bench_mobility(void)
{
	struct bench_picture start;
	struct bench_table table;
	uint64_t unmovable = 0, failed = 0;
	unsigned long count = 0, target;

	drain_all_pages();
	if (!bench_table_init(&table, bench_free_pages()))
		return "no room for its table";
	bench_picture(&start);
	target = bench_free_pages() * 9 / 10;
	while (count < target) {
		struct page *page = draw_page(&unmovable);

		if (!page)
			break;
		*bench_slot(&table, count++) = page;
	}
	failed += target - count;
	for (unsigned long step = 0; step < B7_STEPS && count > 0; step++) {
		struct page **slot = bench_slot(&table, bench_random() % count);
		struct page *page = *slot;

		unmovable -= is_unmovable(page);
		free_tagged(page);
		*slot = draw_page(&unmovable);
		if (!*slot) {
			failed++;
			*slot = *bench_slot(&table, --count);
		}
	}
	target = 0;
	for (unsigned long i = 0; i < count; i++) {
		struct page *page = *bench_slot(&table, i);

		if (is_unmovable(page))
			*bench_slot(&table, target++) = page;
		else
			free_tagged(page);
	}
	print_shares(&start, unmovable, failed);
	while (target > 0)
		free_tagged(*bench_slot(&table, --target));
	bench_table_free(&table);
	return NULL;
}

/* ---- B10 ------------------------------------------------------------------------------------- */

#define B10_CYCLES 5

struct pages {
	struct bench_table table;
	unsigned long count;
	gfp_t gfp;
};

static bool pages_add(struct pages *pages)
{
	struct page *page = pages->count < pages->table.capacity ? alloc_page(pages->gfp) : NULL;

	if (page)
		*bench_slot(&pages->table, pages->count++) = page;
	return page != NULL;
}

static void pages_drop_random(struct pages *pages)
{
	struct page **slot = bench_slot(&pages->table, bench_random() % pages->count);

	__free_page(*slot);
	*slot = *bench_slot(&pages->table, --pages->count);
}

static void pages_drop_all(struct pages *pages)
{
	while (pages->count > 0)
		__free_page(*bench_slot(&pages->table, --pages->count));
}

const char *bench_surge(void)
{
	struct pages movable = {.gfp = BENCH_GFP | __GFP_MOVABLE}, unmovable = {.gfp = BENCH_GFP};
	struct bench_picture start;
	uint64_t failed = 0;
	unsigned long target;

	drain_all_pages();
	if (!bench_table_init(&movable.table, bench_free_pages()))
		return "no room for its table";
	if (!bench_table_init(&unmovable.table, bench_free_pages() / 2)) {
		bench_table_free(&movable.table);
		return "no room for its second table";
	}
	bench_picture(&start);
	target = bench_free_pages() * 95 / 100;
	while (movable.count < target && pages_add(&movable))
		;
	failed += target - movable.count;
	for (int cycle = 0; cycle < B10_CYCLES; cycle++) {
		while (unmovable.count * 100 < (movable.count + unmovable.count) * 30) {
			pages_drop_random(&movable);
			failed += !pages_add(&unmovable);
		}
		while (unmovable.count * 100 > (movable.count + unmovable.count) * 5) {
			pages_drop_random(&unmovable);
			failed += !pages_add(&movable);
		}
	}
	pages_drop_all(&movable);
	print_shares(&start, unmovable.count, failed);
	pages_drop_all(&unmovable);
	bench_table_free(&unmovable.table);
	bench_table_free(&movable.table);
	return NULL;
}
