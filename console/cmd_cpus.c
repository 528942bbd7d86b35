/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_cpus.c: the CPUs: their numbers here and in the device tree, what they are, what their caches
 * hold.
 */
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include <quarry/mm.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "boot/dt/of.h"
#include "console/command.h"
#include "console/terminal.h"

/* A string property, "-" if it is absent. */
static const char *string_of(const void *fdt, int node, const char *name)
{
	const char *text = fdt_stringlist_get(fdt, node, name, 0, NULL);

	return text ? text : "-";
}

static uint64_t cached_pages(unsigned int cpu)
{
	struct pcp_info info;
	uint64_t pages = 0;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		if (info.cpu == cpu)
			pages += (uint64_t)info.count << info.order;
	return pages;
}

/* The CPU of that hart id or MPIDR affinity, smp_nr_cpus() if it has no number. */
static unsigned int number_of(uint64_t hart)
{
	unsigned int n = 0;

	while (n < smp_nr_cpus() && smp_hart(n) != hart)
		n++;
	return n;
}

/* In one word; for a terminal of 80 columns with its extensions apart, so that they can be in several lines. */
static void print_isa(const char *isa)
{
	bool apart = terminal_is_narrow(100);

	putchar(' ');
	for (; *isa; isa++) {
		putchar(*isa);
		if (apart && *isa == '_')
			putchar(' ');
	}
}

static int cmd_cpus(int argc, char **argv)
{
	const void *fdt = boot_info.fdt;
	int cpus = fdt_path_offset(fdt, "/cpus");
	int node;

	if (argc != 1)
		return console_usage(argv[0]);
	if (cpus < 0) {
		printf("cpus: the device tree has no /cpus\n");
		return 1;
	}
	fdt_for_each_subnode (node, fdt, cpus) {
		const char *isa = string_of(fdt, node, "riscv,isa");
		unsigned int n;
		uint64_t id;

		if (strcmp(string_of(fdt, node, "device_type"), "cpu") != 0 ||
		    of_cpu_id(fdt, node, &id) != 0)
			continue;
		n = number_of(id);
		if (n == smp_nr_cpus())
			printf("cpu - id 0x%" PRIx64 " %s", id,
			       of_is_enabled(fdt, node) ? "unused" : "disabled");
		else
			printf("cpu %u id 0x%" PRIx64 " %s%s cached %" PRIu64, n, id,
			       smp_state_name(smp_state(n)), n ? "" : " boot", cached_pages(n));
		printf(" %s", string_of(fdt, node, "compatible"));
		print_isa(isa);
		printf(" %s\n", string_of(fdt, node, "mmu-type"));
	}
	printf("timebase %" PRIu64 " Hz\n", boot_info.timebase_hz);
	return 0;
}

CONSOLE_COMMAND(cpus, cmd_cpus, "cpus",
		"CPUs: number, id, state, pages cached, what they are\n"
		"id: hart id or MPIDR affinity; cached: pages of 4 KiB\n"
		"example: cpus");
