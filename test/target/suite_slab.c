// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_slab.c: objects: each size, what may not be freed, and that all of it comes back (FEATURES row 45).
 */
#include <errno.h>
#include <string.h>

#include <quarry/slab.h>

#include "ktap.h"
#include "pool.h"

static void sizes(void)
{
	for (size_t size = 1; size <= 3 * KMALLOC_MAX_CACHE_SIZE; size += size / 16 + 1) {
		unsigned char *object = kmalloc(size, GFP_KERNEL),
			      *other = kzalloc(size, GFP_KERNEL);

		if (EXPECT(object && other)) {
			EXPECT_EQ(0, (uintptr_t)object % 8);
			EXPECT_LE(ksize(object), size);
			memset(object, 0x5a, size);
			EXPECT(all_zero(other, size));
		}
		EXPECT_EQ(0, kfree(object));
		EXPECT_EQ(0, kfree(other));
	}
}
TEST_CASE(slab, sizes, sizes);

static void misuse(void)
{
	struct kmem_cache *cache = kmem_cache_create("suite", 96, 0, 0, NULL);
	char *object = kmem_cache_alloc(cache, GFP_KERNEL), *other = kmalloc(96, GFP_KERNEL);
	static int variable;

	if (!EXPECT(cache && object && other))
		return;
	EXPECT_EQ(-EINVAL, kfree(object + 8));
	EXPECT_EQ(-EINVAL, kmem_cache_free(cache, other));
	EXPECT_EQ(-EFAULT, kfree(&variable));
	EXPECT_EQ(-EBUSY, free_page((uintptr_t)object & PAGE_MASK));
	EXPECT_EQ(-EBUSY, kmem_cache_destroy(cache));
	EXPECT_EQ(0, kmem_cache_free(cache, object));
	EXPECT_EQ(-EALREADY, kmem_cache_free(cache, object));
	EXPECT_EQ(0, kfree(other));
	EXPECT_EQ(-EALREADY, kfree(other));
	EXPECT_EQ(0, kmem_cache_destroy(cache));
}
TEST_CASE(slab, misuse, misuse);

/* As much as half of memory has room for, of all sizes; freed every other first. */
static void comes_back(void)
{
	unsigned long n = (unsigned long)(free_pages_now() * PAGE_SIZE / 2 / 1024), count = 0;
	struct prng prng = {PRNG_SEED};
	void **objects;

	if (n > 20000)
		n = 20000;
	objects = alloc_pages_exact(n * sizeof(*objects), GFP_KERNEL);
	if (!EXPECT(objects != NULL))
		return;
	for (; count < n; count++) {
		objects[count] = kmalloc(1 + prng_next(&prng) % 2000, GFP_KERNEL | __GFP_NOWARN);
		if (!objects[count])
			break;
		memset(objects[count], 0xff, ksize(objects[count]));
	}
	EXPECT(count > n / 2);
	EXPECT_EQ(0, mm_check());
	for (unsigned int first = 0; first < 2; first++)
		for (unsigned long i = first; i < count; i += 2)
			if (kfree(objects[i]))
				EXPECT(!"an object could not be freed");
	EXPECT_EQ(0, mm_check());
	free_pages_exact(objects, n * sizeof(*objects));
}
TEST_CASE(slab, comes_back, comes_back);
