/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_slab_refused.c: objects and caches that are refused, whatever it is that fails, leave nothing behind;
 * what leads to caches is checked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/mm.h>
#include <quarry/slab.h>

#include "machine.h"
#include "mm/debug/hooks.h"
#include "mm/slab/slab.h"
#include "mm/state.h"
#include "policy.h"
#include "test/host/port_host.h"

static int a_static_variable;

/* A cache of this name, or a full table: no memory was taken for one more. */
static void a_cache_that_is_refused(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("one", 8, 0, 0, NULL);
	uint64_t hash;

	(void)state;
	assert_int_equal(kmem_cache_free(cache, NULL), 0);
	assert_int_equal(kmem_cache_free(cache, ZERO_SIZE_PTR), 0);
	kmem_shrink();
	hash = mm_state_hash();
	assert_null(kmem_cache_create("one", 16, 0, 0, NULL));
	assert_int_equal(mm_state_hash(), hash);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

/* The word of all there is of objects, or of a cache, from which on this is written. */
static void *find(void *in, const void *const *words, unsigned int nr)
{
	const void **at = in;

	while (memcmp(at, words, nr * sizeof(*words)))
		at++;
	return at;
}

static void expect_found(const char *what)
{
	port_host_log_clear();
	assert_true(mm_check() > 0);
	assert_non_null(strstr(port_host_log_text, what));
}

/* What leads to caches is judged before it is followed. */
static void the_table_of_caches_is_checked(void **state)
{
	const unsigned int of_caches = 2 * MM_KMALLOC_SIZES, mine = of_caches + 1;
	struct kmem_cache *cache = kmem_cache_create("mine", 100, 0, 0, NULL),
			  *other = kmem_cache_create("yours", 100, 0, 0, NULL);
	const void *first[] = {slab_cache(0), slab_cache(1), slab_cache(2)};
	void **places = find(mm.kmem, first, 3);

	(void)state;
	assert_ptr_equal(places[mine], cache);
	assert_ptr_equal(places[mine + 1], other);
	assert_int_equal(mm_check(), 0);
	port_host_log_hook = port_host_capture;
	for (unsigned int i = 0; i < 3; i++) {
		const unsigned int n = i == 0 ? 3 : i == 1 ? of_caches : mine;
		void *right = places[n];
		void *wrong[] = {
			(void *)(uintptr_t)0xdeadbeef0, (char *)right + 8,  (char *)right + 64,
			places[n == 3 ? 4 : 3],		&a_static_variable, NULL};

		for (unsigned int w = 0; w < (n == mine ? 5 : 6); w++) {
			places[n] = wrong[w];
			expect_found("which is no cache");
			places[n] = right;
		}
	}
	places[mine] = other;
	places[mine + 1] = cache;
	expect_found("its number is");
	places[mine] = cache;
	places[mine + 1] = other;
	assert_int_equal(mm_check(), 0);
	for (unsigned int n = 0; n <= mine; n += mine) {
		const void *name = kmem_cache_name(slab_cache(n));
		const void **at = find(slab_cache(n), &name, 1);

		*at = (const void *)(uintptr_t)0x1234;
		expect_found("its name is at 0x1234");
		*at = (const char *)name + 1;
		expect_found("where none was given");
		*at = name;
	}
	/* The mask that leads from an object's state to its head, of 128 bytes. */
	for (int32_t *mask = (int32_t *)(void *)cache;; mask++)
		if (*mask == -128) {
			*mask = -256;
			expect_found("its slabs, heads or stacks");
			*mask = -128;
			break;
		}
	port_host_log_hook = port_host_quiet;
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(kmem_cache_destroy(other), 0);
}

/* Figures keep a name that the cache's owner gives up. */
static void figures_keep_the_name(void **state)
{
	char name[] = "a name that is longer than what is shown of one";
	struct kmem_cache *cache = kmem_cache_create(name, 100, 0, 0, NULL);
	struct slab_info info, found;

	(void)state;
	memset(&found, 0, sizeof(found));
	for (unsigned int n = 0; slab_info(n, &info); n++)
		if (slab_cache(info.place) == cache)
			found = info;
	assert_int_equal(kmem_cache_destroy(cache), 0);
	memset(name, 'x', sizeof(name) - 1);
	assert_string_equal(found.name, "a name that is longer than what");
	assert_int_equal(found.object_size, 100);
}

/* ---- failed calls ----------------------------------------------------------------------------- */

static struct {
	unsigned int at, seen; /* the place that fails, counted from 1; places so far */
	bool and_all_after;
} fault;

static bool fail_here(const char *function, int line)
{
	(void)function;
	(void)line;
	fault.seen++;
	return fault.seen == fault.at || (fault.and_all_after && fault.seen > fault.at);
}

/* What a request for an object returns, with the places failing; true: refused. */
typedef bool request_fn(void);

static void *got; /* what was not refused */
static struct kmem_cache *got_cache;

static bool request_small(void)
{
	return !(got = kmalloc(64, GFP_KERNEL | __GFP_NOWARN));
}

static bool request_slab_of_pages(void)
{
	return !(got = kmalloc(3000, GFP_ATOMIC | __GFP_NOWARN));
}

static bool request_large(void)
{
	return !(got = kmalloc(40000, GFP_KERNEL | __GFP_NOWARN));
}

static bool request_low(void)
{
	return !(got = kmalloc(100, GFP_KERNEL | GFP_DMA32 | __GFP_NOWARN));
}

static bool request_cache(void)
{
	return !(got_cache = kmem_cache_create("first", 24, 0, 0, NULL));
}

/*
 * Each place of a first request fails, alone and with all that follow. Returns refusals. `single`: it is of
 * single pages, and this CPU's caches hold some: all is as it was, bit for bit. Else blocks that come from
 * free lists, and go back, may be in other caches and at other places of the lists.
 */
#define CACHED 2 /* pages: a first request needs more */

static unsigned int fail_all_places(request_fn *request, bool single)
{
	unsigned int refusals = 0;

	for (fault.and_all_after = false;; fault.and_all_after = true) {
		for (fault.at = 1;; fault.at++) {
			const uint64_t before = all_free();
			struct page *pages[CACHED];
			uint64_t hash;
			bool refused;

			if (single) {
				assert_int_equal(alloc_pages_bulk(GFP_KERNEL, CACHED, pages),
						 CACHED);
				assert_int_equal(free_pages_bulk(CACHED, pages), CACHED);
			}
			hash = single ? mm_state_hash() : hash_slabs(0);
			fault.seen = 0;
			mm_fault_point = fail_here;
			refused = request();
			mm_fault_point = NULL;
			refusals += refused;
			if (refused) {
				if ((single ? mm_state_hash() : hash_slabs(0)) != hash)
					fail_msg("place %u%s left a difference", fault.at,
						 fault.and_all_after ? " and all after" : "");
				drain_all_pages();
				assert_int_equal(free_pages_now(), before);
			}
			assert_int_equal(mm_check(), 0);
			kfree(got);
			if (got_cache)
				assert_int_equal(kmem_cache_destroy(got_cache), 0);
			got = NULL;
			got_cache = NULL;
			assert_int_equal(all_free(), before);
			if (fault.seen < fault.at)
				break;
		}
		if (fault.and_all_after)
			return refusals;
	}
}

static void a_first_request_that_fails(void **state)
{
	static const struct {
		request_fn *request;
		bool single;
	} tries[] = {{request_small, true},
		     {request_slab_of_pages, false},
		     {request_large, false},
		     {request_low, true},
		     {request_cache, true}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		assert_true(fail_all_places(tries[i].request, false) > 0);
		if (tries[i].single)
			assert_true(fail_all_places(tries[i].request, true) > 0);
	}
}

#define BULK 32000
#define HELD 200

static void *bulk[BULK], *mine[HELD];

/* Some slabs of the cache are partly free, and some of it lies on this CPU's stack. */
static struct kmem_cache *some_held(size_t size, slab_flags_t flags)
{
	struct kmem_cache *cache = kmem_cache_create("mine", size, 0, flags, NULL);

	assert_int_equal(kmem_cache_alloc_bulk(cache, GFP_KERNEL, HELD, mine), HELD);
	for (unsigned int i = 0; i < HELD; i += 3)
		assert_int_equal(kmem_cache_free(cache, mine[i]), 0);
	return cache;
}

static void end_held(struct kmem_cache *cache)
{
	for (unsigned int i = 0; i < HELD; i++)
		if (i % 3)
			assert_int_equal(kmem_cache_free(cache, mine[i]), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

/* For n objects this CPU's caches have more and more pages, but not enough: all is as it was, bit for bit. */
static void refuse_bulk(struct kmem_cache *cache, size_t n)
{
	enum {
		SPARE = 64
	};
	struct page *pages[SPARE];
	unsigned int refusals = 0;

	for (unsigned int spare = 1; spare <= SPARE; spare++) {
		uint64_t hash;
		size_t got_bulk;

		drain_all_pages();
		assert_int_equal(alloc_pages_bulk(GFP_KERNEL, spare, pages), spare);
		assert_int_equal(free_pages_bulk(spare, pages), spare);
		hash = mm_state_hash();
		fault.seen = 0;
		fault.at = 1;
		fault.and_all_after = true;
		mm_fault_point = fail_here;
		got_bulk = kmem_cache_alloc_bulk(cache, GFP_ATOMIC | __GFP_NOWARN, n, bulk);
		mm_fault_point = NULL;
		refusals += !got_bulk;
		if (!got_bulk && mm_state_hash() != hash)
			fail_msg("%u pages: a difference was left", spare);
		assert_int_equal(mm_check(), 0);
		assert_int_equal(kmem_cache_free_bulk(cache, got_bulk, bulk), got_bulk);
	}
	assert_true(refusals > 50);
	assert_int_equal(kmem_cache_alloc_bulk(cache, GFP_ATOMIC | __GFP_NOWARN, n, bulk), n);
	assert_int_equal(kmem_cache_free_bulk(cache, n, bulk), n);
}

/* Slabs that are made have their heads in two chunks. */
static void a_bulk_request_that_fails(void **state)
{
	struct kmem_cache *cache = some_held(64, 0);

	(void)state;
	refuse_bulk(cache, 6000);
	end_held(cache);
}

/* The same where a chunk without heads is kept: heads begin there, and it is kept again, not one that came later. */
static void a_bulk_request_and_a_kept_chunk(void **state)
{
	struct kmem_cache *cache = some_held(8, 0);

	(void)state;
	assert_int_equal(kmem_cache_alloc_bulk(cache, GFP_KERNEL, 4000, bulk), 4000);
	assert_int_equal(kmem_cache_free_bulk(cache, 4000, bulk), 4000);
	kmem_cache_shrink(cache);
	refuse_bulk(cache, BULK);
	end_held(cache);
}

/*
 * Pages are short, and the shrinkers have this CPU's objects go back to their slabs: they are counted there or here, not
 * twice, so a request that is refused leaves no slab behind that it has made.
 */
static void objects_that_go_back_meanwhile(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("mine", 64, 0, 0, NULL),
			  *other = kmem_cache_create("yours", 64, 0, 0, NULL);
	const size_t in_a_slab = PAGE_SIZE / 64;
	unsigned int pages = 0;
	const size_t here = 7; /* objects on this CPU's stack once its first slab is made */
	void *one;

	(void)state;
	one = kmem_cache_alloc(cache, GFP_KERNEL);
	assert_int_equal(kmem_cache_alloc_bulk(other, GFP_KERNEL, in_a_slab, bulk), in_a_slab);
	assert_int_equal(kmem_cache_free_bulk(other, in_a_slab, bulk), in_a_slab);
	while ((held[pages] = alloc_page((GFP_KERNEL & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN)))
		pages++;
	/* The page of the other's slab is one slab of this, and there is no second one. */
	assert_int_equal(kmem_cache_alloc_bulk(cache, GFP_KERNEL | __GFP_NOWARN,
					       2 * in_a_slab - 1 + here, bulk),
			 0);
	assert_int_equal(cache_info("yours").slabs, 0);
	assert_int_equal(cache_info("mine").slabs, 1);
	while (pages)
		assert_int_equal(__free_page(held[--pages]), 0);
	assert_int_equal(kmem_cache_free(cache, one), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(kmem_cache_destroy(other), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_first_request_that_fails, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(a_bulk_request_that_fails, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(a_bulk_request_and_a_kept_chunk,
						policy_start_objects, policy_stop_objects),
		cmocka_unit_test_setup_teardown(objects_that_go_back_meanwhile,
						policy_start_objects, policy_stop_objects),
		cmocka_unit_test_setup_teardown(a_cache_that_is_refused, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(the_table_of_caches_is_checked,
						policy_start_objects, policy_stop_objects),
		cmocka_unit_test_setup_teardown(figures_keep_the_name, policy_start_objects,
						policy_stop_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
