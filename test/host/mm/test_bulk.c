/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_bulk.c: free_pages_bulk() of pages of all classes, more than the caches hold, with things
 * among them that are no page to free: what is right is freed, each other one is refused with its
 * own cause, wherever in the array it stands.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "mm/debug/hooks.h"
#include "mm/free_map.h"
#include "test/host/port_host.h"

#define PAGES  200
#define MOST   (4 * PAGES)
#define ROUNDS 60
#define BLOCK  2 /* order of the block that is no single page */

static struct page *held[PAGES];
static unsigned int nr_held;
/* A free page whose descriptor was never written and looks by chance like one in use, or NULL. */
static struct page *forged;

static struct page *forge(void)
{
	for (unsigned long index = 0; index < mm.nr_pages; index++) {
		if (!section_is_open(index >> SECTION_SHIFT) || trusted(index) ||
		    index % GROUP_PAGES == 0 || !map_test(index))
			continue;
		mm.memmap[index].word = PAGE_HOT_WORD;
		return &mm.memmap[index];
	}
	return NULL;
}

static void hold(uint64_t *seed)
{
	static const gfp_t classes[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE, GFP_DMA32,
					GFP_KERNEL | __GFP_RECLAIMABLE};

	for (nr_held = 0; nr_held < PAGES; nr_held++) {
		/* Runs of one class, and single ones between them. */
		gfp_t gfp = classes[host_random(seed) % 8 < 6 ? nr_held / 50 % 4
							      : host_random(seed) % 4];

		held[nr_held] = alloc_pages(gfp | __GFP_NOWARN, 0);
		if (!held[nr_held])
			break;
		oracle_take(held[nr_held], 0);
	}
}

/* Something that is no page to free, and what is wrong with it. */
static enum mm_misuse wrong_one(uint64_t *seed, struct page *block, struct page **page)
{
	switch (host_random(seed) % (forged ? 5 : 4)) {
	case 0:
		*page = NULL;
		return MISUSE_FOREIGN;
	case 1:
		*page = (struct page *)((uintptr_t)block + 1 + host_random(seed) % 7);
		return MISUSE_MISALIGNED;
	case 2:
		*page = block;
		return MISUSE_WRONG_ORDER;
	case 4:
		*page = forged;
		return MISUSE_DOUBLE_FREE;
	default:
		*page = block + 1 + host_random(seed) % 3;
		return MISUSE_TAIL;
	}
}

static void one_round(uint64_t *seed, struct page *block)
{
	struct page *pages[MOST];
	struct mm_stats before, after;
	unsigned long n = 0, good = 0, wrong[NR_MISUSES] = {0};
	unsigned int share =
		(unsigned int)(host_random(seed) % 3) * 10; /* of what is wrong, in % */

	hold(seed);
	forged = forge();
	while (good < nr_held) {
		if (host_random(seed) % 100 >= share) {
			pages[n++] = held[good++];
		} else if (good && host_random(seed) % 3 == 0) { /* a second time */
			pages[n++] = held[host_random(seed) % good];
			wrong[MISUSE_DOUBLE_FREE]++;
		} else {
			wrong[wrong_one(seed, block, &pages[n])]++;
			n++;
		}
		if (n == MOST)
			break;
	}
	mm_get_stats(&before);
	assert_int_equal(good, free_pages_bulk(n, pages));
	mm_get_stats(&after);
	for (int i = 0; i < NR_MISUSES; i++)
		assert_int_equal(before.misuse[i] + wrong[i], after.misuse[i]);
	assert_int_equal(nr_held - good, free_pages_bulk(nr_held - good, held + good));
	for (unsigned int i = 0; i < nr_held; i++)
		oracle_give(page_to_pfn(held[i]), 0);
	assert_int_equal(0, mm_check());
}

static void bulk_frees(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (unsigned int i = 0; i < nr_layouts; i++) {
		struct page *block;

		machine_start(&layouts[i]);
		block = alloc_pages(GFP_KERNEL | __GFP_NOWARN, BLOCK);
		if (block) {
			oracle_take(block, BLOCK);
			for (int round = 0; round < ROUNDS; round++)
				one_round(&seed, block);
			oracle_give(page_to_pfn(block), BLOCK);
			assert_int_equal(0, __free_pages(block, BLOCK));
		}
		assert_int_equal(0, free_pages_bulk(0, held));
		machine_stop();
	}
}

/*
 * A bulk request takes pages with the lock and writes their words without it. What is asked of such
 * a page in between is answered: it is in use.
 */
static void taken_without_a_word(void **state)
{
	struct page_info info;
	unsigned long n;
	uint64_t raw;

	(void)state;
	machine_start(&layouts[0]);
	n = alloc_pages_bulk(GFP_KERNEL, PAGES, held);
	assert_int_equal(PAGES, n);
	for (unsigned long i = 0; i < n; i++) {
		raw = held[i]->raw;
		held[i]->word = PAGE_NONE;
		assert_int_equal(0, mm_page_info(page_to_pfn(held[i]), &info));
		held[i]->raw = raw;
		assert_int_equal(PAGE_ALLOC, info.state);
		assert_int_equal(0, info.order);
		assert_int_equal(1, info.refcount);
		assert_int_equal(page_to_pfn(held[i]), info.head_pfn);
	}
	assert_int_equal(n, free_pages_bulk(n, held));
	machine_stop();
}

/* Another CPU raises the marks after a zone has said that it may serve. */
static bool raise_marks(const char *function, int line)
{
	(void)line;
	if (!strcmp(function, "zone_may_serve")) {
		mm_fault_point = NULL;
		assert_int_equal(
			0,
			mm_set_min_free_kbytes(
				(mm.zones[ZONE_NORMAL].managed + mm.zones[ZONE_DMA32].managed - 1)
				<< (PAGE_SHIFT - 10)));
	}
	return false;
}

/* A request never gets more than it asked for, whatever becomes of the zone meanwhile. */
static void no_more_than_asked(void **state)
{
	uint64_t kbytes;
	unsigned long n;

	(void)state;
	machine_start(&layouts[0]);
	kbytes = mm_min_free_kbytes();
	/* A pageblock of the class has a run of free pages. */
	held[PAGES - 1] = alloc_page(GFP_KERNEL);
	for (unsigned int i = 0; i < PAGES - 1; i++)
		held[i] = NULL;
	drain_all_pages();
	mm_fault_point = raise_marks;
	n = alloc_pages_bulk(GFP_KERNEL, 2, held);
	mm_fault_point = NULL;
	assert_int_equal(0, mm_set_min_free_kbytes(kbytes));
	assert_true(n <= 2);
	for (unsigned int i = 2; i < PAGES - 1; i++)
		assert_null(held[i]);
	assert_int_equal(n, free_pages_bulk(n, held));
	assert_int_equal(0, __free_page(held[PAGES - 1]));
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk_frees),
		cmocka_unit_test(taken_without_a_word),
		cmocka_unit_test(no_more_than_asked),
	};

	port_host_log_hook = port_host_quiet;
	return cmocka_run_group_tests_name("bulk", tests, NULL, NULL);
}
