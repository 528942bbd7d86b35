/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_slab_tables.c: what leads to heads of slabs, their numbers and handles: it grows as slabs come, is right
 * all along, and what no object in use needs is given back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <quarry/mm.h>
#include <quarry/slab.h>

#include "machine.h"
#include "policy.h"

/* Objects are in use, and no more is taken for them than before. Built for size tables stay until there is none. */
static void expect_trimmed(uint64_t before)
{
#ifdef __OPTIMIZE_SIZE__
	assert_true(free_with(true) <= before);
#else
	assert_int_equal(free_with(true), before);
#endif
}

/* Slabs whose heads need the most room, and more of them than one page of numbers, or of handles, leads to. */
#define SLABS 3700

/* Objects until there are so many slabs of them, each with the address of the one before. */
static void **fill_slabs(void **last, uint64_t slabs)
{
	for (unsigned int n = 1; cache_info("kmalloc-8").slabs < slabs; n++) {
		for (unsigned int i = 0; i < 1000; i++) {
			void **more = kmalloc(sizeof(*more), GFP_KERNEL);

			assert_non_null(more);
			*more = last;
			last = more;
		}
		if ((n < 200 && n % 5 == 0) || n % 200 == 0)
			assert_int_equal(mm_check(), 0);
	}
	assert_int_equal(mm_check(), 0);
	return last;
}

/* The newest first: whole chunks of heads go back, and their numbers are used again. */
static void free_slabs(void **last)
{
	void *others[200];
	unsigned int nr = 0;

	for (unsigned int n = 0; last; n++) {
		void **more = (void **)*last;

		assert_int_equal(kfree(last), 0);
		if (n % 50000 == 0) {
			assert_int_equal(kfree(last), -EALREADY);
			assert_int_equal(mm_check(), 0);
			others[nr++] = kmalloc(1024, GFP_KERNEL);
		}
		last = more;
	}
	while (nr)
		assert_int_equal(kfree(others[--nr]), 0);
}

/* What leads to heads starts as single pages, grows while objects come, is right all along, and is given back. */
static void tables_grow(void **state)
{
	const uint64_t before = all_free();
	void **first = kmalloc(sizeof(*first), GFP_KERNEL), **late;
	uint64_t with_one;

	(void)state;
	/* A leaf, handles, heads, the slab, stacks. */
	drain_all_pages();
	assert_true(before - free_pages_now() <= 5);
	*first = NULL;
	with_one = free_with(true);
	late = fill_slabs(NULL, SLABS);
	free_slabs(*late);
	*late = NULL;
	free_with(true); /* with numbers below that of its chunk */
	free_slabs(fill_slabs(late, SLABS / 10));
	expect_trimmed(with_one);
	free_slabs(fill_slabs(first, SLABS / 10));
	assert_int_equal(all_free(), before);
}

static int start_large(void **state)
{
	policy_start_large(state);
	return kmem_cache_init();
}

/* The last object in use is in the middle: a larger table stays for it, and numbers behind it have no leaf. */
static void tables_are_trimmed(void **state)
{
	const uint64_t before = all_free();
	uint64_t with_one;
	void **mid, **late;

	(void)state;
	mid = fill_slabs(NULL, SLABS / 2);
	late = fill_slabs(NULL, 2 * SLABS);
	free_slabs(late);
	free_slabs(*mid);
	*mid = NULL;
	assert_true(before - free_with(true) >= 16); /* the second table's */
	free_slabs(mid);
	assert_int_equal(all_free(), before);
	/* The first table has room again: one object more does not take a larger one. */
	mid = kmalloc(8, GFP_KERNEL);
	free_slabs(fill_slabs(NULL, SLABS));
	with_one = free_with(true);
	late = kmalloc(100, GFP_KERNEL);
	drain_all_pages();
	assert_true(with_one - free_pages_now() <= 4); /* the slab, this CPU's room, heads */
	assert_int_equal(kfree(late), 0);
	assert_int_equal(kfree(mid), 0);
	assert_int_equal(all_free(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tables_grow, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(tables_are_trimmed, start_large,
						policy_stop_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
