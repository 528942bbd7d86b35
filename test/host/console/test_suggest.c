/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_suggest.c: which command is offered for a misspelt one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "console/suggest.c"

static const char *const names[] = {"alloc",	    "buddyinfo", "free", "map",	 "maps", "meminfo",
				    "pagetypeinfo", "pci",	 "pcp",	 "test", NULL};

static const char *name_at(unsigned int n)
{
	return names[n];
}

static void test_near(void **state)
{
	static const char *const pairs[][2] = {
		{"aloc", "alloc"},
		{"alocc", "alloc"},
		{"fere", "free"},
		{"medinfo", "meminfo"},
		{"buddy", "buddyinfo"},
		{"budyifno", "buddyinfo"},
		{"pagetype", "pagetypeinfo"},
		{"mpa", "map"},
		{"tset", "test"},
		{"pcq", "pci"} /* as near as pcp: the first */,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_string_equal(suggest(pairs[i][0], name_at), pairs[i][1]);
}

static void test_far(void **state)
{
	static const char *const words[] = {
		"",	     "x",      "pa",
		"nosuch",    "a",      "xyzzy",
		"fr",	     "tsetx1", "a word that is longer than any command can be",
		"meminfoxyz"};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_null(suggest(words[i], name_at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
