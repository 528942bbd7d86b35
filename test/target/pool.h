/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.h: a test case holds all memory there is, and remembers every block of it.
 *
 * The list of blocks lies in pages taken from the allocator before anything is counted, so no case
 * needs storage that grows with RAM, and the pages under test are not written to. Up to
 * POOL_MAX_PAGES are held page by page; what a larger machine has beyond that is held as blocks of
 * the largest order, so that the allocator is empty in either case.
 */
#ifndef QUARRY_TEST_POOL_H
#define QUARRY_TEST_POOL_H

#include <quarry/mm.h>

#define POOL_CHUNK_SHIFT 19 /* pointers in a block of MAX_PAGE_ORDER */
#define POOL_CHUNKS	 4
#define POOL_MAX_PAGES	 ((unsigned long)POOL_CHUNKS << POOL_CHUNK_SHIFT) /* 8 GiB */

struct pool {
	struct page **chunk[POOL_CHUNKS]; /* single pages, in the order they were allocated */
	unsigned int chunk_order;
	struct page **large; /* blocks of MAX_PAGE_ORDER; NULL if the machine needs none */
	unsigned int large_order;
	unsigned long capacity, count; /* of single pages */
	unsigned long large_capacity, nr_large;
	uint64_t free_before; /* free pages when the lists were in place, caches drained */
};

static inline struct page **pool_slot(const struct pool *pool, unsigned long i)
{
	return &pool->chunk[i >> POOL_CHUNK_SHIFT][i & ((1UL << POOL_CHUNK_SHIFT) - 1)];
}

/* The free blocks of every zone. */
struct picture {
	uint64_t nr_free[MAX_NR_ZONES][NR_PAGE_ORDERS];
};

void picture_take(struct picture *picture); /* drains the caches first */
uint64_t picture_pages(const struct picture *picture);
void picture_expect(const struct picture *expected, const char *file, int line);
#define EXPECT_PICTURE(expected) picture_expect((expected), __FILE__, __LINE__)

uint64_t free_pages_now(void); /* in the buddy, all zones; caches not counted */
uint64_t managed_pages_of(enum zone_type zone);
struct mm_stats stats_now(void);

/* Is this a build without debug options? Then the case is skipped. */
bool skip_without_hooks(void);

/* Blocks of an order that can be had one after the other, by what is free now; drains the caches first. */
uint64_t blocks_to_have(unsigned int order);
/* The largest order of which there is one. A board with little memory, or with much of it reserved, has none of the larger ones. */
unsigned int largest_order(void);

/*
 * Flags of a request whose pages come from a zone with caches of single pages, Normal if it has them. 0 where none has: a
 * zone has them if each CPU's share of 1/256 of it is 8 pages at least.
 */
gfp_t cached_gfp(void);
bool has_caches(enum zone_type zone);
#define NO_CACHES "too little memory for caches of single pages"

/* Make room for the lists. Returns false (and has asserted so) if there was none. */
bool pool_begin(struct pool *pool);
void pool_end(struct pool *pool);

/* Take all memory, until a request for one page is refused. */
void pool_fill(struct pool *pool);
/* Give back what is still held; entries set to NULL have been given back by the case. */
void pool_empty(struct pool *pool);

/* May the page in this slot lie in a cache, by its zone? */
bool pool_cacheable(const struct pool *pool, unsigned long i);
/* The slots of the 2^order pages of an aligned block that may. */
bool pool_find_block(const struct pool *pool, unsigned int order, struct page **slot[]);

/*
 * grab_all() - take every block these flags can get, largest first; the blocks are chained through
 * their first words. Returns the number of pages. grab_release() gives them back.
 */
struct grab {
	struct grab *next;
	unsigned int order;
};
uint64_t grab_all(struct grab **list, gfp_t gfp);
void grab_release(struct grab *list);

/* xorshift64 with the seed of the benchmarks: the same numbers on every machine. */
struct prng {
	uint64_t x;
};
#define PRNG_SEED 88172645463325252ULL
uint64_t prng_next(struct prng *prng);
void pool_shuffle(struct pool *pool, struct prng *prng);

#endif
