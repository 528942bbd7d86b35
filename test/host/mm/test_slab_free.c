/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_slab_free.c: what kmem_cache_free() and kmem_cache_free_bulk() take for an object: exactly the cache's
 * objects in use, wherever this CPU's newest object lies; and no object is lost where a stack is full, or
 * there is none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/mm.h>
#include <quarry/slab.h>
#include <quarry/slab_debug.h>

#include "policy.h"
#include "test/host/port_host.h"

#define MOST 6000

static void *mine[MOST], *yours[MOST], *spare[MOST];

static uint64_t refused(void)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < NR_MISUSES; kind++)
		sum += stats_now().misuse[kind];
	return sum;
}

static void shuffle(void **objects, unsigned int n, uint64_t *seed)
{
	while (n > 1) {
		unsigned int k = (unsigned int)(host_random(seed) % n--);
		void *object = objects[k];

		objects[k] = objects[n];
		objects[n] = object;
	}
}

/* ---- addresses near to the newest object ------------------------------------------------------- */

#define WINDOW (4 * PAGE_SIZE)

/* Which of the n objects starts there; n: none. */
static unsigned int starts(void *const *objects, unsigned int n, uintptr_t address)
{
	unsigned int i = 0;

	while (i < n && (uintptr_t)objects[i] != address)
		i++;
	return i;
}

/*
 * Two caches of one size, whose slabs lie among each other and among pages of others. Each address around
 * an object that was just freed is given to the one cache: its objects in use are freed, all else is refused.
 */
static void each_address(size_t size, slab_flags_t flags)
{
	struct kmem_cache *a = kmem_cache_create("mine", size, 0, flags, NULL);
	struct kmem_cache *b = kmem_cache_create("yours", size, 0, flags, NULL);
	const size_t stride = cache_info("mine").size;
	const unsigned int n = (unsigned int)(2 * WINDOW / stride) + 40;
	unsigned int freed = 0, left = 0;
	uint64_t count = refused(), hash;
	struct page *page[8];
	uintptr_t window;
	int error;

	for (unsigned int i = 0; i < n; i++) {
		mine[i] = kmem_cache_alloc(a, GFP_KERNEL);
		yours[i] = kmem_cache_alloc(b, GFP_KERNEL);
		assert_true(mine[i] && yours[i]);
		if (i % (n / 8) == 0 && i / (n / 8) < 8)
			page[i / (n / 8)] = alloc_page(GFP_KERNEL);
	}
	window = (uintptr_t)mine[n / 2] & ~(WINDOW - 1);
	/* Some of the window are free already, the last one is this CPU's newest. */
	for (unsigned int i = n; i-- > 0;)
		if ((uintptr_t)mine[i] - window < WINDOW && i % 3 == 0) {
			assert_int_equal(kmem_cache_free(a, mine[i]), 0);
			mine[i] = NULL;
		}
	for (uintptr_t address = window; address < window + WINDOW; address++) {
		unsigned int i = address % 8 ? n : starts(mine, n, address);

		if (address % 8 && address % 61)
			continue;
		error = kmem_cache_free(a, (void *)address);
		if (i == n) {
			assert_true(error < 0);
			assert_int_equal(refused(), ++count);
			continue;
		}
		assert_int_equal(error, 0);
		freed++;
		hash = mm_state_hash();
		assert_int_equal(kmem_cache_free(a, mine[i]), -EALREADY);
		assert_int_equal(kmem_cache_free(b, mine[i]), -EINVAL);
		count += 2;
		assert_int_equal(mm_state_hash(), hash);
		mine[i] = NULL;
	}
	assert_true(freed > 0);
	assert_int_equal(mm_check(), 0);
	for (unsigned int i = 0; i < n; i++) {
		left += mine[i] != NULL;
		assert_int_equal(kmem_cache_free(b, yours[i]), 0);
	}
	assert_int_equal(cache_info("mine").active, left);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(mine[i] ? kmem_cache_free(a, mine[i]) : 0, 0);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(__free_page(page[i]), 0);
	assert_int_equal(refused(), count);
	assert_int_equal(kmem_cache_destroy(a), 0);
	assert_int_equal(kmem_cache_destroy(b), 0);
}

static void near_the_newest(void **state)
{
	static const size_t sizes[] = {8, 24, 64, 96, 192, 328, 1000, 3000, 8192};

	(void)state;
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		each_address(sizes[i], 0);
}

static void near_with_options(void **state)
{
	(void)state;
	each_address(40, SLAB_DEBUG_FLAGS & ~MM_SLAB_QUARANTINE);
	each_address(640, SLAB_STORE_USER);
}

/* No object is near where a stack is empty, or there is none: the first addresses there are. */
static void near_to_none(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("mine", 64, 0, 0, NULL);

	(void)state;
	for (unsigned int round = 0; round < 2; round++) {
		assert_int_equal(kmem_cache_free(cache, NULL), 0);
		for (uintptr_t address = 17; address < WINDOW; address += address < 80 ? 1 : 61)
			assert_int_equal(kmem_cache_free(cache, (void *)address), -EFAULT);
		mine[0] = kmem_cache_alloc(cache, GFP_KERNEL);
		assert_int_equal(kmem_cache_free(cache, mine[0]), 0);
		assert_true(kmem_cache_shrink(cache) > 0); /* the stack stays */
	}
	assert_int_equal(mm_check(), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

/* ---- in bulk ----------------------------------------------------------------------------------- */

/* Runs of any length come out of slabs with any holes, and go back; nobody has what another has. */
static void bulk_of(size_t size, slab_flags_t flags, uint64_t seed)
{
	struct kmem_cache *cache = kmem_cache_create("mine", size, 0, flags, NULL);
	unsigned int have = 0;

	for (unsigned int round = 0; round < 200; round++) {
		unsigned int n = 1 + (unsigned int)(host_random(&seed) % 150);

		if (have + n <= MOST && (have < 200 || host_random(&seed) % 2)) {
			assert_int_equal(kmem_cache_alloc_bulk(cache, GFP_KERNEL, n, mine + have),
					 n);
			for (unsigned int i = have; i < have + n; i++)
				*(uint64_t *)mine[i] = (uintptr_t)mine[i];
			have += n;
		} else {
			n = n < have ? n : have;
			if (host_random(&seed) % 2)
				shuffle(mine, have, &seed);
			assert_int_equal(kmem_cache_free_bulk(cache, n, mine + have - n), n);
			have -= n;
		}
		assert_int_equal(cache_info("mine").active, have);
		for (unsigned int i = 0; i < have; i++)
			assert_int_equal(*(uint64_t *)mine[i], (uintptr_t)mine[i]);
		for (unsigned int i = 0; i < have; i++)
			*(uint64_t *)mine[i] = i;
		for (unsigned int i = 0; i < have; i++) {
			assert_int_equal(*(uint64_t *)mine[i], i);
			*(uint64_t *)mine[i] = (uintptr_t)mine[i];
		}
		if (round % 8 == 0)
			assert_int_equal(mm_check(), 0);
	}
	assert_int_equal(kmem_cache_free_bulk(cache, have, mine), have);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

static void bulk(void **state)
{
	(void)state;
	bulk_of(8, 0, 1);
	bulk_of(64, 0, 2);
	bulk_of(104, 0, 3);
	bulk_of(2048, 0, 4);
	bulk_of(64, SLAB_CONSISTENCY_CHECKS, 5);
}

/* In a bulk: one twice, next to each other or not, what lies within one, NULL, another cache's, what is free. */
static void bulk_with(size_t size, unsigned int n, unsigned int at, unsigned int what)
{
	struct kmem_cache *a = kmem_cache_create("mine", size, 0, 0, NULL);
	struct kmem_cache *b = kmem_cache_create("yours", size, 0, 0, NULL);
	void *other = kmem_cache_alloc(b, GFP_KERNEL), *wrong[6], *stacked;
	uint64_t count = refused();

	assert_int_equal(kmem_cache_alloc_bulk(a, GFP_KERNEL, n + 2, mine), n + 2);
	stacked = mine[n];
	assert_int_equal(kmem_cache_free(a, stacked), 0);
	wrong[0] = mine[at ? at - 1 : 0]; /* the second of two, next to each other */
	wrong[1] = mine[0];
	wrong[2] = (char *)mine[n + 1] + size / 2; /* which stays in use */
	wrong[3] = other;
	wrong[4] = stacked;
	wrong[5] = NULL;
	memcpy(spare, mine, at * sizeof(*mine));
	spare[at] = wrong[what];
	memcpy(spare + at + 1, mine + at, (n - at) * sizeof(*mine));
	assert_int_equal(kmem_cache_free_bulk(a, n + 1, spare), n);
	assert_int_equal(refused(), count + (what < 5));
	assert_int_equal(cache_info("mine").active, 1);
	assert_int_equal(mm_check(), 0);
	assert_int_equal(kmem_cache_free_bulk(a, n, mine), 0);
	assert_int_equal(refused(), count + (what < 5) + n);
	assert_int_equal(kmem_cache_free(b, other), 0);
	assert_int_equal(kmem_cache_free(a, mine[n + 1]), 0);
	assert_int_equal(mm_check(), 0);
	assert_int_equal(kmem_cache_destroy(a), 0);
	assert_int_equal(kmem_cache_destroy(b), 0);
}

static void bulk_with_misuse(void **state)
{
	static const unsigned int lengths[] = {1, 5, 31, 32, 33, 47, 48, 49, 100};

	(void)state;
	for (unsigned int l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++)
		for (unsigned int what = 0; what < 6; what++)
			for (unsigned int at = 0; at <= lengths[l]; at += 1 + lengths[l] / 4) {
				bulk_with(16, lengths[l], at, what);
				bulk_with(128, lengths[l], at, what);
			}
}

/* ---- what is said of their pages --------------------------------------------------------------- */

/* They have no references, as cached pages; but they are in use, and whoever wants them is told so. */
static void pages_are_in_use(void **state)
{
	void *object[] = {kmalloc(64, GFP_KERNEL), kmalloc(40000, GFP_KERNEL)};
	struct page_info info;

	(void)state;
	port_host_log_hook = port_host_capture;
	for (unsigned int i = 0; i < 2; i++) {
		pfn_t pfn = page_to_pfn(virt_to_page(object[i]));

		assert_int_equal(mm_page_info(pfn, &info), 0);
		assert_int_equal(info.state, PAGE_SLAB);
		assert_false(info.in_pcp);
		port_host_log_clear();
		assert_int_equal(alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE, GFP_KERNEL),
				 -EBUSY);
		assert_non_null(strstr(port_host_log_text, " is in use (block "));
		assert_int_equal(kfree(object[i]), 0);
	}
	port_host_log_hook = port_host_quiet;
}

/* ---- stacks that are full, or not there -------------------------------------------------------- */

/* Each free makes one object free, and all memory comes back, in whatever order: slabs become empty all the time. */
static void all_freed(size_t size, unsigned int n, unsigned int order, uint64_t seed)
{
	struct kmem_cache *cache = kmem_cache_create("mine", size, 0, 0, NULL);

	for (unsigned int i = 0; i < n; i++) {
		mine[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		assert_non_null(mine[i]);
	}
	if (order == 2)
		shuffle(mine, n, &seed);
	for (unsigned int left = n; left-- > 0;) {
		void *object = mine[order == 0 ? left : n - 1 - left];

		assert_int_equal(left % 2 ? kfree(object) : kmem_cache_free(cache, object), 0);
		assert_int_equal(cache_info("mine").active, left);
		if (left % 16 == 0 || left < 100)
			assert_int_equal(mm_check(), 0);
	}
	kmem_cache_shrink(cache);
	assert_int_equal(cache_info("mine").slabs, 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

static void full_stacks(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < 3; order++) {
		all_freed(16, 3000, order, 1);
		all_freed(256, 600, order, 2);
		all_freed(320, 500, order, 3);
		all_freed(2048, 300, order, 4);
		all_freed(8192, 200, order, 5);
	}
}

/* As slabs of as few pages as can be: each is empty when its one object is free. */
static void full_stacks_of_single_objects(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("mine", 4096, 0, 0, NULL);
	unsigned int n = 0;

	(void)state;
	take_all(GFP_KERNEL | __GFP_NOWARN, 0);
	give_odd(); /* no block of two pages is left */
	while (n < 200 && (mine[n] = kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NOWARN)))
		n++;
	assert_int_equal(n, 200);
	assert_int_equal(cache_info("mine").slabs, n);
	while (n-- > 0) {
		assert_int_equal(kmem_cache_free(cache, mine[n]), 0);
		assert_int_equal(cache_info("mine").active, n);
		assert_int_equal(mm_check(), 0);
	}
	give_all();
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

/* No page for this CPU's stacks: each object goes to its slab, and each slab that is due back, too. */
static void no_stacks(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("mine", 1000, 0, 0, NULL);
	const unsigned int n = 200;

	(void)state;
	for (unsigned int i = 0; i < n; i++)
		mine[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	kmem_cpu_end();
	take_all(GFP_ATOMIC | __GFP_NOWARN, 0);
	for (unsigned int i = 0; i < n; i++) {
		take_all(GFP_ATOMIC | __GFP_NOWARN, 0); /* slabs that went back */
		assert_int_equal(kmem_cache_free(cache, mine[i]), 0);
		assert_int_equal(cache_info("mine").active, n - 1 - i);
		assert_int_equal(mm_check(), 0);
		assert_int_equal(kmem_cache_free(cache, mine[i]), -EALREADY);
	}
	give_all();
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

/*
 * Of slabs that become empty at once most stay: they are not given to a request that may not wait, and all to
 * one that may, before it is refused.
 */
static void empty_slabs_stay(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("mine", 2048, 0, 0, NULL);
	unsigned int n = 0, pages = 0;
	uint64_t slabs, seed = 6;

	(void)state;
	while (n < 1000 && (mine[n] = kmem_cache_alloc(cache, GFP_KERNEL)))
		n++;
	take_all(GFP_ATOMIC | __GFP_NOWARN, 0);
	shuffle(mine, n, &seed);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(kmem_cache_free(cache, mine[i]), 0);
	take_all(GFP_ATOMIC | __GFP_NOWARN, 0); /* slabs that went back as objects were freed */
	slabs = cache_info("mine").slabs;
	assert_true(slabs > 20);
	assert_null(alloc_page(GFP_ATOMIC | __GFP_NOWARN));
	assert_int_equal(cache_info("mine").slabs, slabs);
	while (pages < MOST && (spare[pages] = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		pages++;
	assert_int_equal(cache_info("mine").slabs, 0);
	assert_true(pages > slabs);
	while (pages)
		assert_int_equal(__free_page(spare[--pages]), 0);
	give_all();
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

/* Those of all caches are no more than a part of memory, even where one free in eight makes a slab empty. */
static void no_more_than_a_part_stays(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("mine", 256, 0, 0, NULL);
	const unsigned int part = 64 * 256 / 256; /* of 64 MiB */
	struct slab_info info;
	unsigned int n = 0;

	(void)state;
	while (n < MOST && (mine[n] = kmem_cache_alloc(cache, GFP_KERNEL)))
		n++;
	assert_int_equal(n, MOST);
	assert_true(cache_info("mine").slabs > 5 * part);
	for (unsigned int odd = 0; odd < 2; odd++)
		for (unsigned int i = odd; i < n; i += 2)
			assert_int_equal(kmem_cache_free(cache, mine[i]), 0);
	info = cache_info("mine");
	assert_true(info.slabs - info.active_slabs <= part + 8);
	assert_int_equal(mm_check(), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, policy_start_objects, policy_stop_objects)
	const struct CMUnitTest tests[] = {
		CASE(near_the_newest),
		CASE(near_with_options),
		CASE(near_to_none),
		CASE(bulk),
		CASE(bulk_with_misuse),
		CASE(pages_are_in_use),
		CASE(full_stacks),
		CASE(full_stacks_of_single_objects),
		CASE(no_stacks),
		CASE(empty_slabs_stay),
		CASE(no_more_than_a_part_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
