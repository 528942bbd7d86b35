/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_bench.c: run the benchmarks on this machine. What they do and what their lines mean is in
 * test/bench/bench.h.
 */
#include <stdio.h>
#include <string.h>

#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/cpu/balance.h"
#include "test/bench/bench.h"
#include "test/target/stress.h"
#include "console/command.h"
#include "console/input.h"
#include "console/output.h"
#include "console/terminal.h"

static bool poll(const char *what)
{
	static bool stopped; /* said so; what asks next, deeper or later, is told the same */
	unsigned long flags = port_irq_save();
	bool interrupted;

	machine_irq_enable(); /* for the byte, where they were masked */
	terminal_progress("%s, Ctrl-C ends it", what);
	interrupted = console_interrupted();
	machine_irq_disable();
	port_irq_restore(flags);
	if (!interrupted) {
		stopped = false;
		return false;
	}
	if (!stopped)
		printf("bench: stopped by Ctrl-C\n");
	stopped = true;
	return true;
}

static int cmd_bench(int argc, char **argv)
{
	const struct bench *bench;
	int failed;

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
	if (stress_in_background()) {
		printf("bench: not while stress runs: 'stress stop' ends it\n");
		return 1;
	}
	bench_init_cost = boot_info.mm_init_instret;
	bench_pageset_cost = boot_info.mm_pageset_instret;
	bench_poll = poll;
	output_live();
	balance_hold(true);
	failed = bench_run_named(argc - 1, argv + 1);
	balance_hold(false);
	return failed;
}

static const char *complete_bench(const char *prefix, unsigned int n)
{
	const struct bench *bench = bench_at(n);

	(void)prefix;
	return bench ? bench->name : NULL;
}

CONSOLE_COMMAND_COMPLETE(
	bench, cmd_bench, "bench [-l | name...]",
	"run the benchmarks, one line a figure; -l lists them\n"
	"default all that take seconds; instructions, where the CPU counts them as\n"
	"under make bench; elsewhere marked ~; Ctrl-C ends it after one\n"
	"example: bench B1 B4",
	complete_bench);
