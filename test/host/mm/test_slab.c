/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_slab.c: kmem_cache and kmalloc: every size, every misuse, slabs that come and go, what a failed
 * call leaves behind.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/mm.h>
#include <quarry/slab.h>

#include "machine.h"
#include "policy.h"
#include "test/host/port_host.h"

static uint64_t misuses(enum mm_misuse kind)
{
	return stats_now().misuse[kind];
}

/* ---- sizes ------------------------------------------------------------------------------------- */

static void every_size(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 20000; size += size < 8300 ? 1 : 977) {
		char *a = kmalloc(size, GFP_KERNEL), *b = __kmalloc(size, GFP_KERNEL);

		assert_non_null(a);
		assert_non_null(b);
		assert_ptr_not_equal(a, b);
		assert_true(ksize(a) >= size);
		assert_true(size <= 64 || size > 8192 || ksize(a) <= size + size / 4 + 16);
		assert_int_equal((uintptr_t)a % 8, 0);
		if (!(size & (size - 1)) && size >= 8)
			assert_int_equal((uintptr_t)a % (size < PAGE_SIZE ? size : PAGE_SIZE), 0);
		memset(a, 0x5a, ksize(a));
		memset(b, 0xa5, ksize(b));
		for (size_t i = 0; i < ksize(a); i++)
			assert_int_equal(a[i], 0x5a);
		assert_int_equal(kfree(a), 0);
		assert_int_equal(kfree(b), 0);
	}
	assert_int_equal(mm_check(), 0);
}

static void constant_sizes_agree(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 8192; size++) {
		void *object = __kmalloc(size, GFP_KERNEL);
		struct slab_info info;

		assert_true(slab_info(0, &info));
		assert_non_null(object);
		assert_int_equal(kmalloc_index(size), kmalloc_index(ksize(object)));
		assert_true(size == 1 || kmalloc_index(size) == kmalloc_index(size - 1) ||
			    kmalloc_index(size) == kmalloc_index(size - 1) + 1);
		kfree(object);
	}
	assert_int_equal(kmalloc_index(8192), MM_KMALLOC_SIZES - 1);
}

static void zero_size(void **state)
{
	(void)state;
	assert_ptr_equal(kmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	assert_int_equal(kfree(ZERO_SIZE_PTR), 0);
	assert_int_equal(kfree(NULL), 0);
	assert_int_equal(ksize(NULL), 0);
	assert_null(kmalloc_array(SIZE_MAX / 2, 3, GFP_KERNEL));
	assert_null(kcalloc(3, SIZE_MAX / 2, GFP_KERNEL));
	assert_null(kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
}

static void zeroed(void **state)
{
	(void)state;
	for (size_t size = 1; size < 10000; size += 37) {
		char *object = kmalloc(size, GFP_KERNEL);

		memset(object, 0xff, size);
		kfree(object);
		object = kzalloc(size, GFP_KERNEL);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(object[i], 0);
		kfree(object);
	}
}

static void reallocated(void **state)
{
	char *object = krealloc(NULL, 10, GFP_KERNEL), *same;

	(void)state;
	strcpy(object, "abcdefghi");
	same = krealloc(object, 16, GFP_KERNEL);
	assert_ptr_equal(object, same);
	object = krealloc(object, 5000, GFP_KERNEL);
	assert_string_equal(object, "abcdefghi");
	object = krealloc(object, 100000, GFP_KERNEL);
	assert_string_equal(object, "abcdefghi");
	object = krealloc(object, 12, GFP_KERNEL);
	assert_string_equal(object, "abcdefghi");
	assert_int_equal(ksize(object), 16);
	/* Refused: the old one stays. */
	assert_null(krealloc(object, KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	assert_string_equal(object, "abcdefghi");
	assert_ptr_equal(krealloc(object, 0, GFP_KERNEL), ZERO_SIZE_PTR);
	assert_int_equal(kfree(object), -EALREADY);
	same = kstrdup("hello", GFP_KERNEL);
	assert_string_equal(same, "hello");
	kfree(same);
	assert_null(kstrdup(NULL, GFP_KERNEL));
}

/* ---- misuse ------------------------------------------------------------------------------------ */

static int a_static_variable;

static void misuse_is_refused(void **state)
{
	struct kmem_cache *mine = kmem_cache_create("mine", 100, 0, 0, NULL);
	struct kmem_cache *yours = kmem_cache_create("yours", 100, 0, 0, NULL);
	char *object = kmem_cache_alloc(mine, GFP_KERNEL), *other = kmalloc(64, GFP_KERNEL);
	char *large = kmalloc(40000, GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);
	uint64_t hash = mm_state_hash(), count;
	char local;

	(void)state;
	for (unsigned int i = 1; i < 100; i++) {
		assert_int_equal(kfree(object + i), -EINVAL);
		assert_int_equal(kmem_cache_free(mine, object + i), -EINVAL);
	}
	assert_int_equal(kfree(object + 104), -EALREADY);
	count = misuses(MISUSE_CACHE);
	assert_int_equal(kmem_cache_free(yours, object), -EINVAL);
	assert_int_equal(misuses(MISUSE_CACHE), count + 1);
	assert_int_equal(kmem_cache_free(yours, other), -EINVAL);
	assert_int_equal(kfree(page_address(page)), -EFAULT);
	assert_int_equal(kfree((char *)page_address(page) + 8), -EFAULT);
	assert_int_equal(kfree(&a_static_variable), -EFAULT);
	assert_int_equal(kfree(&local), -EFAULT);
	assert_int_equal(kfree((void *)(uintptr_t)0xdeadbeefdeadbeef), -EFAULT);
	assert_int_equal(kfree(large + 4096), -EFAULT);
	assert_int_equal(kfree(large + 8), -EINVAL);
	assert_int_equal(kmem_cache_free(mine, large), -EFAULT);
	/* A slab's page is nobody's to free. */
	assert_int_equal(free_page((uintptr_t)object & PAGE_MASK), -EBUSY);
	assert_int_equal(__free_pages(virt_to_page(object), 0), -EBUSY);
	assert_int_equal(__free_pages(virt_to_page(large), 4), -EBUSY);
	assert_int_equal(mm_state_hash(), hash);

	assert_int_equal(kfree(object), 0);
	assert_int_equal(kfree(object), -EALREADY);
	assert_int_equal(kmem_cache_free(mine, object), -EALREADY);
	assert_int_equal(kfree(large), 0);
	assert_true(kfree(large) < 0);
	assert_int_equal(kfree(other), 0);
	assert_int_equal(__free_page(page), 0);
	assert_int_equal(kmem_cache_destroy(mine), 0);
	assert_int_equal(kmem_cache_destroy(yours), 0);
	assert_int_equal(mm_check(), 0);
}

static void misuse_is_named(void **state)
{
	char *object = kmalloc(64, GFP_KERNEL);

	(void)state;
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	kfree(object + 8);
	assert_non_null(
		strstr(port_host_log_text, "refused: not where an object starts (called from"));
	port_host_log_clear();
	kfree(object);
	kfree(object);
	assert_non_null(strstr(port_host_log_text, "free of object"));
	assert_non_null(strstr(port_host_log_text, "refused: double free"));
	port_host_log_hook = port_host_quiet;
}

/* ---- many objects ------------------------------------------------------------------------------ */

#define MANY 60000
static void *objects[MANY];
static size_t sizes[MANY];

static void shuffled(unsigned int n, uint64_t *seed)
{
	while (n > 1) {
		unsigned int k = (unsigned int)(host_random(seed) % n--);
		void *object = objects[k];
		size_t size = sizes[k];

		objects[k] = objects[n];
		sizes[k] = sizes[n];
		objects[n] = object;
		sizes[n] = size;
	}
}

static void everything_comes_back(void **state)
{
	uint64_t seed = 7, before;

	(void)state;
	before = all_free();
	for (unsigned int round = 0; round < 3; round++) {
		unsigned int n;

		for (n = 0; n < MANY; n++) {
			sizes[n] = 1 + host_random(&seed) % 1023;
			objects[n] = __kmalloc(sizes[n], GFP_KERNEL | __GFP_NOWARN);
			if (!objects[n])
				break;
			memset(objects[n], (int)(n & 0xff), sizes[n]);
			sizes[n] = sizes[n] << 8 | (n & 0xff);
		}
		assert_true(n > 30000);
		shuffled(n, &seed);
		for (unsigned int i = 0; i < n; i++) {
			unsigned char *object = objects[i];

			assert_int_equal(object[0], sizes[i] & 0xff);
			assert_int_equal(object[(sizes[i] >> 8) - 1], sizes[i] & 0xff);
			assert_int_equal(kfree(object), 0);
			if (i == n / 2) {
				assert_int_equal(mm_check(), 0);
			}
		}
		assert_int_equal(all_free(), before);
	}
	assert_int_equal(cache_info("kmalloc-64").active, 0);
	assert_int_equal(cache_info("kmalloc-64").slabs, 0);
}

static void out_of_memory(void **state)
{
	uint64_t hash;
	unsigned int n = 0, pages = 0;

	(void)state;
	while (n < MANY && (objects[n] = kmalloc(8192, GFP_KERNEL | __GFP_NOWARN)))
		n++;
	assert_true(n > 5000);
	while ((objects[n + pages] = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		pages++;
	hash = mm_state_hash();
	for (size_t size = 8; size <= 40000; size *= 2)
		assert_null(kmalloc(size, GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(mm_state_hash(), hash);
	while (pages--)
		assert_int_equal(__free_page(objects[n + pages]), 0);
	while (n--)
		assert_int_equal(kfree(objects[n]), 0);
}

/* The first object is asked for when all free memory is in single pages. */
static void first_object_late(void **state)
{
	unsigned int n = 0;
	void *object;

	(void)state;
	while ((objects[n] = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		n++;
	for (unsigned int i = 0; i < n; i++)
		if (page_to_pfn(objects[i]) % 2 == 0) {
			assert_int_equal(__free_page(objects[i]), 0);
			objects[i] = NULL;
		}
	object = kmalloc(64, GFP_KERNEL | __GFP_NOWARN);
	assert_non_null(object);
	assert_int_equal(mm_check(), 0);
	assert_int_equal(kfree(object), 0);
	while (n--)
		if (objects[n])
			assert_int_equal(__free_page(objects[n]), 0);
}

/* Slabs that are empty serve a request for pages before it is refused. */
static void pressure(void **state)
{
	unsigned int n = 0, pages = 0;

	(void)state;
	while (n < 2000 && (objects[n] = kmalloc(1000, GFP_KERNEL)))
		n++;
	while ((objects[n + pages] = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		pages++;
	while (n)
		assert_int_equal(kfree(objects[--n]), 0);
	assert_true(cache_info("kmalloc-1k").slabs > 0);
	for (n = 0; n < pages; n++)
		assert_int_equal(__free_page(objects[2000 + n]), 0);
	n = 0;
	while ((objects[n] = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		n++;
	assert_int_equal(cache_info("kmalloc-1k").slabs, 0);
	while (n--)
		assert_int_equal(__free_page(objects[n]), 0);
}

/* ---- caches ------------------------------------------------------------------------------------ */

static unsigned int constructed;

static void construct(void *object)
{
	constructed++;
	memset(object, 0x77, 40);
}

static void a_cache(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("things", 40, 32, 0, construct);
	void *some[100];

	(void)state;
	constructed = 0;
	assert_non_null(cache);
	assert_int_equal(kmem_cache_size(cache), 40);
	assert_string_equal(kmem_cache_name(cache), "things");
	for (unsigned int i = 0; i < 100; i++) {
		some[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		assert_int_equal((uintptr_t)some[i] % 32, 0);
		assert_int_equal(*(unsigned char *)some[i], 0x77);
	}
	assert_int_equal(constructed, cache_info("things").objects);
	assert_int_equal(cache_info("things").active, 100);
	assert_int_equal(kmem_cache_destroy(cache), -EBUSY);
	assert_int_equal(cache_info("things").active, 100);
	assert_int_equal(kmem_cache_free_bulk(cache, 100, some), 100);
	assert_int_equal(cache_info("things").active, 0);
	assert_int_equal(kmem_cache_alloc_bulk(cache, GFP_KERNEL, 100, some), 100);
	assert_int_equal(kmem_cache_free_bulk(cache, 100, some), 100);
	assert_int_equal(kmem_cache_free_bulk(cache, 100, some), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(kmem_cache_destroy(cache), -EINVAL);
}

static void bad_caches(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("one", 8, 0, 0, NULL),
			  *more[CONFIG_KMEM_CACHES];
	unsigned int n = 0;

	(void)state;
	assert_null(kmem_cache_create("one", 16, 0, 0, NULL));
	assert_null(kmem_cache_create("kmem_cache", 16, 0, 0, NULL));
	assert_null(kmem_cache_create(NULL, 16, 0, 0, NULL));
	assert_null(kmem_cache_create("", 16, 0, 0, NULL));
	assert_null(kmem_cache_create("two", 0, 0, 0, NULL));
	assert_null(kmem_cache_create("two", 8193, 0, 0, NULL));
	assert_null(kmem_cache_create("two", 16, 3, 0, NULL));
	assert_null(kmem_cache_create("two", 16, 8192, 0, NULL));
	assert_null(kmem_cache_create("two", 16, 0, 0x80, NULL));
	assert_int_equal(kmem_cache_destroy(NULL), -EINVAL);
	while (n < CONFIG_KMEM_CACHES) {
		static char names[CONFIG_KMEM_CACHES][16];

		snprintf(names[n], sizeof(names[n]), "cache %u", n);
		more[n] = kmem_cache_create(names[n], 64, 0, 0, NULL);
		if (!more[n])
			break;
		n++;
	}
	assert_int_equal(n, CONFIG_KMEM_CACHES - 2 * MM_KMALLOC_SIZES - 2);
	while (n--)
		assert_int_equal(kmem_cache_destroy(more[n]), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_size, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(constant_sizes_agree, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(zero_size, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(zeroed, policy_start_objects, policy_stop_objects),
		cmocka_unit_test_setup_teardown(reallocated, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(misuse_is_refused, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(misuse_is_named, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(everything_comes_back, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(out_of_memory, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(first_object_late, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(pressure, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(a_cache, policy_start_objects, policy_stop_objects),
		cmocka_unit_test_setup_teardown(bad_caches, policy_start_objects,
						policy_stop_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
