/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mempool.c: the minimum of a pool can be had when nothing else can; what is not the pool's is not
 * taken back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/mempool.h>
#include <quarry/mm.h>

#include "machine.h"
#include "policy.h"
#include "test/host/port_host.h"

/* ---- an allocator that is told how much it has -------------------------------------------------- */

static struct {
	unsigned int left, out;
	gfp_t gfp; /* of the last request */
} counted;

static void *counted_alloc(gfp_t gfp, void *data)
{
	counted.gfp = gfp;
	assert_ptr_equal(data, &counted);
	if (!counted.left)
		return NULL;
	counted.left--;
	counted.out++;
	return malloc(8);
}

static void counted_free(void *element, void *data)
{
	assert_ptr_equal(data, &counted);
	counted.left++;
	counted.out--;
	free(element);
}

static void the_minimum_is_there(void **state)
{
	void *taken[10];
	mempool_t *pool;

	(void)state;
	counted.left = 3;
	assert_null(mempool_create(4, counted_alloc, counted_free, &counted));
	assert_int_equal(counted.out, 0);
	counted.left = 6;
	pool = mempool_create(4, counted_alloc, counted_free, &counted);
	assert_non_null(pool);
	assert_int_equal(counted.out, 4);
	for (unsigned int n = 0; n < 6; n++)
		assert_non_null(taken[n] = mempool_alloc(pool, GFP_KERNEL));
	/* It never waits, and what it asks for needs no reserve of pages. */
	assert_int_equal(counted.gfp & (__GFP_DIRECT_RECLAIM | __GFP_NOMEMALLOC | __GFP_NOWARN),
			 __GFP_NOMEMALLOC | __GFP_NOWARN);
	assert_null(mempool_alloc(pool, GFP_KERNEL));
	assert_int_equal(mempool_destroy(pool), -EBUSY);
	/* The reserve is filled before the allocator gets some back. */
	for (unsigned int n = 0; n < 4; n++)
		assert_int_equal(mempool_free(taken[n], pool), 0);
	assert_int_equal(counted.left, 0);
	for (unsigned int n = 4; n < 6; n++)
		assert_int_equal(mempool_free(taken[n], pool), 0);
	assert_int_equal(counted.left, 2);
	assert_int_equal(mempool_destroy(pool), 0);
	assert_int_equal(counted.out, 0);
}

static void resized(void **state)
{
	void *taken[20];
	mempool_t *pool;

	(void)state;
	counted.left = 10;
	pool = mempool_create(4, counted_alloc, counted_free, &counted);
	taken[0] = mempool_alloc(pool, GFP_ATOMIC);
	assert_int_equal(mempool_resize(pool, 0), -EINVAL);
	assert_int_equal(mempool_resize(pool, 65536), -EINVAL);
	assert_int_equal(mempool_resize(pool, 12), -ENOMEM);
	assert_int_equal(counted.out, 5);
	assert_int_equal(mempool_resize(pool, 8), 0);
	assert_int_equal(counted.out, 9);
	assert_int_equal(counted.left, 1);
	for (unsigned int n = 1; n < 10; n++)
		assert_non_null(taken[n] = mempool_alloc(pool, GFP_ATOMIC));
	assert_null(mempool_alloc(pool, GFP_ATOMIC));
	/* With elements taken the reserve lacks some: it is not more than the minimum, once they are back. */
	assert_int_equal(mempool_resize(pool, 2), 0);
	for (unsigned int n = 0; n < 10; n++)
		assert_int_equal(mempool_free(taken[n], pool), 0);
	assert_int_equal(counted.out, 2);
	assert_int_equal(mempool_resize(pool, 5), 0);
	assert_int_equal(counted.out, 5);
	assert_int_equal(mempool_resize(pool, 1), 0);
	assert_int_equal(counted.out, 1);
	assert_int_equal(mempool_destroy(pool), 0);
	assert_int_equal(counted.out, 0);
}

/* While a pool shrinks, others give back more than it lacks: the reserve has room for no more than it had. */
static struct {
	mempool_t *pool;
	void *element[4];
	unsigned int nr, freed;
} late;

static void *late_alloc(gfp_t gfp, void *data)
{
	(void)gfp, (void)data;
	return malloc(8);
}

static void late_free(void *element, void *data)
{
	(void)data;
	late.freed++;
	free(element);
	while (late.nr)
		assert_int_equal(mempool_free(late.element[--late.nr], late.pool), 0);
}

static void shrinks_while_others_free(void **state)
{
	enum {
		BESIDE = 200
	};
	static unsigned char *beside[BESIDE]; /* objects of the reserve's size, all around it */

	(void)state;
	late.freed = 0;
	late.pool = mempool_create(4, late_alloc, late_free, NULL);
	for (unsigned int n = 0; n < BESIDE; n++) {
		beside[n] = kmalloc(4 * sizeof(void *), GFP_KERNEL);
		memset(beside[n], 0x5a, 4 * sizeof(void *));
	}
	for (unsigned int n = 0; n < 4; n++)
		assert_non_null(late.element[n] = mempool_alloc(late.pool, GFP_ATOMIC));
	late.nr = 4;
	assert_int_equal(mempool_resize(late.pool, 1), 0);
	/* Of eight elements one stays, and none was in a place that is another's. */
	assert_int_equal(late.freed, 7);
	for (unsigned int n = 0; n < BESIDE; n++) {
		for (unsigned int i = 0; i < 4 * sizeof(void *); i++)
			assert_int_equal(beside[n][i], 0x5a);
		assert_int_equal(kfree(beside[n]), 0);
	}
	assert_int_equal(mempool_destroy(late.pool), 0);
	assert_int_equal(late.freed, 8);
}

/* ---- pools of objects ----------------------------------------------------------------------------- */

static void expect_refused(int error, int wanted, const char *why)
{
	assert_int_equal(error, wanted);
	assert_non_null(strstr(port_host_log_text, why));
	port_host_log_clear();
}

static void misuse_is_named(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("elements", 40, 0, 0, NULL);
	mempool_t *objects = mempool_create_kmalloc_pool(3, 100),
		  *slab = mempool_create_slab_pool(2, cache);
	char *a = mempool_alloc(objects, GFP_KERNEL), *b = mempool_alloc(slab, GFP_KERNEL);
	void *larger = kmalloc(2000, GFP_KERNEL), *pages = kmalloc(20000, GFP_KERNEL);
	uint64_t hash;

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	hash = mm_state_hash();
	expect_refused(mempool_free(a + 8, objects), -EINVAL, "not taken from this pool");
	expect_refused(mempool_free(&hash, objects), -EINVAL, "not taken from this pool");
	expect_refused(mempool_free(a, slab), -EINVAL, "not taken from this pool");
	expect_refused(mempool_free(b, objects), -EINVAL, "not taken from this pool");
	expect_refused(mempool_free(larger, objects), -EINVAL, "not taken from this pool");
	expect_refused(mempool_free(pages, objects), -EINVAL, "not taken from this pool");
	expect_refused(mempool_destroy(objects), -EBUSY, "1 elements are taken");
	assert_int_equal(mm_state_hash(), hash);
	assert_int_equal(mempool_free(NULL, objects), 0);
	/* The reserve is full: back to the allocator, which knows a free object. */
	assert_int_equal(mempool_free(a, objects), 0);
	expect_refused(mempool_free(a, objects), -EINVAL, "not taken from this pool");
	assert_int_equal(mempool_free(b, slab), 0);
	port_host_log_hook = port_host_quiet;
	assert_int_equal(kfree(larger), 0);
	assert_int_equal(kfree(pages), 0);
	assert_int_equal(mempool_destroy(objects), 0);
	assert_int_equal(mempool_destroy(slab), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

/* All memory is somebody's; the reserve is not. */
static void without_memory(void **state)
{
	enum {
		RESERVE = 16
	};
	static void *objects_of_3000[20000];
	mempool_t *pool = mempool_create_kmalloc_pool(RESERVE, 3000);
	void *taken[RESERVE];
	unsigned int n = 0, got = 0;

	(void)state;
	assert_non_null(pool);
	while ((objects_of_3000[n] = kmalloc(3000, GFP_KERNEL | __GFP_NOWARN)))
		assert_true(++n < 20000);
	while (got < RESERVE && (taken[got] = mempool_alloc(pool, GFP_ATOMIC)))
		memset(taken[got++], 0x55, 3000);
	assert_int_equal(got, RESERVE);
	assert_int_equal(mempool_free(taken[0], pool), 0);
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	expect_refused(mempool_free(taken[0], pool), -EALREADY, "given back already");
	port_host_log_hook = port_host_quiet;
	assert_ptr_equal(mempool_alloc(pool, GFP_ATOMIC), taken[0]);
	while (got)
		assert_int_equal(mempool_free(taken[--got], pool), 0);
	while (n)
		assert_int_equal(kfree(objects_of_3000[--n]), 0);
	assert_int_equal(mempool_destroy(pool), 0);
}

static void bad_pools(void **state)
{
	(void)state;
	assert_null(mempool_create(0, counted_alloc, counted_free, NULL));
	assert_null(mempool_create(-1, counted_alloc, counted_free, NULL));
	assert_null(mempool_create(65536, counted_alloc, counted_free, NULL));
	assert_null(mempool_create(1, NULL, counted_free, NULL));
	assert_null(mempool_create(1, counted_alloc, NULL, NULL));
	assert_null(mempool_create_kmalloc_pool(1, 0));
	assert_null(mempool_create_kmalloc_pool(1, KMALLOC_MAX_SIZE + 1));
	assert_null(mempool_create_slab_pool(1, NULL));
	assert_int_equal(mempool_destroy(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_minimum_is_there, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(resized, policy_start_objects, policy_stop_objects),
		cmocka_unit_test_setup_teardown(shrinks_while_others_free, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(misuse_is_named, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(without_memory, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(bad_pools, policy_start_objects,
						policy_stop_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
