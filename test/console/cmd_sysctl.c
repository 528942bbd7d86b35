/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_sysctl.c: the allocator's switches by Linux's means: list, read, set.
 */
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "test/console/command.h"
#include "test/console/parse.h"

struct sysctl {
	const char *name;
	uint64_t max;
	uint64_t (*read)(void);
	void (*write)(uint64_t value);
};

static uint64_t read_percpu_pagelist(void)
{
	return mm_pcp_high();
}

static void write_percpu_pagelist(uint64_t value)
{
	mm_set_pcp_high((unsigned long)value);
}

static bool panic_on_misuse; /* mm/ starts with false too */

static uint64_t read_panic_on_misuse(void)
{
	return panic_on_misuse;
}

static void write_panic_on_misuse(uint64_t value)
{
	panic_on_misuse = value != 0;
	mm_set_misuse_panic(panic_on_misuse);
}

static const struct sysctl table[] = {
	{"vm.panic_on_misuse", 1, read_panic_on_misuse, write_panic_on_misuse},
	{"vm.percpu_pagelist", UINT32_MAX, read_percpu_pagelist, write_percpu_pagelist},
};
#define NR_SYSCTLS (sizeof(table) / sizeof(table[0]))

static void print_sysctl(const struct sysctl *entry)
{
	printf("%s = %" PRIu64 "\n", entry->name, entry->read());
}

static int cmd_sysctl(int argc, char **argv)
{
	char *value;

	if (argc == 1) {
		for (size_t i = 0; i < NR_SYSCTLS; i++)
			print_sysctl(&table[i]);
		return 0;
	}
	if (argc != 2)
		return console_usage(argv[0]);
	value = strchr(argv[1], '=');
	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < NR_SYSCTLS; i++) {
		uint64_t number;

		if (strcmp(argv[1], table[i].name) != 0)
			continue;
		if (value && parse_u64(value, table[i].max, &number) != 0) {
			printf("sysctl: %s: '%s' is not a number, 0 to %" PRIu64 "\n", argv[1],
			       value, table[i].max);
			return 1;
		}
		if (value)
			table[i].write(number);
		print_sysctl(&table[i]); /* the value in effect, which may be a smaller one */
		return 0;
	}
	printf("sysctl: '%s' is unknown; 'sysctl' lists all\n", argv[1]);
	return 1;
}

static const char *complete_sysctl(const char *prefix, unsigned int n)
{
	(void)prefix;
	return n < NR_SYSCTLS ? table[n].name : NULL;
}

CONSOLE_COMMAND_COMPLETE(sysctl, cmd_sysctl, "sysctl [name[=value]]",
			 "list, read or set the allocator's switches", complete_sysctl);
