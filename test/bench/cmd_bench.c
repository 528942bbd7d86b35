/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_bench.c: run the benchmarks on this machine. What they do and what their lines mean is in
 * test/bench/bench.h.
 */
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "test/bench/bench.h"
#include "console/command.h"

static int cmd_bench(int argc, char **argv)
{
	const struct bench *bench;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-l") == 0 && argc == 2) {
			for (unsigned int n = 0; (bench = bench_at(n)) != NULL; n++)
				printf("%-12s %s\n", bench->name, bench->help);
			return 0;
		}
		if (!bench_find(argv[i])) {
			printf("bench: '%s' is unknown; 'bench -l' lists all\n", argv[i]);
			return 1;
		}
	}
	if (machine_instret() == 0) {
		printf("bench: this CPU has no counter of instructions or cycles\n");
		return 1;
	}
	bench_init_cost = boot_info.mm_init_instret;
	bench_pageset_cost = boot_info.mm_pageset_instret;
	return bench_run_named(argc - 1, argv + 1);
}

static const char *complete_bench(const char *prefix, unsigned int n)
{
	const struct bench *bench = bench_at(n);

	(void)prefix;
	return bench ? bench->name : NULL;
}

CONSOLE_COMMAND_COMPLETE(bench, cmd_bench, "bench [-l | name...]",
			 "run the benchmarks, one line a figure; -l lists them", complete_bench);
