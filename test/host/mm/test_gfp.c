/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_gfp.c: allocation flags: each set has a name that is written and read, and what is wrong
 * with a set is said.
 */
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "policy.h"
#include "test/host/port_host.h"

static void flags_and_names(void **state)
{
	static const struct {
		const char *name;
		gfp_t gfp;
	} all[] = {
		{"GFP_KERNEL", GFP_KERNEL},
		{"GFP_ATOMIC", GFP_ATOMIC},
		{"GFP_NOWAIT", GFP_NOWAIT},
		{"GFP_DMA32", GFP_DMA32},
		{"__GFP_DMA32", __GFP_DMA32},
		{"__GFP_MOVABLE", __GFP_MOVABLE},
		{"__GFP_RECLAIMABLE", __GFP_RECLAIMABLE},
		{"__GFP_HIGH", __GFP_HIGH},
		{"__GFP_NOWARN", __GFP_NOWARN},
		{"__GFP_NORETRY", __GFP_NORETRY},
		{"__GFP_RETRY_MAYFAIL", __GFP_RETRY_MAYFAIL},
		{"__GFP_NOFAIL", __GFP_NOFAIL},
		{"__GFP_MEMALLOC", __GFP_MEMALLOC},
		{"__GFP_NOMEMALLOC", __GFP_NOMEMALLOC},
		{"__GFP_COMP", __GFP_COMP},
		{"__GFP_ZERO", __GFP_ZERO},
		{"__GFP_THISNODE", __GFP_THISNODE},
		{"__GFP_DIRECT_RECLAIM", __GFP_DIRECT_RECLAIM},
		{"__GFP_KSWAPD_RECLAIM", __GFP_KSWAPD_RECLAIM},
	};
	char text[256];
	gfp_t every = 0, gfp;

	(void)state;
	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		gfp = ~(gfp_t)0;
		assert_int_equal(0, gfp_parse(all[i].name, &gfp));
		assert_int_equal(all[i].gfp, gfp);
		assert_int_equal(0, gfp_parse(gfp_names(all[i].gfp, text, sizeof(text)), &gfp));
		assert_int_equal(all[i].gfp, gfp);
		/* as it was given, but for two bits that have a second name */
		if (all[i].gfp != __GFP_DMA32 && all[i].gfp != __GFP_KSWAPD_RECLAIM)
			assert_string_equal(all[i].name, text);
		every |= all[i].gfp;
	}
	assert_int_equal(__GFP_BITS_MASK, every);
	/* any sum of flags survives writing and reading; no bit is written as a bare number */
	for (gfp_t bits = 0; bits <= __GFP_BITS_MASK; bits += 0x10) {
		if ((bits & GFP_MOVABLE_MASK) == GFP_MOVABLE_MASK)
			continue;
		gfp_names(bits, text, sizeof(text));
		if (bits)
			assert_null(strstr(text, "0x"));
		assert_int_equal(0, gfp_parse(text, &gfp));
		assert_int_equal(bits, gfp);
	}
	static_assert((GFP_KERNEL | __GFP_MOVABLE | __GFP_COMP) == 0x530, "constants fold");
	static_assert(!(GFP_HOT_MASK & ~__GFP_BITS_MASK), "bits there are");
	/* what callers use takes the hot path */
	static_assert(!((GFP_KERNEL | GFP_ATOMIC | GFP_NOWAIT | GFP_DMA32) & ~GFP_HOT_MASK), "hot");
}

/* Sums of flags print as the names that made them, whatever other sum is near. */
static void names_of_sums(void **state)
{
	static const char *const same[] = {
		"GFP_KERNEL|__GFP_HIGH",
		"__GFP_HIGH",
		"__GFP_DIRECT_RECLAIM|__GFP_HIGH",
		"__GFP_DIRECT_RECLAIM",
		"GFP_ATOMIC|__GFP_ZERO",
		"GFP_NOWAIT|__GFP_NOWARN",
		"GFP_DMA32|GFP_NOWAIT",
		"GFP_DMA32|__GFP_HIGH",
		"GFP_KERNEL|GFP_DMA32|__GFP_MOVABLE|__GFP_ZERO",
		"__GFP_ZERO",
		"0",
	};
	char text[GFP_NAMES_SIZE], small[12];
	gfp_t gfp;

	(void)state;
	for (unsigned int i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_int_equal(0, gfp_parse(same[i], &gfp));
		assert_string_equal(same[i], gfp_names(gfp, text, sizeof(text)));
	}
	/* all bits: each known one by name, the unknown ones as one number, and all of it fits */
	gfp_names(~(gfp_t)0, text, sizeof(text));
	assert_true(strlen(text) + 1 < sizeof(text));
	assert_string_equal("0xfff8000f", strrchr(text, '|') + 1);
	assert_string_equal("GFP_KERNEL|", gfp_names(~(gfp_t)0, small, sizeof(small)));
	/* numbers are decimal or hexadecimal, never octal */
	assert_int_equal(0, gfp_parse("0000272", &gfp));
	assert_int_equal(GFP_KERNEL, gfp);
	assert_int_equal(0, gfp_parse("0X110", &gfp));
	assert_int_equal(GFP_KERNEL, gfp);
	assert_int_equal(-EINVAL, gfp_parse("0x", &gfp));
	assert_int_equal(-EINVAL, gfp_parse("0xfff80110", &gfp));
}

/* Bits that mean nothing are named, and before flags that exclude each other. */
static void unknown_bits_named(void **state)
{
	const gfp_t both = __GFP_MOVABLE | __GFP_RECLAIMABLE;
	char why[96];

	(void)state;
	assert_false(mm_explain(~(gfp_t)0, 0, why, sizeof(why)));
	assert_string_equal("unknown flags 0xfff8000f", why);
	assert_false(mm_explain(both | 0x80000, 0, why, sizeof(why)));
	assert_string_equal("unknown flags 0x80000", why);
	assert_false(mm_explain(both, 0, why, sizeof(why)));
	assert_non_null(strstr(why, "exclude each other"));
	assert_false(mm_explain(GFP_KERNEL, 11, why, sizeof(why)));
	assert_string_equal("order above 10", why);
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	assert_null(alloc_pages(~(gfp_t)__GFP_NOWARN & ~__GFP_NOFAIL, 0));
	assert_non_null(strstr(port_host_log_text,
			       "mode:0xfffbf7ff(0xfff8000f): unknown flags 0xfff8000f"));
}

static void both_mobilities_refused(void **state)
{
	struct mm_stats before = stats_now();
	gfp_t gfp = 7;

	(void)state;
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		assert_null(alloc_pages(GFP_KERNEL | __GFP_MOVABLE | __GFP_RECLAIMABLE, order));
	assert_null(alloc_page(__GFP_MOVABLE | __GFP_RECLAIMABLE));
	assert_int_equal(before.bad_request + NR_PAGE_ORDERS + 1, stats_now().bad_request);
	assert_int_equal(before.alloc_failed, stats_now().alloc_failed);
	assert_int_equal(-EINVAL, gfp_parse("__GFP_MOVABLE|__GFP_RECLAIMABLE", &gfp));
	assert_int_equal(-EINVAL, gfp_parse("0x60", &gfp));
	assert_int_equal(7, gfp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_and_names),
		cmocka_unit_test(names_of_sums),
		cmocka_unit_test_setup_teardown(unknown_bits_named, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(both_mobilities_refused, policy_start, policy_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
