/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_policy_debug.c: what can be switched on at run time: poisoning, init_on_alloc, init_on_free,
 * fault injection, tracepoints (FEATURES rows 28, 38, 39).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "machine.h"
#include "mm/state.h"
#include "policy.h"
#include "test/host/port_host.h"

static int stop(void **state)
{
	static const struct mm_fail off;

	mm_set_fail(&off);
	mm_trace_start(NULL, 0);
	assert_int_equal(0, mm_set_hooks(0));
	return policy_stop(state);
}

static bool all_bytes(const struct page *page, unsigned int order, int byte)
{
	const unsigned char *at = page_address(page);

	for (size_t i = 0; i < PAGE_SIZE << order; i++)
		if (at[i] != byte)
			return false;
	return true;
}

/* ---- row 28 -------------------------------------------------------------------------------- */

static void init_on_alloc(void **state)
{
	(void)state;
	assert_int_equal(0, mm_set_hooks(MM_HOOK_INIT_ON_ALLOC));
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		for (int again = 0; again < 2; again++) {
			struct page *page = alloc_pages(GFP_KERNEL, order);

			assert_non_null(page);
			assert_true(all_bytes(page, order, 0));
			memset(page_address(page), 0xa5, PAGE_SIZE << order);
			assert_int_equal(0, __free_pages(page, order));
		}
	}
	assert_int_equal(0, mm_set_hooks(0));
}

static void init_on_free(void **state)
{
	(void)state;
	assert_int_equal(0, mm_set_hooks(MM_HOOK_INIT_ON_FREE));
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		assert_non_null(page);
		memset(page_address(page), 0xa5, PAGE_SIZE << order);
		assert_int_equal(0, __free_pages(page, order));
		assert_true(all_bytes(page, order, 0));
	}
}

/* Every way to free clears all of what it frees: shared blocks, exact sizes, references. */
static void init_on_free_of_parts(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);
	void *exact;

	(void)state;
	assert_int_equal(0, mm_set_hooks(MM_HOOK_INIT_ON_FREE));
	memset(page_address(page), 0xa5, PAGE_SIZE << 3);
	get_page(page);
	assert_int_equal(0, __free_pages(page, 3));
	for (unsigned int i = 1; i < 8; i++)
		assert_true(all_bytes(page + i, 0, 0));
	assert_true(all_bytes(page, 0, 0xa5)); /* someone holds it */
	assert_int_equal(0, put_page(page));
	assert_true(all_bytes(page, 0, 0));
	exact = alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL);
	memset(exact, 0xa5, 5 * PAGE_SIZE);
	page = virt_to_page(exact);
	assert_int_equal(0, free_pages_exact(exact, 5 * PAGE_SIZE));
	for (unsigned int i = 0; i < 5; i++)
		assert_true(all_bytes(page + i, 0, 0));
	page = alloc_pages(GFP_KERNEL | __GFP_COMP, 4);
	memset(page_address(page), 0xa5, PAGE_SIZE << 4);
	assert_int_equal(0, put_page(page + 7));
	assert_true(all_bytes(page, 4, 0));
}

/*
 * Another CPU has set the hooks, and this one was not told yet. A request or a free that the hot
 * path does not serve finds out: what the hot path frees from then on is cleared.
 */
static void hooks_set_elsewhere(void **state)
{
	(void)state;
	/* The hot path serves frees there from now on. */
	assert_int_equal(0, __free_page(alloc_page(GFP_KERNEL)));
	for (unsigned int way = 0; way < 3; way++) {
		struct page *page = alloc_page(GFP_KERNEL), *other = NULL;

		assert_non_null(page);
		memset(page_address(page), 0xa5, PAGE_SIZE);
		if (way == 1)
			other = alloc_page(GFP_KERNEL);
		mm.hooks = MM_HOOK_INIT_ON_FREE;
		if (way == 0)
			other = alloc_page(GFP_KERNEL | __GFP_ZERO);
		else if (way == 1)
			assert_int_equal(0, free_pages_phys(page_to_phys(other), 0));
		else
			other = alloc_pages_between(GFP_KERNEL, 0, 0, ~(phys_addr_t)0);
		assert_int_equal(0, __free_page(page));
		assert_true(all_bytes(page, 0, 0));
		if (way != 1)
			assert_int_equal(0, __free_page(other));
		assert_int_equal(0, mm_set_hooks(0));
	}
}

static struct page *taken[20000];
static unsigned int nr_taken;

/* Allocate until it is this one. */
static void take_until(const struct page *page, unsigned int order)
{
	do {
		assert_true(nr_taken < 20000);
		taken[nr_taken] = alloc_pages(GFP_KERNEL, order);
		assert_non_null(taken[nr_taken]);
	} while (taken[nr_taken++] != page);
}

static void give_back(unsigned int order)
{
	while (nr_taken)
		assert_int_equal(0, __free_pages(taken[--nr_taken], order));
}

static void poison_finds_write_after_free(void **state)
{
	uint64_t hits = stats_now().poison_hit;
	struct page *page;

	(void)state;
	assert_int_equal(-EINVAL, mm_set_hooks(MM_HOOK_POISON | MM_HOOK_INIT_ON_FREE));
	assert_int_equal(0, mm_set_hooks(MM_HOOK_POISON));
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		page = alloc_pages(GFP_KERNEL, order);
		assert_non_null(page);
		memset(page_address(page), 0xa5, PAGE_SIZE << order);
		assert_int_equal(0, __free_pages(page, order));
		assert_int_equal(hits, stats_now().poison_hit);
		port_host_log_hook = port_host_capture;
		port_host_log_clear();
		((char *)page_address(page))[(PAGE_SIZE << order) - 3] = 0x5a;
		take_until(page, order);
		port_host_log_hook = port_host_quiet;
		assert_int_equal(++hits, stats_now().poison_hit);
		assert_non_null(strstr(port_host_log_text, "was written while it was free: 0x5a at "
							   "offset "));
		give_back(order);
	}
}

/* Honest use under poison: nothing is found, whichever way pages come and go. */
static void poison_has_no_false_alarm(void **state)
{
	uint64_t hits = stats_now().poison_hit, seed = 11;
	struct page *mine[200] = {0};
	unsigned int order[200];

	(void)state;
	for (unsigned int i = 0; i < 3000; i++) {
		unsigned int n = (unsigned int)(host_random(&seed) % 200);
		void *exact;

		if (i == 1000)
			assert_int_equal(0, mm_set_hooks(MM_HOOK_POISON));
		if (mine[n]) {
			switch (host_random(&seed) % 4) {
			case 0: /* another holder: the tails go now, the head later */
				get_page(mine[n]);
				assert_int_equal(0, __free_pages(mine[n], order[n]));
				memset(page_address(mine[n]), 0x11, PAGE_SIZE);
				assert_int_equal(0, put_page(mine[n]));
				break;
			case 1:
				assert_int_equal(0, put_page(mine[n]));
				break;
			default:
				assert_int_equal(0, __free_pages(mine[n], order[n]));
			}
			mine[n] = NULL;
			continue;
		}
		order[n] = (unsigned int)(host_random(&seed) % 6);
		mine[n] = alloc_pages(GFP_KERNEL | (host_random(&seed) % 2 ? __GFP_ZERO : 0),
				      order[n]);
		if (mine[n])
			memset(page_address(mine[n]), 0x77, PAGE_SIZE << order[n]);
		exact = alloc_pages_exact(5 * PAGE_SIZE,
					  GFP_KERNEL | (i % 2 ? __GFP_ZERO : __GFP_MOVABLE));
		if (exact) {
			memset(exact, 0x33, 5 * PAGE_SIZE);
			assert_int_equal(0, free_pages_exact(exact, 5 * PAGE_SIZE));
		}
		if (i % 500 == 0)
			drain_all_pages();
	}
	for (unsigned int n = 0; n < 200; n++)
		if (mine[n])
			assert_int_equal(0, __free_pages(mine[n], order[n]));
	assert_int_equal(hits, stats_now().poison_hit);
}

/*
 * Memory that a late free adds under poison holds what its owner wrote: no alarm, and the pattern
 * from then on.
 */
static void poison_and_late_free(void **state)
{
	uint64_t hits;
	struct page *page;
	char *late = phys_to_virt(0x80100000);

	(void)state;
	hits = stats_now().poison_hit;
	assert_int_equal(0, mm_set_hooks(MM_HOOK_POISON));
	memset(late, 0x42, 512 * PAGE_SIZE / 2);
	assert_int_equal(0, memblock_free_late(0x80100000, 256 * PAGE_SIZE));
	for (;;) {
		page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
		if (!page || page_address(page) == late)
			break;
		*(struct page **)page_address(page) = NULL; /* kept: there is no more of it */
	}
	assert_non_null(page);
	assert_int_equal(hits, stats_now().poison_hit);
}

static int stop_late(void **state)
{
	(void)state;
	assert_int_equal(0, mm_set_hooks(0));
	machine_drop();
	port_host_log_hook = NULL;
	return 0;
}

/* ---- row 38 -------------------------------------------------------------------------------- */

static void fault_injection(void **state)
{
	static struct mm_trace_entry events[4];
	struct mm_fail fail = {.every = 7, .min_order = 1, .times = 100}, now;
	struct mm_stats before = stats_now();
	unsigned int refused = 0;
	uint64_t hash;

	(void)state;
	mm_set_fail(&fail);
	hash = mm_state_hash();
	for (unsigned int i = 1; i <= 2000; i++) {
		struct page *small = alloc_page(GFP_KERNEL), *page;

		assert_non_null(small); /* order 0 does not match */
		assert_int_equal(0, __free_page(small));
		if (i == 7)
			hash = mm_state_hash();
		page = alloc_pages(GFP_KERNEL, 1 + i % 3);
		if (page) {
			assert_int_equal(0, __free_pages(page, 1 + i % 3));
			continue;
		}
		refused++;
		assert_int_equal(0, i % 7);
		if (i == 7)
			assert_true(hash == mm_state_hash());
	}
	assert_int_equal(100, refused); /* 285 would be every 7th */
	mm_get_fail(&now);
	assert_int_equal(2000, now.seen);
	assert_int_equal(100, now.failed);
	assert_int_equal(before.fail_injected + 100, stats_now().fail_injected);
	assert_int_equal(before.alloc_failed + 100, stats_now().alloc_failed);
	/* NOFAIL is never among them; every=1 without a limit fails all the others */
	fail = (struct mm_fail){.every = 1};
	mm_set_fail(&fail);
	for (unsigned int order = 0; order < 4; order++) {
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOFAIL, order);

		assert_null(alloc_pages(GFP_KERNEL, order));
		assert_non_null(page);
		assert_int_equal(0, __free_pages(page, order));
	}
	/* switched on and off, it leaves the other hooks as they are */
	assert_int_equal(0, mm_set_hooks(MM_HOOK_POISON | MM_HOOK_INIT_ON_ALLOC));
	assert_int_equal(0, mm_trace_start(events, 4));
	assert_int_equal(0, mm_set_fail(&fail));
	assert_int_equal(MM_HOOK_POISON | MM_HOOK_INIT_ON_ALLOC | MM_HOOK_TRACE | MM_HOOK_FAIL,
			 mm_hooks());
	fail.every = 0;
	assert_int_equal(0, mm_set_fail(&fail));
	assert_int_equal(MM_HOOK_POISON | MM_HOOK_INIT_ON_ALLOC | MM_HOOK_TRACE, mm_hooks());
}

/* ---- row 39 -------------------------------------------------------------------------------- */

static struct mm_trace_entry ring[64], entries[64];

static void tracepoints(void **state)
{
	struct page *page, *block;
	char text[256], expected[256];
	size_t n;

	(void)state;
	assert_int_equal(-EINVAL, mm_trace_start(ring, 63));
	assert_int_equal(0, mm_trace_read(entries, 64));
	assert_int_equal(0, mm_trace_start(ring, 64));
	page = alloc_page(GFP_KERNEL | __GFP_MOVABLE);
	block = alloc_pages(GFP_ATOMIC | __GFP_ZERO, 3);
	assert_int_equal(0, __free_pages(block, 3));
	assert_int_equal(0, __free_page(page));
	n = mm_trace_read(entries, 64);
	assert_int_equal(4, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(i, entries[i].sequence);
	snprintf(
		expected, sizeof(expected),
		"mm_page_alloc: pfn=0x%llx order=0 migratetype=1 gfp_flags=GFP_KERNEL|__GFP_MOVABLE",
		(unsigned long long)page_to_pfn(page));
	assert_string_equal(expected, mm_trace_text(&entries[0], text, sizeof(text)));
	snprintf(expected, sizeof(expected),
		 "mm_page_alloc: pfn=0x%llx order=3 migratetype=0 gfp_flags=GFP_ATOMIC|__GFP_ZERO",
		 (unsigned long long)page_to_pfn(block));
	assert_string_equal(expected, mm_trace_text(&entries[1], text, sizeof(text)));
	snprintf(expected, sizeof(expected), "mm_page_free: pfn=0x%llx order=3",
		 (unsigned long long)page_to_pfn(block));
	assert_string_equal(expected, mm_trace_text(&entries[2], text, sizeof(text)));
	drain_all_pages();
	n = mm_trace_read(entries, 64);
	assert_true(n > 4);
	assert_non_null(strstr(mm_trace_text(&entries[n - 1], text, sizeof(text)),
			       "mm_page_pcpu_drain: pfn=0x"));
	while (n && !(entries[n - 1].type == MM_TRACE_PCPU_DRAIN && entries[n - 1].order == 3 &&
		      entries[n - 1].pfn == page_to_pfn(block)))
		n--;
	assert_int_not_equal(0, n); /* the block too */
	/* the oldest are overwritten, the count goes on */
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(0, __free_page(alloc_page(GFP_KERNEL)));
	n = mm_trace_read(entries, 64);
	assert_int_equal(64, n);
	for (unsigned int i = 1; i < n; i++)
		assert_int_equal(entries[i - 1].sequence + 1, entries[i].sequence);
	assert_true(entries[0].sequence > 100);
	assert_int_equal(10, mm_trace_read(entries, 10));
	assert_int_equal(0, mm_trace_start(NULL, 0));
	assert_int_equal(0, mm_trace_read(entries, 64));
}

/* A request that no pageblock of its type can serve leaves the record of the fallback. */
static void tracepoint_extfrag(void **state)
{
	struct page *page[20000], *odd[4000];
	uint64_t extfrag;
	char text[256];
	unsigned int count = 0, odds = 0;
	bool seen = false;
	size_t n;

	(void)state;
	while ((page[count] = alloc_page(GFP_KERNEL | __GFP_MOVABLE | __GFP_NOWARN)))
		count++;
	for (unsigned int i = 0; i < count; i += 2) {
		assert_int_equal(0, __free_page(page[i]));
		page[i] = NULL;
	}
	drain_all_pages();
	assert_int_equal(0, mm_trace_start(ring, 64));
	extfrag = stats_now().extfrag;
	/* first what its own pageblocks have */
	while (odds < 4000 && stats_now().extfrag == extfrag) {
		odd[odds] = alloc_page(GFP_KERNEL);
		assert_non_null(odd[odds++]);
	}
	n = mm_trace_read(entries, 64);
	for (unsigned int i = 0; i < n; i++)
		seen |= strstr(mm_trace_text(&entries[i], text, sizeof(text)),
			       "mm_page_alloc_extfrag: pfn=0x") &&
			strstr(text,
			       "alloc_migratetype=0 fallback_migratetype=1 change_ownership=1");
	assert_true(seen);
	assert_int_equal(extfrag + 1, stats_now().extfrag);
	while (odds)
		assert_int_equal(0, __free_page(odd[--odds]));
	for (unsigned int i = 0; i < count; i++)
		if (page[i])
			assert_int_equal(0, __free_page(page[i]));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, policy_start_caches, stop)
	const struct CMUnitTest tests[] = {
		TEST(init_on_alloc),
		TEST(init_on_free),
		TEST(init_on_free_of_parts),
		TEST(hooks_set_elsewhere),
		TEST(poison_finds_write_after_free),
		TEST(poison_has_no_false_alarm),
		cmocka_unit_test_setup_teardown(poison_and_late_free, policy_start_caches,
						stop_late),
		TEST(fault_injection),
		TEST(tracepoints),
		TEST(tracepoint_extfrag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
