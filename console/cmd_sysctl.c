/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_sysctl.c: the allocator's switches by Linux's means: list, read, set. A value that cannot be
 * is one line of error, and nothing has changed.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <quarry/mm.h>
#include <quarry/slab_debug.h>
#include <stdio.h>
#include <string.h>

#include "boot/cpu/balance.h"
#include "console/command.h"
#include "console/parse.h"

#define MAX_VALUES 2

struct sysctl {
	const char *name;
	uint64_t min, max;
	int nr_values;
	void (*read)(uint64_t *values);
	int (*write)(const uint64_t *values); /* 0, or -EINVAL and nothing has changed */
	const char *refused;		      /* why write said no */
};

static void read_percpu_pagelist(uint64_t *value)
{
	*value = mm_pcp_high();
}

static int write_percpu_pagelist(const uint64_t *value)
{
	mm_set_pcp_high((unsigned long)*value);
	return 0;
}

static bool panic_on_misuse; /* mm/ starts with false too */

static void read_panic_on_misuse(uint64_t *value)
{
	*value = panic_on_misuse;
}

static int write_panic_on_misuse(const uint64_t *value)
{
	panic_on_misuse = *value != 0;
	mm_set_misuse_panic(panic_on_misuse);
	return 0;
}

/* Nothing to read: to write it compacts all zones, once. */
static void read_compact_memory(uint64_t *value)
{
	*value = 0;
}

static int write_compact_memory(const uint64_t *value)
{
	(void)value;
	compact_memory();
	return 0;
}

static void read_compaction_proactiveness(uint64_t *value)
{
	*value = mm_compaction_proactiveness();
}

static int write_compaction_proactiveness(const uint64_t *value)
{
	return mm_set_compaction_proactiveness((unsigned int)*value);
}

static void read_extfrag_threshold(uint64_t *value)
{
	*value = mm_extfrag_threshold();
}

static int write_extfrag_threshold(const uint64_t *value)
{
	return mm_set_extfrag_threshold((unsigned int)*value);
}

static void read_min_free_kbytes(uint64_t *value)
{
	*value = mm_min_free_kbytes();
}

static int write_min_free_kbytes(const uint64_t *value)
{
	return mm_set_min_free_kbytes(*value);
}

static void read_watermark_boost_factor(uint64_t *value)
{
	*value = mm_watermark_boost_factor();
}

static int write_watermark_boost_factor(const uint64_t *value)
{
	return mm_set_watermark_boost_factor((unsigned int)*value);
}

static void read_watermark_scale_factor(uint64_t *value)
{
	*value = mm_watermark_scale_factor();
}

static int write_watermark_scale_factor(const uint64_t *value)
{
	return mm_set_watermark_scale_factor((unsigned int)*value);
}

static void read_lowmem_reserve_ratio(uint64_t *values)
{
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		values[zone] = mm_lowmem_reserve_ratio((enum zone_type)zone);
}

static int write_lowmem_reserve_ratio(const uint64_t *values)
{
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		mm_set_lowmem_reserve_ratio((enum zone_type)zone, (unsigned int)values[zone]);
	return 0;
}

/* Options that are bits of mm_hooks(). */
#define HOOK_SWITCH(name_, bit_)                                                           \
	static void read_##name_(uint64_t *value)                                          \
	{                                                                                  \
		*value = (mm_hooks() & (bit_)) != 0;                                       \
	}                                                                                  \
	static int write_##name_(const uint64_t *value)                                    \
	{                                                                                  \
		int error;                                                                 \
                                                                                           \
		balance_hold(true); /* other CPUs are to be idle */                        \
		error = mm_set_hooks(*value ? mm_hooks() | (bit_) : mm_hooks() & ~(bit_)); \
		balance_hold(false);                                                       \
		return error;                                                              \
	}

HOOK_SWITCH(init_on_alloc, MM_HOOK_INIT_ON_ALLOC)
HOOK_SWITCH(init_on_free, MM_HOOK_INIT_ON_FREE)
HOOK_SWITCH(page_poison, MM_HOOK_POISON)
HOOK_SWITCH(numa_stat, MM_HOOK_STAT)
HOOK_SWITCH(debug_atomic_sleep, MM_HOOK_MIGHT_SLEEP)

#define NOT_BUILT_IN "not in this build: make EXTRA_CFLAGS=-DCONFIG_DEBUG_HOOKS=1"
#define EXCLUSIVE    "vm.init_on_free and vm.page_poison exclude each other"

#define SYSCTL(name_, min_, max_, n_, refused_) \
	{                                       \
		.name = "vm." #name_,           \
		.min = (min_),                  \
		.max = (max_),                  \
		.nr_values = (n_),              \
		.read = read_##name_,           \
		.write = write_##name_,         \
		.refused = (refused_),          \
	}

static const struct sysctl table[] = {
	SYSCTL(compact_memory, 1, 1, 1, ""),
	SYSCTL(compaction_proactiveness, 0, 100, 1, ""),
	SYSCTL(debug_atomic_sleep, 0, 1, 1, ""),
	SYSCTL(extfrag_threshold, 0, 1000, 1, ""),
	SYSCTL(init_on_alloc, 0, 1, 1, ""),
	SYSCTL(init_on_free, 0, 1, 1, EXCLUSIVE),
	SYSCTL(lowmem_reserve_ratio, 0, UINT32_MAX, MAX_NR_ZONES, ""),
	SYSCTL(min_free_kbytes, 0, UINT64_MAX, 1, "there is not so much memory"),
	SYSCTL(numa_stat, 0, 1, 1, ""),
	SYSCTL(page_poison, 0, 1, 1, EXCLUSIVE),
	SYSCTL(panic_on_misuse, 0, 1, 1, ""),
	SYSCTL(percpu_pagelist, 0, UINT32_MAX, 1, ""),
	SYSCTL(watermark_boost_factor, 0, 1000000, 1, ""),
	SYSCTL(watermark_scale_factor, 1, 3000, 1, ""),
};
#define NR_SYSCTLS (sizeof(table) / sizeof(table[0]))
static_assert(MAX_NR_ZONES <= MAX_VALUES, "one ratio a zone");

static void print_sysctl(const struct sysctl *entry)
{
	uint64_t values[MAX_VALUES];

	entry->read(values);
	printf("%s =", entry->name);
	for (int i = 0; i < entry->nr_values; i++)
		printf(" %" PRIu64, values[i]);
	printf("\n");
}

/* words[0 .. n): the values as the user typed them. */
static int set(const struct sysctl *entry, char **words, int n)
{
	uint64_t values[MAX_VALUES];
	int error;

	if (n != entry->nr_values) {
		printf("sysctl: %s takes %d value%s\n", entry->name, entry->nr_values,
		       entry->nr_values == 1 ? "" : "s, as \"256 32\"");
		return 1;
	}
	for (int i = 0; i < n; i++) {
		if (parse_u64(words[i], entry->max, &values[i]) != 0 || values[i] < entry->min) {
			printf("sysctl: %s: '%s' is not a number, %" PRIu64 " to %" PRIu64 "\n",
			       entry->name, words[i], entry->min, entry->max);
			return 1;
		}
	}
	error = entry->write(values);
	if (error)
		printf("sysctl: %s: %s\n", entry->name,
		       error == -ENOSYS ? NOT_BUILT_IN : entry->refused);
	return error != 0;
}

/* ---- vm.slab_debug: the one whose value is a text ------------------------------------------------ */

#define SLAB_DEBUG_NAME "vm.slab_debug"

static void print_slab_debug(void)
{
	const char *text = slab_debug_options();

	printf(SLAB_DEBUG_NAME " = %.*s\n", (int)strcspn(text, " "), text);
}

static int set_slab_debug(const char *value)
{
	static char texts[2][CONSOLE_LINE_MAX + 1]; /* the one in effect, and the next */
	static unsigned int other;
	int error;

	strcpy(texts[other], value);
	error = slab_debug_setup(texts[other]);
	if (error == 0 || error == -EBUSY)
		other ^= 1;
	if (error == -EINVAL)
		printf("sysctl: " SLAB_DEBUG_NAME ": '%s' is not FZPUQR or -, and ,names\n", value);
	else if (error == -ENOSYS)
		printf("sysctl: " SLAB_DEBUG_NAME ": " NOT_BUILT_IN "\n");
	else if (error)
		printf("sysctl: " SLAB_DEBUG_NAME
		       ": caches with objects in use stay as they were\n");
	if (!error)
		print_slab_debug();
	return error != 0;
}

static int cmd_sysctl(int argc, char **argv)
{
	char *value;

	if (argc == 1) {
		for (size_t i = 0; i < NR_SYSCTLS; i++)
			print_sysctl(&table[i]);
		print_slab_debug();
		return 0;
	}
	value = strchr(argv[1], '=');
	if (value)
		*value++ = '\0';
	else if (argc != 2)
		return console_usage(argv[0]);
	if (strcmp(argv[1], SLAB_DEBUG_NAME) == 0) {
		if (argc != 2) /* a blank ends the text */
			return console_usage(argv[0]);
		if (value)
			return set_slab_debug(value);
		print_slab_debug();
		return 0;
	}
	for (size_t i = 0; i < NR_SYSCTLS; i++) {
		if (strcmp(argv[1], table[i].name) != 0)
			continue;
		argv[1] = value;
		if (value && set(&table[i], argv + 1, argc - 1) != 0)
			return 1;
		print_sysctl(&table[i]); /* the value in effect, which may be a smaller one */
		return 0;
	}
	printf("sysctl: '%s' is unknown; 'sysctl' lists all\n", argv[1]);
	return 1;
}

static const char *complete_sysctl(const char *prefix, unsigned int n)
{
	(void)prefix;
	return n < NR_SYSCTLS ? table[n].name : n == NR_SYSCTLS ? SLAB_DEBUG_NAME : NULL;
}

CONSOLE_COMMAND_COMPLETE(
	sysctl, cmd_sysctl, "sysctl [name[=value]]",
	"list, read or set the allocator's switches\n"
	"units are in the names; what is given by pages is in pages of 4 KiB\n"
	"vm.slab_debug: letters FZPUQR or -, and ,caches, as slab_debug= of bootargs\n"
	"example: sysctl vm.min_free_kbytes=4096",
	complete_sysctl);
