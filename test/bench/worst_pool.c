/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worst_pool.c: where an episode of the hunt starts. All memory but an arena of a few sections is
 * held, so that every state of the pool is near: full, down to the last page, every mark. What an
 * episode frees is whole sections again, and is held again after it.
 *
 * A section can be opened once, and cut for the first time once; each such episode uses some up.
 */
#include "test/bench/worst.h"

struct pool {
	struct bench_table table;
	unsigned long count;
};

static struct pool virgin[MAX_NR_ZONES], worn[MAX_NR_ZONES], small;
static uint64_t untouched_before[MAX_NR_ZONES];
static unsigned long high_default;
static uint64_t min_default;
static unsigned int ratio_default;

static bool pool_add(struct pool *pool, struct page *page)
{
	if (pool->count == pool->table.capacity)
		return false;
	*bench_slot(&pool->table, pool->count++) = page;
	return true;
}

static struct page *pool_get(struct pool *pool)
{
	return pool->count ? *bench_slot(&pool->table, --pool->count) : NULL;
}

static struct zone_info zone_info(int zone)
{
	struct zone_info info;

	mm_zone_info((enum zone_type)zone, &info);
	return info;
}

/* Normal is tried first; DMA32 follows when it has no more, so that is emptied before. */
static gfp_t zone_gfp(int zone)
{
	return BENCH_GFP_ALL | (zone == ZONE_DMA32 ? __GFP_DMA32 : 0);
}

static int zone_of_page(const struct page *page)
{
	struct zone_info normal = zone_info(ZONE_NORMAL);

	return normal.spanned && page_to_pfn(page) >= normal.start_pfn ? ZONE_NORMAL : ZONE_DMA32;
}

/* Descriptors are aligned to 8 bytes: the order of a small block goes where the address is 0. */
static bool keep(struct page *page, unsigned int order)
{
	if (order == MAX_PAGE_ORDER)
		return pool_add(&worn[zone_of_page(page)], page);
	return pool_add(&small, page) &&
	       pool_add(&small, (struct page *)(uintptr_t)(order << 1 | 1));
}

/* A whole section of this zone. False: it has none, or there is no room to note it. */
static bool hold_one(int zone)
{
	uint64_t before = zone_info(zone).untouched, start = bench_tick();
	struct page *page = alloc_pages(zone_gfp(zone), MAX_PAGE_ORDER);
	uint64_t cost = bench_tock(start);
	struct pool *pool = zone_info(zone).untouched < before ? virgin : worn;

	/* each section is opened here or in an episode: the way to the next may be long */
	if (page)
		worst_note(WORST_ALLOC, MAX_PAGE_ORDER, cost);
	if (page && (zone_of_page(page) != zone || !pool_add(&pool[zone], page))) {
		__free_pages(page, MAX_PAGE_ORDER);
		page = NULL;
	}
	return page != NULL;
}

const char *worst_pool_open(void)
{
	bool room = true;

	high_default = mm_pcp_high();
	min_default = mm_min_free_kbytes();
	ratio_default = mm_lowmem_reserve_ratio(ZONE_DMA32);
	drain_all_pages();
	small.count = 0;
	room = bench_table_init(&small.table, 8192);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		unsigned long sections =
			(unsigned long)zone_info(zone).present / MAX_ORDER_NR_PAGES;

		virgin[zone].count = worn[zone].count = 0;
		room = room && bench_table_init(&virgin[zone].table, sections + 1) &&
		       bench_table_init(&worn[zone].table, sections + 1);
	}
	if (!room) {
		worst_pool_close();
		return "no room for its tables";
	}
	bench_take_touched(MAX_PAGE_ORDER, keep);
	return NULL;
}

void worst_pool_take_all(void)
{
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		while (hold_one(zone))
			;
	for (unsigned int order = MAX_PAGE_ORDER; order-- > 0;)
		for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
			struct page *page;

			while ((page = alloc_pages(zone_gfp(zone), order)) != NULL)
				if (!keep(page, order)) {
					__free_pages(page, order);
					break;
				}
		}
	drain_all_pages();
}

unsigned long worst_pool_left(enum worst_mode mode, enum zone_type zone)
{
	return mode == WORST_FRESH ? (unsigned long)zone_info(zone).untouched / MAX_ORDER_NR_PAGES
	       : mode == WORST_VIRGIN ? virgin[zone].count
				      : worn[zone].count;
}

/* The min mark of a zone so that `above` of its free pages are above it. */
static void set_edge(int zone, uint64_t above)
{
	struct zone_info info = zone_info(zone);
	uint64_t managed = 0, pages;

	for (int z = 0; z < MAX_NR_ZONES; z++)
		managed += zone_info(z).managed;
	if (!info.managed)
		return;
	pages = info.free > above ? (info.free - above) * managed / info.managed : 0;
	if (pages >= managed)
		pages = managed - 1;
	mm_set_min_free_kbytes(pages << (PAGE_SHIFT - 10));
}

void worst_pool_enter(const struct worst_episode *episode)
{
	struct pool *pool = episode->mode == WORST_VIRGIN ? virgin : worn;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		untouched_before[zone] = zone_info(zone).untouched;
		for (int i = 0; episode->mode != WORST_FRESH && i < episode->arena[zone]; i++) {
			struct page *page = pool_get(&pool[zone]);

			if (page)
				__free_pages(page, MAX_PAGE_ORDER);
		}
	}
	mm_set_pcp_high(episode->pcp_high);
	drain_all_pages();
	mm_set_lowmem_reserve_ratio(ZONE_DMA32, episode->unguarded ? 0 : ratio_default);
	if (episode->edge != WORST_NO_EDGE)
		set_edge(episode->edge_zone, episode->edge);
}

void worst_pool_leave(const struct worst_episode *episode)
{
	mm_set_pcp_high(high_default);
	mm_set_min_free_kbytes(min_default);
	mm_set_lowmem_reserve_ratio(ZONE_DMA32, ratio_default);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		uint64_t opened = untouched_before[zone] - zone_info(zone).untouched;

		if (episode->mode != WORST_FRESH) {
			while (hold_one(zone))
				;
			continue;
		}
		for (opened /= MAX_ORDER_NR_PAGES; opened > 0 && hold_one(zone); opened--)
			;
	}
	drain_all_pages();
}

void worst_pool_close(void)
{
	struct page *page;

	while ((page = pool_get(&small)) != NULL) {
		unsigned int order = (unsigned int)((uintptr_t)page >> 1);

		__free_pages(pool_get(&small), order);
	}
	bench_table_free(&small.table);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		while ((page = pool_get(&virgin[zone])) != NULL)
			__free_pages(page, MAX_PAGE_ORDER);
		while ((page = pool_get(&worn[zone])) != NULL)
			__free_pages(page, MAX_PAGE_ORDER);
		bench_table_free(&virgin[zone].table);
		bench_table_free(&worn[zone].table);
	}
}
