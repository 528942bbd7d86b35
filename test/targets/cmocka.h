/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmocka.h: as much of cmocka as the host programs of mm/ use, in one header, for machines that cmocka is
 * not packaged for. A test that fails ends the program.
 */
#ifndef TARGETS_CMOCKA_H
#define TARGETS_CMOCKA_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*CMFixtureFunction)(void **state);
typedef void (*CMUnitTestFunction)(void **state);

struct CMUnitTest {
	const char *name;
	CMUnitTestFunction test_func;
	CMFixtureFunction setup_func, teardown_func;
	void *initial_state;
};

static jmp_buf cmocka_skipped __attribute__((unused));

static inline void cmocka_check(int holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	printf("not ok: %s:%d: %s\n", file, line, what);
	exit(1);
}

#define cmocka_expect(holds, what) cmocka_check(!!(holds), what, __FILE__, __LINE__)
#define assert_true(a)		   cmocka_expect(a, #a)
#define assert_false(a)		   cmocka_expect(!(a), "not " #a)
#define assert_null(a)		   cmocka_expect((a) == NULL, #a " is NULL")
#define assert_non_null(a)	   cmocka_expect((a) != NULL, #a " is not NULL")
/* Through uintmax_t, as cmocka does it. */
#define assert_int_equal(a, b)	   cmocka_expect((uint64_t)(a) == (uint64_t)(b), #a " == " #b)
#define assert_int_not_equal(a, b) cmocka_expect((uint64_t)(a) != (uint64_t)(b), #a " != " #b)
#define assert_ptr_equal(a, b)	   cmocka_expect((const void *)(a) == (const void *)(b), #a " == " #b)
#define assert_ptr_not_equal(a, b) \
	cmocka_expect((const void *)(a) != (const void *)(b), #a " != " #b)
#define assert_string_equal(a, b)	    cmocka_expect(!strcmp(a, b), #a " == " #b)
#define assert_memory_equal(a, b, size)	    cmocka_expect(!memcmp(a, b, size), #a " == " #b)
#define assert_memory_not_equal(a, b, size) cmocka_expect(memcmp(a, b, size), #a " != " #b)
#define assert_in_range(a, low, high)                                                        \
	cmocka_expect((uint64_t)(a) >= (uint64_t)(low) && (uint64_t)(a) <= (uint64_t)(high), \
		      #a " in range")
#define fail()						    cmocka_expect(0, "fail()")
#define fail_msg(...)					    (printf(__VA_ARGS__), putchar('\n'), cmocka_expect(0, "fail_msg()"))
#define print_message(...)				    printf(__VA_ARGS__)
#define print_error(...)				    printf(__VA_ARGS__)
#define skip()						    longjmp(cmocka_skipped, 1)

#define cmocka_unit_test(f)				    {#f, f, NULL, NULL, NULL}
#define cmocka_unit_test_setup(f, setup)		    {#f, f, setup, NULL, NULL}
#define cmocka_unit_test_setup_teardown(f, setup, teardown) {#f, f, setup, teardown, NULL}

static inline int _cmocka_run_group_tests(const char *group, const struct CMUnitTest *tests,
					  size_t n, CMFixtureFunction setup,
					  CMFixtureFunction teardown)
{
	void *common = NULL;

	(void)group;

	if (setup)
		cmocka_expect(!setup(&common), "group's setup");
	for (volatile size_t i = 0; i < n; i++) {
		void *state = tests[i].initial_state ? tests[i].initial_state : common;

		if (tests[i].setup_func)
			cmocka_expect(!tests[i].setup_func(&state), tests[i].name);
		if (!setjmp(cmocka_skipped))
			tests[i].test_func(&state);
		if (tests[i].teardown_func)
			cmocka_expect(!tests[i].teardown_func(&state), tests[i].name);
		printf("ok: %s\n", tests[i].name);
	}
	if (teardown)
		teardown(&common);
	return 0;
}

#define cmocka_run_group_tests(tests, setup, teardown) \
	_cmocka_run_group_tests(#tests, tests, sizeof(tests) / sizeof(*tests), setup, teardown)
#define cmocka_run_group_tests_name(name, tests, setup, teardown) \
	cmocka_run_group_tests(tests, setup, teardown)

#endif
