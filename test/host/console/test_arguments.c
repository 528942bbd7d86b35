/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_arguments.c: flags as the user types them: what is right is read, and of what is wrong the
 * first thing is said: a word that is no flag, then bits that are none, then flags that exclude
 * each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* the sources themselves: they are not among the objects that every host test links */
#include "console/arguments.c"
#include "console/parse.c"

int console_usage(const char *name)
{
	(void)name;
	return 1;
}

static void right(void **state)
{
	static const struct {
		const char *text;
		gfp_t gfp;
	} all[] = {
		{"GFP_KERNEL", GFP_KERNEL},
		{"0x110", GFP_KERNEL},
		{"272", GFP_KERNEL},
		{"0", 0},
		{"GFP_NOWAIT", GFP_NOWAIT},
		{"GFP_KERNEL|__GFP_HIGH", GFP_KERNEL | __GFP_HIGH},
		{"0x20|__GFP_ZERO|512", __GFP_MOVABLE | __GFP_ZERO},
		{"GFP_ATOMIC|GFP_ATOMIC", GFP_ATOMIC},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char why[128] = "untouched";
		gfp_t gfp = 7;

		assert_int_equal(console_gfp(all[i].text, &gfp, why, sizeof(why)), 0);
		assert_int_equal(gfp, all[i].gfp);
		assert_string_equal(why, "untouched");
	}
}

static void wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} all[] = {
		{"0xffffffff", "'0xffffffff': unknown flags 0xfff8000f"},
		{"4294967295", "'4294967295': unknown flags 0xfff8000f"},
		{"0x100000110", "'0x100000110': unknown flags 0x100000000"},
		{"GFP_KERNEL|0x80000000", "'GFP_KERNEL|0x80000000': unknown flags 0x80000000"},
		{"__GFP_MOVABLE|0x40|0x80000",
		 "'__GFP_MOVABLE|0x40|0x80000': unknown flags 0x80000"},
		{"1|2|__GFP_ZERO|8", "'1|2|__GFP_ZERO|8': unknown flags 0xb"},
		{"0x60", "'0x60': __GFP_MOVABLE and __GFP_RECLAIMABLE exclude each other"},
		{"__GFP_MOVABLE|64",
		 "'__GFP_MOVABLE|64': __GFP_MOVABLE and __GFP_RECLAIMABLE exclude each other"},
		{"GFP_NOSUCH|0x80000060", "'GFP_NOSUCH' is not a flag;"},
		{"__GFP_MOVABLE|__GFP_RECLAIMABLE|__GFP_X", "'__GFP_X' is not a flag;"},
		{"gfp_kernel", "'gfp_kernel' is not a flag;"},
		{"GFP_KERNEL|", "'' is not a flag;"},
		{"|GFP_KERNEL", "'' is not a flag;"},
		{"", "'' is not a flag;"},
		{"-1", "'-1' is not a flag;"},
		{"0x", "'0x' is not a flag;"},
		{"0x1ffffffffffffffff", "'0x1ffffffffffffffff' is not a flag;"},
		{"GFP_KERNEL __GFP_ZERO", "'GFP_KERNEL __GFP_ZERO' is not a flag;"},
		{"__GFP_ZERO__GFP_ZERO__GFP_ZERO__GFP_ZERO",
		 "'__GFP_ZERO__GFP_ZERO__GFP_ZERO__GFP_ZERO' is not a flag;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char why[256] = "";
		gfp_t gfp = 7;

		assert_int_equal(console_gfp(all[i].text, &gfp, why, sizeof(why)), 1);
		assert_int_equal(gfp, 7);
		if (strncmp(why, all[i].why, strlen(all[i].why)) != 0)
			fail_msg("%s: %s", all[i].text, why);
	}
}

/* Every flag there is can be completed, and each completion is one. */
static void completes(void **state)
{
	const char *name;
	gfp_t every = 0, gfp;
	char why[128];

	(void)state;
	for (unsigned int n = 0; (name = console_complete_gfp("", n)) != NULL; n++) {
		assert_int_equal(console_gfp(name, &gfp, why, sizeof(why)), 0);
		every |= gfp;
	}
	assert_int_equal(every, __GFP_BITS_MASK);
	assert_string_equal(console_complete_gfp("__GFP_ZERO|GFP", 0), "__GFP_ZERO|GFP_KERNEL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right),
		cmocka_unit_test(wrong),
		cmocka_unit_test(completes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
