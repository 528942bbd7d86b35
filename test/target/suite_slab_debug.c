// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_slab_debug.c: faults in the use of objects, each made by a function of its own: refused or harmless, and
 * named with their sites (FEATURES row 45). test_slab_debug.py looks the sites up that are printed.
 */
#include <errno.h>
#include <string.h>

#include <quarry/slab_debug.h>

#include "ktap.h"
#include "pool.h"

#define SITE __attribute__((noinline, noclone))

static SITE char *take_object(struct kmem_cache *cache)
{
	char *object = kmem_cache_alloc(cache, GFP_KERNEL);

	__asm__ volatile("" : "+r"(object)); /* no tail call: the site is here */
	return object;
}

static SITE int free_object(char *object)
{
	int error = kfree(object);

	__asm__ volatile("" : "+r"(error));
	return error;
}

static SITE int free_as_others(struct kmem_cache *cache, char *object)
{
	int error = kmem_cache_free(cache, object);

	__asm__ volatile("" : "+r"(error));
	return error;
}

/* Lines of log that name a fault, and faults that were counted. */
static void named(struct kmem_cache *cache, uint64_t faults)
{
	EXPECT_EQ(faults, kmem_cache_faults(cache));
	EXPECT_EQ(0, kmem_cache_validate(cache));
	EXPECT_EQ(faults, kmem_cache_faults(cache));
}

/* False: there are no options in this build, and the case is skipped. */
static bool built_in(void)
{
	if (slab_debug_setup("-") != -ENOSYS)
		return true;
	test_skip("CONFIG_DEBUG_HOOKS=0");
	return false;
}

static void faults_named(void)
{
	struct kmem_cache *cache, *others;
	struct slab_object info;
	char *object, *other;

	if (!built_in())
		return;
	cache = kmem_cache_create("faults", 60, 0, SLAB_DEBUG_FLAGS, NULL);
	others = kmem_cache_create("others", 60, 0, SLAB_DEBUG_FLAGS, NULL);
	if (!EXPECT(cache && others))
		return;
	object = take_object(cache);
	other = take_object(cache);
	if (!EXPECT(object && other && slab_object(object, &info)))
		return;
	EXPECT((uintptr_t)info.alloc_site - (uintptr_t)take_object < 256);
	memset(object, 0xff, 60);
	named(cache, 0);
	EXPECT_EQ(-EINVAL, free_as_others(others, object)); /* foreign */
	named(cache, 0);
	object[60] = 'x'; /* past its end */
	EXPECT_EQ(0, free_object(object));
	named(cache, 1);
	EXPECT(slab_object(object, &info) && !info.in_use);
	EXPECT((uintptr_t)info.free_site - (uintptr_t)free_object < 256);
	EXPECT_EQ(-EALREADY, free_object(object)); /* twice */
	object[5] = 'y';			   /* after its free */
	EXPECT_EQ(1, kmem_cache_validate(cache));
	EXPECT_EQ(0, free_object(other));
	EXPECT_LE(2 * PAGE_SIZE, kmem_cache_shrink(cache) * PAGE_SIZE); /* and once more */
	EXPECT_EQ(3, kmem_cache_faults(cache));
	EXPECT_EQ(0, kmem_cache_destroy(cache));
	EXPECT_EQ(0, kmem_cache_destroy(others));
}
TEST_CASE(slab, faults_named, faults_named);

/* Switched on and off while the machine runs; what is off is not there. */
static void switched(void)
{
	const char *before = slab_debug_options();
	char *object;

	if (!built_in())
		return;
	EXPECT_EQ(0, slab_debug_setup("ZP,kmalloc-112,dma32-kmalloc-8*"));
	object = kmalloc(100, GFP_KERNEL);
	if (!EXPECT(object != NULL))
		return;
	EXPECT_EQ(100, ksize(object));
	EXPECT_EQ(0x5a, object[0]);
	EXPECT_EQ(-EBUSY, slab_debug_setup("-"));
	EXPECT_EQ(0, kfree(object));
	EXPECT_EQ(0x6b, object[0]);
	EXPECT_EQ(0, slab_debug_setup("-"));
	object = kmalloc(100, GFP_KERNEL);
	if (!EXPECT(object != NULL))
		return;
	EXPECT_EQ(112, ksize(object));
	EXPECT_EQ(0, kfree(object));
	EXPECT_EQ(0, slab_debug_setup(before));
}
TEST_CASE(slab, switched, switched);
