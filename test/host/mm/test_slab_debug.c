/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_slab_debug.c: caches with debug options: each fault in the use of an object is named with its sites and
 * does no harm; without options nothing of it is there.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/mm.h>
#include <quarry/slab_debug.h>

#include "machine.h"
#include "policy.h"
#include "test/host/port_host.h"

#define ALL SLAB_DEBUG_FLAGS

static int debug_stop(void **state)
{
	port_host_log_hook = port_host_quiet;
	return policy_stop_objects(state);
}

static void listen(void)
{
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
}

/* The line that was logged has all of this. */
static void heard(const char *what, const void *object, const void *site)
{
	char text[64];

	snprintf(text, sizeof(text), "object 0x%llx", (unsigned long long)(uintptr_t)object);
	assert_non_null(strstr(port_host_log_text, text));
	assert_non_null(strstr(port_host_log_text, what));
	snprintf(text, sizeof(text), "from %p", site);
	assert_non_null(strstr(port_host_log_text, text));
	port_host_log_clear();
}

static struct slab_object info_of(const void *object)
{
	struct slab_object info;

	assert_true(slab_object(object, &info));
	return info;
}

/* Each has its call site to itself. */
static __attribute__((noinline)) void *take(struct kmem_cache *cache)
{
	void *object = kmem_cache_alloc(cache, GFP_KERNEL);

	__asm__ volatile("" : "+r"(object));
	return object;
}

static __attribute__((noinline)) int give(void *object)
{
	int error = kfree(object);

	__asm__ volatile("" : "+r"(error));
	return error;
}

/* Of the last of each; which they are, test_slab_debug.py looks up. */
static void sites_are_noted(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("sites", 40, 0, SLAB_STORE_USER, NULL);
	void *one = take(cache), *other = kmem_cache_alloc(cache, GFP_KERNEL);

	(void)state;
	assert_non_null(info_of(one).alloc_site);
	assert_non_null(info_of(other).alloc_site);
	assert_null(info_of(one).free_site);
	assert_int_equal(give(one), 0);
	assert_int_equal(give(other), 0);
	assert_non_null(info_of(one).free_site);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

static void faults_are_named(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("things", 40, 0, ALL, NULL);
	struct kmem_cache *others = kmem_cache_create("others", 40, 0, ALL, NULL);
	char *object = take(cache), *other;
	const void *site = info_of(object).alloc_site;

	(void)state;
	listen();
	/* One byte past its end. */
	object[40] = 'x';
	assert_int_equal(kmem_cache_validate(cache), 1);
	heard("overflow: byte 40 is 0x78, not 0xcc", object, site);
	assert_int_equal(give(object), 0);
	heard("overflow: byte 40", object, site);
	assert_int_equal(kmem_cache_validate(cache), 0);
	/* After its free. */
	site = info_of(object).free_site;
	object[7] = 1;
	assert_int_equal(kmem_cache_validate(cache), 1);
	heard("write after free: byte 7 is 0x01, not 0x6b", object, site);
	object[7] = 0x6b;
	object[39] = 0x6b;
	assert_int_equal(kmem_cache_shrink(cache), 1);
	heard("write after free: byte 39 is 0x6b, not 0xa5", object, site);
	/* Twice, and of another cache. */
	object = take(cache);
	assert_int_equal(kmem_cache_free(others, object), -EINVAL);
	heard("object of another cache", object, info_of(object).alloc_site);
	assert_int_equal(kfree(object + 8), -EINVAL);
	heard("of things: in use", object, info_of(object).alloc_site);
	assert_int_equal(give(object), 0);
	assert_int_equal(give(object), -EALREADY);
	heard("double free", object, info_of(object).free_site);
	assert_int_equal(kmem_cache_faults(cache), 4);
	/* In quarantine it is not used again. */
	for (unsigned int i = 0; i < 20; i++) {
		other = take(cache);
		assert_ptr_not_equal(other, object);
		assert_int_equal(give(other), 0);
	}
	assert_int_equal(mm_check(), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(kmem_cache_destroy(others), 0);
}

/* The bytes that were asked for end where the red zone starts, whatever the cache's size is. */
static void every_size(void **state)
{
	(void)state;
	assert_int_equal(slab_debug_setup("FZPUQR"), 0);
	for (size_t size = 1; size <= KMALLOC_MAX_CACHE_SIZE; size += size / 32 + 1) {
		char *object = kmalloc(size, GFP_KERNEL), *zeroed = kzalloc(size, GFP_KERNEL),
		     *more;

		assert_int_equal(ksize(object), size);
		for (size_t i = 0; i < size; i++) {
			assert_int_equal(object[i], 0x5a);
			assert_int_equal(zeroed[i], 0);
		}
		memset(object, 0xff, size);
		listen();
		object[size] = 0;
		assert_int_equal(kfree(object), 0);
		assert_non_null(strstr(port_host_log_text, "overflow"));
		port_host_log_clear();
		more = krealloc(zeroed, size + 1, GFP_KERNEL);
		more[size] = 1;
		assert_int_equal(kfree(more), 0);
		assert_string_equal(port_host_log_text, "");
	}
	assert_int_equal(mm_check(), 0);
	assert_int_equal(slab_debug_setup("-"), 0);
}

/* Red zones take nothing of what kmalloc() says of alignment. */
static void alignment(void **state)
{
	void *objects[8];

	(void)state;
	assert_int_equal(slab_debug_setup("Z"), 0);
	for (size_t size = 8; size <= KMALLOC_MAX_CACHE_SIZE; size *= 2) {
		for (unsigned int i = 0; i < 8; i++) {
			objects[i] = kmalloc(size, GFP_KERNEL);
			assert_int_equal((uintptr_t)objects[i] % size, 0);
		}
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(kfree(objects[i]), 0);
	}
	assert_int_equal(slab_debug_setup("-"), 0);
}

static slab_flags_t flags_of(const char *name)
{
	for (unsigned int n = 0; n < CONFIG_KMEM_CACHES; n++)
		if (slab_cache(n) && !strcmp(kmem_cache_name(slab_cache(n)), name))
			return kmem_cache_debug(slab_cache(n));
	fail_msg("no cache %s", name);
	return 0;
}

static void options(void **state)
{
	struct kmem_cache *cache;
	void *object;

	(void)state;
	assert_int_equal(slab_debug_setup("ZP,kmalloc-64,dma32* console=x"), 0);
	assert_int_equal(flags_of("kmalloc-64"), SLAB_RED_ZONE | SLAB_POISON);
	assert_int_equal(flags_of("dma32-kmalloc-8"), SLAB_RED_ZONE | SLAB_POISON);
	assert_int_equal(flags_of("kmalloc-640"), 0);
	assert_int_equal(flags_of("kmalloc-8"), 0);
	assert_int_equal(slab_debug_setup("F;-,kmalloc-8;U,later,kmalloc-16"), 0);
	assert_int_equal(flags_of("kmalloc-64"), SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(flags_of("kmalloc-8"), 0);
	assert_int_equal(flags_of("kmalloc-16"), SLAB_STORE_USER);
	assert_int_equal(flags_of("kmem_cache"), 0);
	/* A block of other names says nothing of this one, also if it says the same. */
	assert_int_equal(slab_debug_setup("-,kmalloc-8;F,kmalloc-64;F;"), 0);
	assert_int_equal(flags_of("kmalloc-8"), 0);
	assert_int_equal(flags_of("kmalloc-16"), SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(slab_debug_setup("Z;;F,kmalloc-64;Z,kmalloc-8;P"), 0);
	assert_int_equal(flags_of("kmalloc-8"), SLAB_RED_ZONE);
	assert_int_equal(flags_of("kmalloc-16"), SLAB_POISON);
	assert_int_equal(slab_debug_setup("F;-,kmalloc-8;U,later,kmalloc-16"), 0);
	cache = kmem_cache_create("later", 8, 0, SLAB_POISON, NULL);
	assert_int_equal(flags_of("later"), SLAB_STORE_USER | SLAB_POISON);
	assert_int_equal(kmem_cache_destroy(cache), 0);
	for (const char *const *wrong = (const char *const[]){"X", "FX", "F,a;Y", "-F", NULL};
	     *wrong; wrong++)
		assert_int_equal(slab_debug_setup(*wrong), -EINVAL);
	assert_int_equal(flags_of("kmalloc-16"), SLAB_STORE_USER);
	/* What is in use stays as it is. */
	object = kmalloc(100, GFP_KERNEL);
	assert_int_equal(slab_debug_setup(""), -EBUSY);
	assert_int_equal(flags_of("kmalloc-112"), SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(flags_of("kmalloc-128"), ALL);
	assert_int_equal(kfree(object), 0);
	assert_int_equal(slab_debug_setup("-"), 0);
	assert_int_equal(flags_of("kmalloc-112"), 0);
	assert_int_equal(kmem_cache_set_debug(NULL, ALL), -EINVAL);
}

static unsigned int constructed;

static void construct(void *object)
{
	constructed++;
	memset(object, 0x77, 24);
}

/* What a constructor has written stays, though the cache is to have poison. */
static void constructor(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("made", 24, 8, ALL, construct);
	unsigned char *objects[200];

	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		assert_int_equal(kmem_cache_alloc_bulk(cache, GFP_KERNEL, 200, (void **)objects),
				 200);
		for (unsigned int i = 0; i < 200; i++)
			assert_int_equal(objects[i][23], 0x77);
		assert_int_equal(mm_check(), 0);
		assert_int_equal(kmem_cache_destroy(cache), -EBUSY);
		assert_int_equal(kmem_cache_free_bulk(cache, 200, (void **)objects), 200);
		assert_int_equal(kmem_cache_free_bulk(cache, 200, (void **)objects), 0);
	}
	assert_int_equal(kmem_cache_validate(cache), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

/* A slab's objects come in another order than they lie. */
static void random_order(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("mixed", 64, 0, MM_SLAB_RANDOM, NULL);
	char *objects[32];
	unsigned int next = 0;

	(void)state;
	for (unsigned int i = 0; i < 32; i++) {
		objects[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		next += i && objects[i] == objects[i - 1] + 64;
	}
	assert_true(next < 8);
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(kfree(objects[i]), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

static void refused_without_trace(void **state)
{
	static void *pages[40000];
	struct kmem_cache *cache = kmem_cache_create("late", 500, 0, ALL, NULL);
	unsigned int n = 0;
	uint64_t hash;

	(void)state;
	assert_int_equal(kfree(kmalloc(8, GFP_KERNEL)), 0);
	while ((pages[n] = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		n++;
	hash = mm_state_hash();
	assert_null(kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(mm_state_hash(), hash);
	assert_int_equal(mm_check(), 0);
	while (n--)
		assert_int_equal(__free_page(pages[n]), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

static void views(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("seen", 2000, 0, SLAB_STORE_USER, NULL);
	void *objects[50];
	struct slab_view view;
	struct slab_object object;
	unsigned int slabs = 0, in_use = 0;
	uint32_t cursor = 0;

	(void)state;
	for (unsigned int i = 0; i < 50; i++)
		objects[i] = take(cache);
	assert_int_equal(kfree(objects[49]), 0);
	while (slab_next(cache, &cursor, &view)) {
		slabs++;
		for (unsigned int n = 0; n < view.objects; n++) {
			assert_true(slab_object((char *)view.base + n * 2000 + 7, &object));
			assert_int_equal(object.start, view.base + n * 2000);
			assert_int_equal(object.size, 2000);
			assert_string_equal(object.cache, "seen");
			in_use += object.in_use;
		}
	}
	assert_int_equal(in_use, 49);
	assert_true(slabs > 3);
	assert_false(slab_object(&slabs, &object));
	while (in_use--)
		assert_int_equal(kfree(objects[in_use]), 0);
	assert_int_equal(kmem_cache_destroy(cache), 0);
}

/* ---- whose objects there are ------------------------------------------------------------------- */

/* Objects of this mark or a newer one in kmalloc-112; *last: one of them. */
static unsigned int newer(int mark, struct slab_object *last)
{
	const struct slab_info info = cache_info("kmalloc-112");
	unsigned int found = 0;
	struct slab_object object;
	struct slab_view view;
	uint32_t cursor = 0;

	while (slab_next(slab_cache(info.place), &cursor, &view))
		for (unsigned int n = 0; n < view.objects; n++) {
			assert_true(slab_object((char *)view.base + n * info.size, &object));
			if (!object.in_use || object.mark < mark)
				continue;
			found++;
			*last = object;
		}
	return found;
}

/* One object of 100,000 is not given back: which, and since when; by whom it was allocated, test_leak.py looks up. */
static void one_leak_in_100000(void **state)
{
	void *ring[64] = {NULL}, *lost = NULL, *early;
	struct slab_object object;

	(void)state;
	assert_int_equal(slab_debug_setup("U,kmalloc-112"), 0);
	early = kmalloc(100, GFP_KERNEL);
	assert_int_equal(info_of(early).mark, -1); /* it is off */
	assert_int_equal(mm_page_owner_start(one_leak_in_100000), 0);
	assert_int_equal(info_of(early).mark, -1);
	for (int mark = 1; mark < 4; mark++)
		assert_int_equal(mm_page_owner_mark(), mark);
	for (unsigned int i = 0; i < 100000 + 64; i++) {
		void **slot = &ring[i % 64];

		if (i == 77777)
			lost = *slot; /* nobody frees it */
		else
			assert_int_equal(kfree(*slot), 0);
		*slot = i >= 100000 ? NULL : kmalloc(100, GFP_KERNEL);
		if (i == 50000)
			assert_int_equal(mm_page_owner_mark(), 4);
	}
	assert_int_equal(newer(0, &object), 1);
	assert_int_equal(newer(5, &object), 0);
	assert_int_equal(object.start, (uintptr_t)lost);
	assert_int_equal(object.mark, 4);
	assert_non_null(object.alloc_site);
	/* A mark of the last time is none of this time. */
	mm_page_owner_stop();
	assert_int_equal(info_of(lost).mark, -1);
	assert_int_equal(mm_page_owner_start(one_leak_in_100000), 0);
	assert_int_equal(info_of(lost).mark, -1);
	assert_int_equal(kfree(lost), 0);
	lost = kmalloc(100, GFP_KERNEL);
	assert_int_equal(info_of(lost).mark, 0);
	mm_page_owner_stop();
	assert_int_equal(kfree(lost), 0);
	assert_int_equal(kfree(early), 0);
	assert_int_equal(slab_debug_setup("-"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sites_are_noted, policy_start_objects, debug_stop),
		cmocka_unit_test_setup_teardown(faults_are_named, policy_start_objects, debug_stop),
		cmocka_unit_test_setup_teardown(every_size, policy_start_objects, debug_stop),
		cmocka_unit_test_setup_teardown(alignment, policy_start_objects, debug_stop),
		cmocka_unit_test_setup_teardown(options, policy_start_objects, debug_stop),
		cmocka_unit_test_setup_teardown(constructor, policy_start_objects, debug_stop),
		cmocka_unit_test_setup_teardown(random_order, policy_start_objects, debug_stop),
		cmocka_unit_test_setup_teardown(refused_without_trace, policy_start_objects,
						debug_stop),
		cmocka_unit_test_setup_teardown(views, policy_start_objects, debug_stop),
		cmocka_unit_test_setup_teardown(one_leak_in_100000, policy_start_objects,
						debug_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
