/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * objects.c: B17, objects: pairs, bursts in three orders of freeing, churn, bulk, and what a million
 * objects hold of memory.
 */
#include <string.h>

#include <quarry/mempool.h>
#include <quarry/slab.h>

#include "test/bench/bench.h"

#define NOINLINE __attribute__((noinline))
#define PAIRS	 10000

static NOINLINE uint64_t no_calls(unsigned long count)
{
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < count; i++)
		__asm__ volatile("" ::: "memory");
	return bench_tock(start);
}

#define CONSTANT(bytes)                                    \
	static NOINLINE uint64_t pairs_##bytes(void)       \
	{                                                  \
		uint64_t start = bench_tick();             \
                                                           \
		for (unsigned long i = 0; i < PAIRS; i++)  \
			kfree(kmalloc(bytes, GFP_KERNEL)); \
		return bench_tock(start);                  \
	}
CONSTANT(8)
CONSTANT(64)
CONSTANT(256)
CONSTANT(1024)
CONSTANT(4096)
CONSTANT(8192)

static NOINLINE uint64_t pairs_variable(size_t size)
{
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < PAIRS; i++)
		kfree(kmalloc(size, GFP_KERNEL));
	return bench_tock(start);
}

static NOINLINE uint64_t pairs_cache(struct kmem_cache *cache)
{
	uint64_t start = bench_tick();

	for (unsigned long i = 0; i < PAIRS; i++)
		kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
	return bench_tock(start);
}

static void pairs(struct kmem_cache *cache)
{
	static const struct {
		const char *name;
		size_t size;
		uint64_t (*constant)(void);
	} sizes[] = {
		{"kmalloc8", 8, pairs_8},	   {"kmalloc64", 64, pairs_64},
		{"kmalloc256", 256, pairs_256},	   {"kmalloc1024", 1024, pairs_1024},
		{"kmalloc4096", 4096, pairs_4096}, {"kmalloc8192", 8192, pairs_8192},
	};
	uint64_t loop = no_calls(PAIRS);

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		sizes[i].constant();
		bench_line(sizes[i].name);
		bench_mean("constant", (int64_t)(sizes[i].constant() - loop), PAIRS);
		bench_mean("variable", (int64_t)(pairs_variable(sizes[i].size) - loop), PAIRS);
		bench_end();
	}
	pairs_cache(cache);
	bench_line("cache192");
	bench_mean("pair", (int64_t)(pairs_cache(cache) - loop), PAIRS);
	bench_end();
}

/* ---- bursts ------------------------------------------------------------------------------------ */

static void shuffle(void **objects, unsigned long n)
{
	while (n > 1) {
		unsigned long k = bench_random() % n--;
		void *object = objects[k];

		objects[k] = objects[n];
		objects[n] = object;
	}
}

/* n objects, freed in this order; two rounds, the second counted. */
static void burst(const char *name, struct kmem_cache *cache, void **objects, unsigned long n,
		  int how)
{
	for (unsigned int round = 0; round < 2; round++) {
		bench_stat_clear(&bench_allocs);
		bench_stat_clear(&bench_frees);
		for (unsigned long i = 0; i < n; i++) {
			uint64_t start = bench_tick();

			objects[i] = kmem_cache_alloc(cache, BENCH_GFP);
			bench_stat_add(&bench_allocs, bench_tock(start));
		}
		if (how == 2)
			shuffle(objects, n);
		for (unsigned long i = 0; i < n; i++) {
			void *object = objects[how == 0 ? n - 1 - i : i];
			uint64_t start = bench_tick();

			kmem_cache_free(cache, object);
			bench_stat_add(&bench_frees, bench_tock(start));
		}
	}
	bench_line(name);
	bench_mean("alloc", (int64_t)bench_allocs.total, bench_allocs.count);
	bench_mean("free", (int64_t)bench_frees.total, bench_frees.count);
	bench_number("max_alloc", bench_allocs.max);
	bench_number("max_free", bench_frees.max);
	bench_end();
	bench_stat_clear(&bench_allocs);
	bench_stat_clear(&bench_frees);
}

#define BULK 64

static void bulk(struct kmem_cache *cache)
{
	static void *objects[BULK];
	uint64_t alloc = 0, free = 0;

	for (unsigned int round = 0; round < 200; round++) {
		uint64_t start = bench_tick(), middle;

		kmem_cache_alloc_bulk(cache, BENCH_GFP, BULK, objects);
		middle = bench_tock(start);
		start = bench_tick();
		kmem_cache_free_bulk(cache, BULK, objects);
		if (round < 100)
			continue;
		free += bench_tock(start);
		alloc += middle;
	}
	bench_line("bulk");
	bench_mean("alloc", (int64_t)alloc, 100 * BULK);
	bench_mean("free", (int64_t)free, 100 * BULK);
	bench_end();
}

/* ---- churn ------------------------------------------------------------------------------------- */

#define SLOTS 4096
#define STEPS 1000000

/* 8 .. 8191 bytes, each octave as often as any other. */
/* ---- a pool whose allocator has nothing: all comes from the reserve, and goes there -------------- */

#define POOL 64

static unsigned char pool_bytes[POOL];
static unsigned int pool_left;

static void *pool_alloc(gfp_t gfp, void *data)
{
	(void)gfp;
	(void)data;
	return pool_left ? &pool_bytes[--pool_left] : NULL;
}

static void pool_free(void *element, void *data)
{
	(void)element;
	(void)data;
}

/* What an element takes, and what it takes to give one back, where each of n is out. */
static void pool_pass(unsigned int n, uint64_t *alloc, uint64_t *free)
{
	static void *taken[POOL];
	uint64_t start;
	mempool_t *pool;

	pool_left = n;
	pool = mempool_create((int)n, pool_alloc, pool_free, NULL);
	for (unsigned int round = 0; pool && round < 3; round++) {
		start = bench_tick();
		for (unsigned int i = 0; i < n; i++)
			taken[i] = mempool_alloc(pool, BENCH_GFP);
		*alloc = bench_tock(start);
		start = bench_tick();
		for (unsigned int i = 0; i < n; i++)
			mempool_free(taken[i], pool);
		*free = bench_tock(start);
	}
	mempool_destroy(pool);
}

static void mempool(void)
{
	uint64_t alloc = 0, free = 0, one = 0;

	pool_pass(1, &alloc, &one);
	pool_pass(POOL, &alloc, &free);
	bench_line("mempool");
	bench_mean("alloc", (int64_t)alloc, POOL);
	bench_mean("free", (int64_t)one, 1);
	/* The reserve is looked through: elements that lie there, over all calls. */
	bench_mean("element", (int64_t)free - (int64_t)one * POOL, POOL * (POOL - 1) / 2);
	bench_end();
}

static size_t draw_size(uint64_t random)
{
	unsigned int octave = 3 + (unsigned int)((random >> 32) % 10);

	return ((size_t)1 << octave) + ((random >> 44) & (((size_t)1 << octave) - 1));
}

static void churn(void **slots)
{
	memset(slots, 0, SLOTS * sizeof(*slots));
	bench_window();
	for (unsigned long step = 0; step < STEPS; step++) {
		uint64_t random = bench_random(), start;
		unsigned int slot = (unsigned int)(random % SLOTS);
		void *object = slots[slot];

		if (object) {
			start = bench_tick();
			kfree(object);
			bench_stat_add(&bench_frees, bench_tock(start));
			slots[slot] = NULL;
		} else {
			size_t size = draw_size(random);

			start = bench_tick();
			object = kmalloc(size, BENCH_GFP);
			bench_stat_add(&bench_allocs, bench_tock(start));
			slots[slot] = object;
		}
	}
	bench_window_end("mean", (unsigned long)(bench_allocs.count + bench_frees.count));
	for (unsigned int slot = 0; slot < SLOTS; slot++)
		kfree(slots[slot]);
	bench_line("churn");
	bench_mean("mean", (int64_t)(bench_allocs.total + bench_frees.total),
		   bench_allocs.count + bench_frees.count);
	bench_number("max_alloc", bench_allocs.max);
	bench_number("max_free", bench_frees.max);
	bench_end();
	bench_stat_clear(&bench_allocs);
	bench_stat_clear(&bench_frees);
}

/* ---- what a million objects hold --------------------------------------------------------------- */

static uint64_t pages_free(void)
{
	drain_all_pages();
	return bench_free_pages();
}

struct held {
	void *object;
	size_t size;
};

#define HELD_OBJECTS 1000000UL
#define HELD_BLOCK   (KMALLOC_MAX_SIZE / sizeof(struct held)) /* of the table, which is four blocks */
static struct held *held_blocks[4];

static struct held *held_at(unsigned long i)
{
	return &held_blocks[i / HELD_BLOCK][i % HELD_BLOCK];
}

static void held_fill(unsigned long n, uint64_t before)
{
	uint64_t asked = 0;
	unsigned long count = 0;

	for (; count < n; count++) {
		struct held *held = held_at(count);

		held->size = 8 + bench_random() % 1016;
		held->object = kmalloc(held->size, BENCH_GFP);
		if (!held->object)
			break;
		asked += held->size;
	}
	bench_plain("objects", count);
	bench_ratio("full", (before - pages_free()) * PAGE_SIZE * 100, asked);
	while (count < n)
		held_at(count++)->object = NULL;
}

static void held(unsigned long n)
{
	uint64_t before = pages_free(), left = 0, start;

	bench_line("held");
	held_fill(n, before);
	for (unsigned long i = 0; i < n; i++) {
		struct held *held = held_at(i);

		if (bench_random() & 1) {
			kfree(held->object);
			held->object = NULL;
		} else if (held->object) {
			left += held->size;
		}
	}
	bench_ratio("half", (before - pages_free()) * PAGE_SIZE * 100, left);
	for (unsigned long i = 0; i < n; i++) {
		void *object = held_at(i)->object;

		if (!object)
			continue;
		start = bench_tick();
		kfree(object);
		bench_stat_add(&bench_frees, bench_tock(start));
	}
	bench_plain("pages_after", before - pages_free());
	bench_number("max_free", bench_frees.max);
	bench_end();
	bench_stat_clear(&bench_frees);
}

static void bursts(struct kmem_cache *cache)
{
	void **objects = (void **)(void *)held_blocks[0];

	burst("lifo1000", cache, objects, 1000, 0);
	burst("fifo1000", cache, objects, 1000, 1);
	burst("shuffled1000", cache, objects, 1000, 2);
	burst("lifo30000", cache, objects, 30000, 0);
	burst("fifo30000", cache, objects, 30000, 1);
	burst("shuffled30000", cache, objects, 30000, 2);
	bulk(cache);
	mempool();
	churn(objects);
}

const char *bench_objects(void)
{
	/* A million where there is room, else as many as a quarter of memory has room for. */
	unsigned long n = (unsigned long)(bench_free_pages() * PAGE_SIZE / 4 / 640), blocks = 0;
	struct kmem_cache *cache = kmem_cache_create("bench-192", 192, 0, 0, NULL);

	if (!cache)
		return "no room for its cache";
	if (bench_free_pages() > (768UL << 20) / PAGE_SIZE)
		n = HELD_OBJECTS;
	while (blocks * HELD_BLOCK < n &&
	       (held_blocks[blocks] = kmalloc(KMALLOC_MAX_SIZE, BENCH_GFP)))
		blocks++;
	if (blocks && blocks * HELD_BLOCK >= n) {
		pairs(cache);
		bursts(cache);
		kmem_shrink();
		held(n);
	}
	while (blocks--)
		kfree(held_blocks[blocks]);
	kmem_cache_destroy(cache);
	kmem_release();
	return NULL;
}
