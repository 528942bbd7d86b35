// SPDX-License-Identifier: BSD-2-Clause
/*
 * pool.c: see pool.h.
 */
#include "pool.h"
#include "ktap.h"

#define QUIET (GFP_KERNEL | __GFP_NOWARN)

uint64_t free_pages_now(void)
{
	uint64_t free = 0;
	struct zone_info info;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		free += info.free - info.nr_free_cma; /* those serve movable requests alone */
	}
	return free;
}

struct mm_stats stats_now(void)
{
	struct mm_stats now;

	mm_get_stats(&now);
	return now;
}

bool skip_without_hooks(void)
{
	if (!CONFIG_DEBUG_HOOKS)
		test_skip("CONFIG_DEBUG_HOOKS is 0");
	return !CONFIG_DEBUG_HOOKS;
}

uint64_t managed_pages_of(enum zone_type zone)
{
	struct zone_info info;

	mm_zone_info(zone, &info);
	return info.managed;
}

uint64_t blocks_to_have(unsigned int order)
{
	struct picture picture;
	uint64_t blocks = 0;

	picture_take(&picture);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		for (unsigned int i = order; i < NR_PAGE_ORDERS; i++)
			blocks += picture.nr_free[zone][i] << (i - order);
	return blocks;
}

unsigned int largest_order(void)
{
	unsigned int order = MAX_PAGE_ORDER;

	while (order > 0 && blocks_to_have(order) == 0)
		order--;
	return order;
}

bool has_caches(enum zone_type zone)
{
	struct pcp_info info;
	bool has = false;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		has |= info.zone == (uint32_t)zone && !info.order && info.capacity;
	return has;
}

gfp_t cached_gfp(void)
{
	if (has_caches(ZONE_NORMAL))
		return GFP_KERNEL;
	return has_caches(ZONE_DMA32) ? GFP_KERNEL | GFP_DMA32 : 0;
}

void picture_take(struct picture *picture)
{
	drain_all_pages();
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		mm_buddyinfo((enum zone_type)zone, picture->nr_free[zone]);
}

uint64_t picture_pages(const struct picture *picture)
{
	uint64_t pages = 0;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			pages += picture->nr_free[zone][order] << order;
	return pages;
}

void picture_expect(const struct picture *expected, const char *file, int line)
{
	struct picture now;

	picture_take(&now);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			if (!test_expect_eq(expected->nr_free[zone][order],
					    now.nr_free[zone][order], file, line, "free blocks"))
				test_note("  in zone %d, order %u", zone, order);
}

static struct page **list_alloc(unsigned long count, unsigned int *order)
{
	*order = 0;
	while ((PAGE_SIZE << *order) < count * sizeof(struct page *))
		(*order)++;
	return (struct page **)__get_free_pages(GFP_KERNEL, *order);
}

bool pool_begin(struct pool *pool)
{
	const unsigned long chunk = 1UL << POOL_CHUNK_SHIFT;
	uint64_t free;

	*pool = (struct pool){0};
	drain_all_pages();
	free = free_pages_now();
	if (free > POOL_MAX_PAGES) {
		pool->large_capacity = (free - POOL_MAX_PAGES) / MAX_ORDER_NR_PAGES + 1;
		pool->large = list_alloc(pool->large_capacity, &pool->large_order);
		if (!EXPECT(pool->large != NULL))
			return false;
		free = POOL_MAX_PAGES;
	}
	while (pool->capacity < free) {
		unsigned long want = free < chunk ? free : chunk;
		struct page **list = list_alloc(want, &pool->chunk_order);

		if (!EXPECT(list != NULL)) {
			pool_end(pool);
			return false;
		}
		pool->chunk[pool->capacity >> POOL_CHUNK_SHIFT] = list;
		pool->capacity += want;
	}
	drain_all_pages();
	pool->free_before = free_pages_now();
	return true;
}

void pool_end(struct pool *pool)
{
	for (int i = 0; i < POOL_CHUNKS; i++)
		free_pages((unsigned long)pool->chunk[i], pool->chunk_order);
	free_pages((unsigned long)pool->large, pool->large_order);
}

void pool_fill(struct pool *pool)
{
	struct page *page;

	pool->count = 0;
	pool->nr_large = 0;
	while (pool->nr_large < pool->large_capacity && free_pages_now() > pool->capacity) {
		page = alloc_pages(QUIET, MAX_PAGE_ORDER);
		if (!page)
			break;
		pool->large[pool->nr_large++] = page;
	}
	while ((page = alloc_pages(QUIET, 0)) != NULL) {
		if (!EXPECT(pool->count < pool->capacity)) {
			__free_page(page);
			break;
		}
		*pool_slot(pool, pool->count++) = page;
	}
	EXPECT_EQ(pool->free_before, pool->count + (pool->nr_large << MAX_PAGE_ORDER));
	EXPECT_EQ(0, free_pages_now());
}

void pool_empty(struct pool *pool)
{
	for (unsigned long i = 0; i < pool->count; i++)
		if (*pool_slot(pool, i))
			EXPECT_EQ(0, __free_page(*pool_slot(pool, i)));
	for (unsigned long i = 0; i < pool->nr_large; i++)
		EXPECT_EQ(0, __free_pages(pool->large[i], MAX_PAGE_ORDER));
	pool->count = 0;
	pool->nr_large = 0;
}

bool pool_cacheable(const struct pool *pool, unsigned long i)
{
	struct page_info info;

	return mm_page_info(page_to_pfn(*pool_slot(pool, i)), &info) == 0 && has_caches(info.zone);
}

bool pool_find_block(const struct pool *pool, unsigned int order, struct page **slot[])
{
	const unsigned long pages = 1UL << order;

	for (unsigned long first = 0; first < pool->count; first++) {
		pfn_t pfn = page_to_pfn(*pool_slot(pool, first));
		unsigned long found = 0;

		if (pfn % pages != 0 || !pool_cacheable(pool, first))
			continue;
		for (unsigned long i = 0; i < pool->count && found < pages; i++) {
			pfn_t other = page_to_pfn(*pool_slot(pool, i));

			if (other - pfn < pages) {
				slot[other - pfn] = pool_slot(pool, i);
				found++;
			}
		}
		if (found == pages)
			return true;
	}
	return false;
}

uint64_t grab_all(struct grab **list, gfp_t gfp)
{
	uint64_t pages = 0;

	drain_all_pages();
	*list = NULL;
	for (int order = MAX_PAGE_ORDER; order >= 0; order--) {
		struct page *page;

		while ((page = alloc_pages(gfp | __GFP_NOWARN, (unsigned int)order)) != NULL) {
			struct grab *grab = page_address(page);

			grab->next = *list;
			grab->order = (unsigned int)order;
			*list = grab;
			pages += 1UL << order;
		}
	}
	return pages;
}

void grab_release(struct grab *list)
{
	while (list) {
		struct grab *next = list->next;

		EXPECT_EQ(0, free_pages((unsigned long)list, list->order));
		list = next;
	}
}

uint64_t prng_next(struct prng *prng)
{
	prng->x ^= prng->x << 13;
	prng->x ^= prng->x >> 7;
	prng->x ^= prng->x << 17;
	return prng->x;
}

/* Fisher-Yates. */
void pool_shuffle(struct pool *pool, struct prng *prng)
{
	for (unsigned long i = pool->count; i > 1; i--) {
		struct page **a = pool_slot(pool, i - 1);
		struct page **b = pool_slot(pool, (unsigned long)(prng_next(prng) % i));
		struct page *swap = *a;

		*a = *b;
		*b = swap;
	}
}
