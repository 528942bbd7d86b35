/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_test.c: run the suites that are linked in.
 */
#include <stdio.h>
#include <string.h>

#include "boot/cpu/balance.h"
#include "console/command.h"
#include "console/output.h"
#include "test/target/ktap.h"
#include "test/target/stress.h"

static int cmd_test(int argc, char **argv)
{
	int failed;

	if (argc > 2)
		return console_usage(argv[0]);
	if (argc == 2 && strcmp(argv[1], "-l") == 0)
		return test_list() == 0;
	if (stress_in_background()) {
		printf("test: not while stress runs: 'stress stop' ends it\n");
		return 1;
	}
	output_live();
	balance_hold(true); /* cases count what is free and what is called */
	failed = test_run(argc == 2 ? argv[1] : NULL) != 0;
	balance_hold(false);
	return failed;
}

extern const struct test_case *const __start_quarry_suites[], *const __stop_quarry_suites[];

/* Suites; once a suite and its '.' are typed, its cases. */
static const char *complete_test(const char *prefix, unsigned int n)
{
	static char name[64];
	const struct test_case *const *entry = __start_quarry_suites + n;

	if (entry >= __stop_quarry_suites)
		return NULL;
	if (strchr(prefix, '.')) {
		snprintf(name, sizeof(name), "%s.%s", (*entry)->suite, (*entry)->name);
		return name;
	}
	for (unsigned int i = 0; i < n; i++)
		if (strcmp(__start_quarry_suites[i]->suite, (*entry)->suite) == 0)
			return ""; /* listed already */
	return (*entry)->suite;
}

CONSOLE_COMMAND_COMPLETE(test, cmd_test, "test [-l | suite[.case]]",
			 "run the test suites, print KTAP; -l lists the cases\n"
			 "default all; Ctrl-C ends it after the case that runs\n"
			 "example: test frag.random_half",
			 complete_test);
