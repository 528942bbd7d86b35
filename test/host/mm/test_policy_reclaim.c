/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_policy_reclaim.c: who is asked for memory between the first "no" and the refusal: shrinkers
 * and low-memory notifiers, how often, and never from within each other (FEATURES rows 34 and 36).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "mm/alloc/alloc.h"
#include "policy.h"
#include "test/host/port_host.h"

/* ---- a shrinker with pages of its own ------------------------------------------------------- */

static struct {
	struct page *page[512];
	unsigned int count, calls, asked;
	unsigned int give; /* at most so many a call */
	bool allocates, in_interrupt;
	unsigned int nested; /* requests made from inside that succeeded */
	gfp_t gfp;
} hoard;

static unsigned long hoard_count(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	hoard.asked++;
	hoard.gfp = control->gfp_mask;
	return hoard.count ? hoard.count : SHRINK_EMPTY;
}

static unsigned long hoard_scan(struct shrinker *shrinker, struct shrink_control *control)
{
	unsigned long freed = 0;

	hoard.calls++;
	assert_true(in_callback());
	hoard.in_interrupt |= port_pcpu()->irq_depth > 0;
	assert_int_equal(-EBUSY, register_shrinker(shrinker));
	assert_int_equal(-EBUSY, unregister_shrinker(shrinker));
	if (hoard.allocates) {
		/* a shrinker that needs memory gets the reserves, and no shrinker runs for it */
		unsigned int calls = hoard.calls;
		struct page *page = alloc_page(GFP_KERNEL | __GFP_NOWARN);

		hoard.nested += page != NULL;
		if (page)
			assert_int_equal(0, __free_page(page));
		assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER));
		assert_int_equal(calls, hoard.calls);
	}
	while (hoard.count && freed < control->nr_to_scan && freed < hoard.give) {
		assert_int_equal(0, __free_page(hoard.page[--hoard.count]));
		freed++;
	}
	return freed ? freed : SHRINK_STOP;
}

static struct shrinker shrinker = {
	.count_objects = hoard_count, .scan_objects = hoard_scan, .name = "hoard"};

static void hoard_fill(unsigned int pages, unsigned int give)
{
	memset(&hoard, 0, sizeof(hoard));
	for (; hoard.count < pages; hoard.count++) {
		hoard.page[hoard.count] = alloc_page(GFP_KERNEL | __GFP_RECLAIMABLE);
		assert_non_null(hoard.page[hoard.count]);
	}
	hoard.give = give;
}

static void hoard_empty(void)
{
	while (hoard.count)
		assert_int_equal(0, __free_page(hoard.page[--hoard.count]));
}

static bool not_asked; /* a line says so of the shrinkers */

static void look_for_not_asked(const char *line)
{
	not_asked |= strstr(line, "shrinkers were not asked") != NULL;
}

/* Refused by the dry run; does it say that shrinkers, which it leaves alone, might help? */
static bool why_leaves_shrinkers(gfp_t gfp)
{
	not_asked = false;
	assert_false(mm_why(gfp, 0, look_for_not_asked));
	return not_asked;
}

static void shrinkers_serve(void **state)
{
	struct mm_stats before = stats_now();
	struct page *page;

	(void)state;
	hoard_fill(300, 128);
	assert_int_equal(0, register_shrinker(&shrinker));
	assert_int_equal(-EEXIST, register_shrinker(&shrinker));
	/* a request that cannot wait calls nobody */
	take_all(GFP_NOWAIT, 0);
	assert_int_equal(0, hoard.calls + hoard.asked);
	assert_int_equal(0, free_pages_now());
	assert_true(why_leaves_shrinkers(GFP_KERNEL));
	assert_false(why_leaves_shrinkers(GFP_NOWAIT));
	assert_int_equal(0, hoard.calls + hoard.asked);
	page = alloc_page(GFP_KERNEL | __GFP_MOVABLE);
	hold(page, 0);
	assert_int_equal(1, hoard.calls);
	assert_int_equal(GFP_KERNEL | __GFP_MOVABLE, hoard.gfp);
	assert_int_equal(300 - 128, hoard.count);
	assert_int_equal(before.shrunk + 128, stats_now().shrunk);
	assert_true(stats_now().stage[MM_STAGE_RECLAIM] > before.stage[MM_STAGE_RECLAIM]);
	take_all(GFP_KERNEL, 0);
	assert_int_equal(0, hoard.count);
	unregister_shrinker(&shrinker);
	hoard.asked = 0;
	assert_false(why_leaves_shrinkers(GFP_KERNEL));
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(0, hoard.asked);
	give_all();
}

static unsigned int others; /* how often others were asked */

static unsigned long other_count(struct shrinker *other, struct shrink_control *control)
{
	(void)other;
	(void)control;
	others++;
	return SHRINK_EMPTY;
}

/* All that are registered are asked, each once a round, and those that are left when one goes. */
static void several_shrinkers(void **state)
{
	struct shrinker other[3] = {{.count_objects = other_count},
				    {.count_objects = other_count},
				    {.count_objects = other_count}};

	(void)state;
	hoard_fill(10, 10);
	take_all(GFP_NOWAIT, 0);
	assert_int_equal(0, register_shrinker(&other[0]));
	assert_int_equal(0, register_shrinker(&other[1]));
	assert_int_equal(0, register_shrinker(&shrinker));
	assert_int_equal(0, register_shrinker(&other[2]));
	others = 0;
	hold(alloc_page(GFP_KERNEL), 0);
	assert_int_equal(1, hoard.calls);
	assert_int_equal(3, others);
	assert_int_equal(0, hoard.count);
	take_all(GFP_NOWAIT, 0);
	assert_int_equal(0, unregister_shrinker(&other[1])); /* from the middle, */
	others = 0;
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(2, others);
	assert_int_equal(0, unregister_shrinker(&other[2])); /* and the newest */
	assert_int_equal(-ENOENT, unregister_shrinker(&other[1]));
	others = 0;
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(1, others);
	assert_int_equal(0, unregister_shrinker(&other[0]));
	assert_int_equal(0, unregister_shrinker(&shrinker));
	give_all();
}

/*
 * How often shrinkers are asked: NORETRY once, the others some rounds, RETRY_MAYFAIL longer; as
 * long as they free.
 */
static void retry_policy(void **state)
{
	static const struct {
		gfp_t gfp;
		unsigned int rounds;
	} rules[] = {{GFP_KERNEL | __GFP_NORETRY, 1},
		     {GFP_KERNEL, 4},
		     {GFP_KERNEL | __GFP_RETRY_MAYFAIL, 16}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		hoard_fill(100, 1); /* scattered: they never make up the block asked for */
		for (unsigned int n = 0; n < 50; n++) { /* every second goes back at once */
			assert_int_equal(0, __free_page(hoard.page[n]));
			hoard.page[n] = hoard.page[99 - n];
		}
		hoard.count = 50;
		assert_int_equal(0, register_shrinker(&shrinker));
		take_all(GFP_NOWAIT, 0);
		assert_null(alloc_pages(rules[i].gfp | __GFP_NOWARN, MAX_PAGE_ORDER));
		assert_int_equal(rules[i].rounds, hoard.calls);
		hoard.give = 0; /* nothing can be freed: asked once, given up */
		hoard.calls = 0;
		assert_null(alloc_pages(rules[i].gfp | __GFP_NOWARN, MAX_PAGE_ORDER));
		assert_int_equal(1, hoard.calls);
		unregister_shrinker(&shrinker);
		hoard_empty();
		give_all();
	}
}

/*
 * __GFP_NOFAIL goes on for as long as shrinkers free anything, here one page a round; it panics
 * when they free nothing, and not before it has used all that is kept.
 */
static void nofail_outlasts_rounds(void **state)
{
	struct page *page;
	jmp_buf jump;

	(void)state;
	assert_int_equal(0, mm_set_min_free_kbytes(20 * 4));
	hoard_fill(512, 1);
	assert_int_equal(0, register_shrinker(&shrinker));
	take_all(GFP_NOWAIT, 0);
	/* the shrinker's pages are the last that make up a block */
	page = alloc_pages(GFP_KERNEL | __GFP_NOFAIL, 8);
	hold(page, 8);
	assert_true(hoard.calls > 200);
	hoard_empty();
	take_all(GFP_NOWAIT, 0);
	assert_int_equal(20, free_pages_now());
	hoard.calls = hoard.asked = 0;
	port_host_panic_jump = &jump;
	if (!setjmp(jump)) {
		alloc_pages(GFP_KERNEL | __GFP_NOFAIL, MAX_PAGE_ORDER);
		fail_msg("a request was served from nothing, or refused");
	}
	port_host_panic_jump = NULL;
	assert_int_equal(1, hoard.asked);
	unregister_shrinker(&shrinker);
	give_all();
}

static void callbacks_never_recurse(void **state)
{
	(void)state;
	assert_int_equal(0, mm_set_min_free_kbytes(64 * 4));
	hoard_fill(200, 100);
	hoard.allocates = true;
	assert_int_equal(0, register_shrinker(&shrinker));
	take_all(GFP_KERNEL, 0);
	assert_true(hoard.calls > 0);
	assert_int_equal(hoard.calls, hoard.nested);
	assert_false(in_callback());
	unregister_shrinker(&shrinker);
	hoard_empty();
	give_all();
}

static void callbacks_never_in_interrupt(void **state)
{
	struct mm_stats before = stats_now();

	(void)state;
	hoard_fill(10, 10);
	assert_int_equal(0, register_shrinker(&shrinker));
	take_all(GFP_NOWAIT, 0);
	port_pcpu()->irq_depth = 1;
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN)); /* a mistake: it may wait */
	assert_null(alloc_page(GFP_ATOMIC | __GFP_NOWARN));
	mm_idle();
	port_pcpu()->irq_depth = 0;
	assert_int_equal(0, hoard.calls + hoard.asked);
	assert_int_equal(before.might_sleep + 1, stats_now().might_sleep);
	hold(alloc_page(GFP_KERNEL), 0);
	assert_int_equal(1, hoard.calls);
	assert_false(hoard.in_interrupt);
	unregister_shrinker(&shrinker);
	hoard_empty();
	give_all();
}

/* ---- low memory ---------------------------------------------------------------------------- */

static struct {
	unsigned int low, high;
	enum zone_type zone;
} told;

static void on_low_memory(struct low_memory_notifier *notifier, enum zone_type zone, bool low)
{
	(void)notifier;
	told.zone = zone;
	if (low)
		told.low++;
	else
		told.high++;
}

static void notifier_hysteresis(void **state)
{
	struct low_memory_notifier notifier = {.notify = on_low_memory};
	struct zone_info info;

	(void)state;
	memset(&told, 0, sizeof(told));
	assert_int_equal(0, mm_set_min_free_kbytes(1000 * 4));
	mm_zone_info(ZONE_DMA32, &info);
	assert_true(info.mark.low + 100 < info.mark.high);
	assert_int_equal(0, register_low_memory_notifier(&notifier));
	assert_int_equal(-EEXIST, register_low_memory_notifier(&notifier));
	mm_idle();
	assert_int_equal(0, told.low + told.high);
	/* the request that enters the slow path tells, once */
	take_all(GFP_KERNEL, 0);
	assert_int_equal(1, told.low);
	assert_int_equal(ZONE_DMA32, told.zone);
	/* up and down around low and up to just below high: not a word */
	for (int i = 0; i < 10; i++) {
		while (free_pages_now() < info.mark.high - 1)
			assert_int_equal(0, __free_page(held[--nr_held]));
		mm_idle();
		take_all(GFP_KERNEL, 0);
		mm_idle();
	}
	assert_int_equal(1, told.low);
	assert_int_equal(0, told.high);
	while (free_pages_now() < info.mark.high)
		assert_int_equal(0, __free_page(held[--nr_held]));
	mm_idle();
	mm_idle();
	assert_int_equal(1, told.high);
	take_all(GFP_KERNEL, 0);
	assert_int_equal(2, told.low);
	unregister_low_memory_notifier(&notifier);
	give_all();
	mm_idle();
	assert_int_equal(1, told.high);
}

/* An interrupt neither changes the lists nor runs what is on them. */
static void no_callbacks_in_interrupt(void **state)
{
	struct low_memory_notifier notifier = {.notify = on_low_memory};

	(void)state;
	memset(&told, 0, sizeof(told));
	assert_int_equal(0, mm_set_min_free_kbytes(1000 * 4));
	assert_int_equal(0, register_low_memory_notifier(&notifier));
	take_all(GFP_NOWAIT, 0);
	port_pcpu()->irq_depth = 1;
	mm_idle();
	assert_int_equal(-EBUSY, register_shrinker(&shrinker));
	assert_int_equal(-EBUSY, unregister_low_memory_notifier(&notifier));
	port_pcpu()->irq_depth = 0;
	assert_int_equal(0, told.low + told.high);
	mm_idle();
	assert_int_equal(1, told.low);
	assert_int_equal(-ENOENT, unregister_shrinker(&shrinker));
	assert_int_equal(0, unregister_low_memory_notifier(&notifier));
	give_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shrinkers_serve, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(several_shrinkers, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(retry_policy, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(nofail_outlasts_rounds, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(callbacks_never_recurse, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(callbacks_never_in_interrupt, policy_start,
						policy_stop),
		cmocka_unit_test_setup_teardown(notifier_hysteresis, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(no_callbacks_in_interrupt, policy_start,
						policy_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
