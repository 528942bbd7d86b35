/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_policy_reclaim.c: what happens between the first "no" and the refusal: shrinkers, low-memory notifiers, the
 * HIGHATOMIC reserve, retries, __GFP_NOFAIL, and the report (FEATURES rows 34 to 37).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "port_host.h"

#define ONE_BANK_CACHES 0 /* of layouts[]: 64 MiB */
#define ONE_BANK	1 /* the same, no caches */

static struct page *held[20000];
static unsigned int nr_held;

static int start(void **state)
{
	*state = NULL;
	port_host_log_hook = port_host_quiet;
	machine_start(&layouts[ONE_BANK]);
	return 0;
}

static int start_caches(void **state)
{
	*state = NULL;
	port_host_log_hook = port_host_quiet;
	machine_start(&layouts[ONE_BANK_CACHES]);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	machine_stop();
	port_host_log_hook = NULL;
	return 0;
}

static void take_pages(gfp_t gfp)
{
	struct page *page;

	while ((page = alloc_page(gfp | __GFP_NOWARN)))
		held[nr_held++] = page;
}

static void give_all(void)
{
	while (nr_held)
		assert_int_equal(0, __free_page(held[--nr_held]));
}

static uint64_t free_pages_now(void)
{
	struct zone_info info;

	mm_zone_info(ZONE_DMA32, &info);
	return info.free;
}

static struct mm_stats stats(void)
{
	struct mm_stats now;

	mm_get_stats(&now);
	return now;
}

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

	(void)shrinker;
	hoard.calls++;
	assert_int_equal(1, port_pcpu()->in_reclaim);
	hoard.in_interrupt |= port_pcpu()->irq_depth > 0;
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

static void shrinkers_serve(void **state)
{
	struct mm_stats before = stats();
	struct page *page;

	(void)state;
	hoard_fill(300, 128);
	assert_int_equal(0, register_shrinker(&shrinker));
	assert_int_equal(-EEXIST, register_shrinker(&shrinker));
	/* a request that cannot wait calls nobody */
	take_pages(GFP_NOWAIT);
	assert_int_equal(0, hoard.calls + hoard.asked);
	assert_int_equal(0, free_pages_now());
	page = alloc_page(GFP_KERNEL | __GFP_MOVABLE);
	assert_non_null(page);
	held[nr_held++] = page;
	assert_int_equal(1, hoard.calls);
	assert_int_equal(GFP_KERNEL | __GFP_MOVABLE, hoard.gfp);
	assert_int_equal(300 - 128, hoard.count);
	assert_int_equal(before.shrunk + 128, stats().shrunk);
	assert_true(stats().stage[MM_STAGE_RECLAIM] > before.stage[MM_STAGE_RECLAIM]);
	take_pages(GFP_KERNEL);
	assert_int_equal(0, hoard.count);
	unregister_shrinker(&shrinker);
	hoard.asked = 0;
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(0, hoard.asked);
	give_all();
}

/* How often shrinkers are asked: NORETRY once, the others some rounds, RETRY_MAYFAIL longer; as long as they free. */
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
		take_pages(GFP_NOWAIT);
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

static void callbacks_never_recurse(void **state)
{
	(void)state;
	assert_int_equal(0, mm_set_min_free_kbytes(64 * 4));
	hoard_fill(200, 100);
	hoard.allocates = true;
	assert_int_equal(0, register_shrinker(&shrinker));
	take_pages(GFP_KERNEL);
	assert_true(hoard.calls > 0);
	assert_int_equal(hoard.calls, hoard.nested);
	assert_int_equal(0, port_pcpu()->in_reclaim);
	unregister_shrinker(&shrinker);
	hoard_empty();
	give_all();
}

static void callbacks_never_in_interrupt(void **state)
{
	struct mm_stats before = stats();

	(void)state;
	hoard_fill(10, 10);
	assert_int_equal(0, register_shrinker(&shrinker));
	take_pages(GFP_NOWAIT);
	port_pcpu()->irq_depth = 1;
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN)); /* a mistake: it may wait */
	assert_null(alloc_page(GFP_ATOMIC | __GFP_NOWARN));
	mm_idle();
	port_pcpu()->irq_depth = 0;
	assert_int_equal(0, hoard.calls + hoard.asked);
	assert_int_equal(before.might_sleep + 1, stats().might_sleep);
	assert_non_null(held[nr_held++] = alloc_page(GFP_KERNEL));
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
	take_pages(GFP_KERNEL);
	assert_int_equal(1, told.low);
	assert_int_equal(ZONE_DMA32, told.zone);
	/* up and down around low and up to just below high: not a word */
	for (int i = 0; i < 10; i++) {
		while (free_pages_now() < info.mark.high - 1)
			assert_int_equal(0, __free_page(held[--nr_held]));
		mm_idle();
		take_pages(GFP_KERNEL);
		mm_idle();
	}
	assert_int_equal(1, told.low);
	assert_int_equal(0, told.high);
	while (free_pages_now() < info.mark.high)
		assert_int_equal(0, __free_page(held[--nr_held]));
	mm_idle();
	mm_idle();
	assert_int_equal(1, told.high);
	take_pages(GFP_KERNEL);
	assert_int_equal(2, told.low);
	unregister_low_memory_notifier(&notifier);
	give_all();
	mm_idle();
	assert_int_equal(1, told.high);
}

/* ---- HIGHATOMIC ---------------------------------------------------------------------------- */

/* As an interrupt handler: order 1, at once. */
static struct page *in_interrupt(void)
{
	struct page *page;

	port_pcpu()->irq_depth++;
	page = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 1);
	port_pcpu()->irq_depth--;
	return page;
}

static uint64_t nr_highatomic(void)
{
	struct zone_info info;

	mm_zone_info(ZONE_DMA32, &info);
	return info.nr_highatomic;
}

/*
 * Threads take all they can get, fragment it as badly as can be, and take all again; an interrupt that has been served before
 * still gets its block of order 1.
 */
static void highatomic_survives_pressure(void **state)
{
	struct page *page = in_interrupt();
	struct zone_info info;

	(void)state;
	assert_non_null(page);
	assert_int_equal(0, __free_pages(page, 1));
	mm_zone_info(ZONE_DMA32, &info);
	assert_int_equal(pageblock_nr_pages, info.nr_highatomic);
	for (int round = 0; round < 3; round++) {
		/* without a min mark: all but the reserve goes */
		take_pages(round % 2 ? GFP_KERNEL | __GFP_NORETRY : GFP_NOWAIT);
		assert_true(free_pages_now() <= pageblock_nr_pages);
		for (int i = 0; i < 100; i++) {
			page = in_interrupt();
			assert_non_null(page);
			assert_int_equal(0, __free_pages(page, 1));
		}
		for (unsigned int i = 0; i < nr_held; i++)
			if (page_to_pfn(held[i]) & 1) {
				assert_int_equal(0, __free_page(held[i]));
				held[i--] = held[--nr_held];
			}
		assert_null(alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 1));
		page = in_interrupt();
		assert_non_null(page);
		assert_int_equal(0, __free_pages(page, 1));
	}
	/* a single page for an interrupt comes from there too, when nothing else is left */
	take_pages(GFP_NOWAIT);
	page = alloc_page(GFP_ATOMIC);
	assert_non_null(page);
	held[nr_held++] = page;
	/* rather than be refused, who may wait takes it */
	assert_int_equal(pageblock_nr_pages, nr_highatomic());
	page = alloc_page(GFP_KERNEL);
	assert_non_null(page);
	held[nr_held++] = page;
	assert_int_equal(0, nr_highatomic());
	give_all();
}

/* The reserve does not grow past 1 % of the zone and a pageblock, and goes back when it is not needed. */
static void highatomic_is_bounded(void **state)
{
	struct page *pages[2000];
	struct zone_info info;
	unsigned int n = 0;

	(void)state;
	while (n < 2000 && (pages[n] = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 1)))
		n++;
	assert_int_equal(2000, n);
	mm_zone_info(ZONE_DMA32, &info);
	assert_in_range(info.nr_highatomic, 1, info.managed / 100 + pageblock_nr_pages);
	while (n)
		assert_int_equal(0, __free_pages(pages[--n], 1));
	take_pages(GFP_KERNEL);
	assert_int_equal(0, nr_highatomic());
	assert_int_equal(0, free_pages_now());
	give_all();
}

/* ---- NOFAIL -------------------------------------------------------------------------------- */

static void nofail_panics(void **state)
{
	jmp_buf jump;

	(void)state;
	assert_int_equal(0, mm_set_min_free_kbytes(50 * 4));
	take_pages(GFP_KERNEL);
	assert_int_equal(50, free_pages_now());
	/* it may have the last page ... */
	while (free_pages_now())
		held[nr_held++] = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	/* ... and one more is the end */
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	port_host_panic_jump = &jump;
	if (!setjmp(jump)) {
		alloc_page(GFP_KERNEL | __GFP_NOFAIL);
		fail_msg("a request was served from nothing, or refused");
	}
	port_host_panic_jump = NULL;
	assert_non_null(strstr(port_host_panic_text, "__GFP_NOFAIL"));
	assert_non_null(strstr(port_host_log_text, "page allocation failure: order:0"));
	port_host_log_hook = port_host_quiet;
	give_all();
}

/* ---- row 37: the report -------------------------------------------------------------------- */

static void report(void **state)
{
	char nearest[64];
	uint64_t hash;

	(void)state;
	take_pages(GFP_KERNEL);
	/* every second page, and all of one block of order 3 but its third */
	for (unsigned int i = 0; i < nr_held; i++) {
		pfn_t pfn = page_to_pfn(held[i]), in = pfn - 0x80800;

		if (in < 8 ? in != 2 : pfn & 1) {
			assert_int_equal(0, __free_page(held[i]));
			held[i--] = held[--nr_held];
		}
	}
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	hash = mm_state_hash();
	assert_null(alloc_pages(GFP_KERNEL | __GFP_COMP, 3));
	assert_true(hash == mm_state_hash());
	assert_non_null(strstr(port_host_log_text, "page allocation failure: order:3, mode:0x500("
						   "GFP_KERNEL|__GFP_COMP)"));
	assert_non_null(strstr(port_host_log_text, "zone DMA32: no free block of order 3"));
	assert_non_null(strstr(port_host_log_text, " pages in per-CPU caches"));
	assert_non_null(strstr(port_host_log_text, "largest free order "));
	snprintf(nearest, sizeof(nearest), "nearest block 0x%llx: 1 of 8 pages in use by 1 blocks",
		 0x80800000ULL);
	assert_non_null(strstr(port_host_log_text, nearest));
	assert_non_null(strstr(port_host_log_text, "the first is 0x80802000 order 0"));
	assert_non_null(strstr(port_host_log_text, "would help: "));
	/* quiet when asked to be, one line in an interrupt */
	port_host_log_clear();
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 3));
	assert_string_equal("", port_host_log_text);
	port_pcpu()->irq_depth = 1;
	assert_null(alloc_pages(GFP_ATOMIC, 3));
	port_pcpu()->irq_depth = 0;
	assert_ptr_equal(strchr(port_host_log_text, '\n') + 1,
			 port_host_log_text + strlen(port_host_log_text));
	assert_non_null(strstr(port_host_log_text, "(GFP_ATOMIC): zone DMA32: no free block"));
	port_host_log_hook = port_host_quiet;
	give_all();
}

/* The knob that the report names does help. */
static void report_names_the_knob(void **state)
{
	(void)state;
	assert_int_equal(0, mm_set_min_free_kbytes(1000 * 4));
	take_pages(GFP_KERNEL);
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	assert_null(alloc_page(GFP_KERNEL));
	assert_non_null(
		strstr(port_host_log_text, "1000 pages free, the min watermark keeps 1000"));
	assert_non_null(strstr(port_host_log_text, "would help: __GFP_HIGH"));
	held[nr_held] = alloc_page(GFP_KERNEL | __GFP_HIGH);
	assert_non_null(held[nr_held]);
	nr_held++;
	take_pages(GFP_ATOMIC);
	port_host_log_clear();
	assert_null(alloc_page(GFP_ATOMIC));
	assert_non_null(strstr(port_host_log_text, "would help: sysctl vm.min_free_kbytes=2000"));
	assert_int_equal(0, mm_set_min_free_kbytes(2000));
	assert_non_null(held[nr_held++] = alloc_page(GFP_ATOMIC));
	port_host_log_hook = port_host_quiet;
	give_all();
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(shrinkers_serve),
		TEST(retry_policy),
		TEST(callbacks_never_recurse),
		TEST(callbacks_never_in_interrupt),
		TEST(notifier_hysteresis),
		TEST(highatomic_survives_pressure),
		TEST(highatomic_is_bounded),
		TEST(nofail_panics),
		cmocka_unit_test_setup_teardown(report, start_caches, stop),
		TEST(report_names_the_knob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
