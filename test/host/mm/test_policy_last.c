/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_policy_last.c: the last that a request may get, and what is said when there is no more: the
 * HIGHATOMIC reserve, __GFP_NOFAIL, and the report (FEATURES rows 34, 35 and 37).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "mm/state.h"
#include "policy.h"
#include "test/host/port_host.h"

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

/* All zones are below their low mark, with nothing taken; or as it was. */
static void pressure(bool on)
{
	assert_int_equal(0, mm_set_min_free_kbytes(on ? (free_pages_now() - 1) * 4 : 0));
}

/* The block that an interrupt gets goes back at once; what stays is the pageblock it came from. */
static void interrupt_served(void)
{
	struct page *page = in_interrupt();

	assert_non_null(page);
	assert_int_equal(0, __free_pages(page, 1));
}

/*
 * Threads take all they can get, fragment it as badly as can be, and take all again; an interrupt
 * that has been served under pressure before still gets its block of order 1.
 */
static void highatomic_survives_pressure(void **state)
{
	struct page *page;

	(void)state;
	for (int i = 0; i < 3; i++)
		interrupt_served();
	assert_int_equal(0, nr_highatomic()); /* there is no pressure */
	pressure(true);
	interrupt_served();
	pressure(false);
	assert_int_equal(pageblock_nr_pages, nr_highatomic());
	for (int round = 0; round < 3; round++) {
		/* without a min mark: all but the reserve goes */
		take_all(round % 2 ? GFP_KERNEL | __GFP_NORETRY : GFP_NOWAIT, 0);
		assert_true(free_pages_now() <= pageblock_nr_pages);
		for (int i = 0; i < 100; i++)
			interrupt_served();
		give_odd();
		assert_null(alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 1));
		interrupt_served();
	}
	/* a single page for an interrupt comes from there too, when nothing else is left */
	take_all(GFP_NOWAIT, 0);
	page = alloc_page(GFP_ATOMIC);
	hold(page, 0);
	/* rather than be refused, who may wait takes it */
	assert_int_equal(pageblock_nr_pages, nr_highatomic());
	page = alloc_page(GFP_KERNEL);
	hold(page, 0);
	assert_int_equal(0, nr_highatomic());
	give_all();
}

/*
 * The reserve does not grow past 1 % of the zone, rounded up to a pageblock, and goes back when it
 * is not needed.
 */
static void highatomic_is_bounded(void **state)
{
	struct page *pages[2000];
	unsigned int n = 0;

	(void)state;
	pressure(true);
	while (n < 2000 && (pages[n] = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 1)))
		n++;
	pressure(false);
	assert_int_equal(2000, n);
	assert_int_equal(2 * pageblock_nr_pages, nr_highatomic()); /* 1 %: 655 pages */
	while (n)
		assert_int_equal(0, __free_pages(pages[--n], 1));
	take_all(GFP_KERNEL, 0);
	assert_int_equal(0, nr_highatomic());
	assert_int_equal(0, free_pages_now());
	give_all();
}

/*
 * There is none where 1 % of the zone is less than a pageblock; the request is served all the same.
 */
static void highatomic_needs_room(void **state)
{
	uint64_t managed = mm.zones[ZONE_DMA32].managed;

	(void)state;
	for (uint64_t size = 100 * pageblock_nr_pages - 1; size <= 100 * pageblock_nr_pages;
	     size++) {
		pressure(true);
		mm.zones[ZONE_DMA32].managed = size;
		for (int i = 0; i < 3; i++)
			interrupt_served();
		mm.zones[ZONE_DMA32].managed = managed;
		pressure(false);
		assert_int_equal(size % 100 ? 0 : pageblock_nr_pages, nr_highatomic());
	}
	take_all(GFP_KERNEL, 0);
	assert_int_equal(0, nr_highatomic());
	give_all();
}

/* ---- NOFAIL -------------------------------------------------------------------------------- */

static void nofail_panics(void **state)
{
	jmp_buf jump;

	(void)state;
	assert_int_equal(0, mm_set_min_free_kbytes(50 * 4));
	take_all(GFP_KERNEL, 0);
	assert_int_equal(50, free_pages_now());
	/* it may have the last page ... */
	while (free_pages_now())
		hold(alloc_page(GFP_KERNEL | __GFP_NOFAIL), 0);
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

/*
 * All pages are held, but for 40 lone ones in the cache and the 8 of a block of order 3, which lies
 * below them in the cache or, drained, in the free lists. Returns the block.
 */
static pfn_t one_block_and_a_cache(bool drained)
{
	unsigned int whole = 0, lone = 0;
	pfn_t block;

	assert_int_equal(0, mm_set_min_free_kbytes(0));
	take_all(GFP_KERNEL | __GFP_MEMALLOC, 0);
	block = page_to_pfn(held[nr_held / 2]) >> 3;
	for (unsigned int n = 0; n < nr_held; n++)
		if (page_to_pfn(held[n]) >> 3 == block && ++whole)
			give_one(n--);
	if (drained)
		drain_all_pages();
	for (unsigned int n = 0; n < nr_held && lone < 40; n++)
		if (page_to_pfn(held[n]) % 64 == 1 && ++lone)
			give_one(n--);
	assert_int_equal(8 + 40, whole + lone);
	assert_int_equal(drained ? 8 : 0, free_pages_now());
	return block;
}

/*
 * A block of order 3 lies whole in the cache below newer pages, of which none makes one: a bounded
 * look does not find it, a thorough one does, on the only CPU also where the request may not wait.
 */
static void thorough_looks_deep(void **state)
{
	static const struct {
		gfp_t gfp;
		bool in_interrupt, served;
	} rules[] = {
		{GFP_KERNEL | __GFP_NORETRY, false, false},
		{GFP_ATOMIC, true, false},
		{GFP_KERNEL | __GFP_RETRY_MAYFAIL, false, true},
		{GFP_NOWAIT | __GFP_RETRY_MAYFAIL, false, true},
		{GFP_NOWAIT | __GFP_NOFAIL, false, true},
		{GFP_KERNEL | __GFP_NOFAIL, true, true},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		pfn_t block = one_block_and_a_cache(false);
		struct page *page;

		port_pcpu()->irq_depth = rules[i].in_interrupt;
		page = alloc_pages(rules[i].gfp | __GFP_NOWARN, 3);
		port_pcpu()->irq_depth = 0;
		assert_int_equal(rules[i].served, page != NULL);
		if (page) {
			assert_int_equal(block, page_to_pfn(page) >> 3);
			assert_int_equal(0, __free_pages(page, 3));
		}
		give_all();
		drain_all_pages();
	}
}

/*
 * The block asked for lies in the free lists, and only the cached pages lift the zone above its
 * mark: a thorough request has them given back, and the mark holds after it; a page less, and it is
 * refused and has changed nothing.
 */
static void thorough_drains(void **state)
{
	static const struct {
		gfp_t gfp;
		unsigned int kept;
		bool served;
	} rules[] = {
		{GFP_KERNEL, 20, false}, /* as Linux, which drains if reclaim has made progress */
		{GFP_KERNEL | __GFP_RETRY_MAYFAIL, 20, true},
		{GFP_KERNEL | __GFP_RETRY_MAYFAIL, 40, true},
		{GFP_KERNEL | __GFP_RETRY_MAYFAIL, 41, false},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct page *page;
		uint64_t hash;

		one_block_and_a_cache(true);
		assert_int_equal(0, mm_set_min_free_kbytes(rules[i].kept * 4));
		hash = mm_state_hash();
		assert_int_equal(rules[i].served, mm_explain(rules[i].gfp, 3, NULL, 0));
		assert_true(hash == mm_state_hash());
		page = alloc_pages(rules[i].gfp | __GFP_NOWARN, 3);
		assert_int_equal(rules[i].served, page != NULL);
		if (page) {
			assert_int_equal(40, free_pages_now());
			assert_int_equal(0, __free_pages(page, 3));
		} else {
			assert_true(hash == mm_state_hash());
		}
		give_all();
		drain_all_pages();
	}
}

/* ---- row 37: the report -------------------------------------------------------------------- */

static void report(void **state)
{
	char nearest[64];
	uint64_t hash;

	(void)state;
	take_all(GFP_KERNEL, 0);
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
	assert_non_null(strstr(port_host_log_text, "page allocation failure: order:3, mode:0x510("
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
	take_all(GFP_KERNEL, 0);
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	assert_null(alloc_page(GFP_KERNEL));
	assert_non_null(
		strstr(port_host_log_text, "1000 pages free, the min watermark keeps 1000"));
	assert_non_null(strstr(port_host_log_text, "would help: __GFP_HIGH"));
	held[nr_held] = alloc_page(GFP_KERNEL | __GFP_HIGH);
	assert_non_null(held[nr_held]);
	nr_held++;
	take_all(GFP_ATOMIC, 0);
	port_host_log_clear();
	assert_null(alloc_page(GFP_ATOMIC));
	assert_non_null(strstr(port_host_log_text, "would help: sysctl vm.min_free_kbytes=2000"));
	assert_int_equal(0, mm_set_min_free_kbytes(2000));
	hold(alloc_page(GFP_ATOMIC), 0);
	port_host_log_hook = port_host_quiet;
	give_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(highatomic_survives_pressure, policy_start_large,
						policy_stop),
		cmocka_unit_test_setup_teardown(highatomic_is_bounded, policy_start_large,
						policy_stop),
		cmocka_unit_test_setup_teardown(highatomic_needs_room, policy_start_large,
						policy_stop),
		cmocka_unit_test_setup_teardown(thorough_looks_deep, policy_start_caches,
						policy_stop),
		cmocka_unit_test_setup_teardown(thorough_drains, policy_start_caches, policy_stop),
		cmocka_unit_test_setup_teardown(nofail_panics, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(report, policy_start_caches, policy_stop),
		cmocka_unit_test_setup_teardown(report_names_the_knob, policy_start, policy_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
