/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_vmstat.c: counters, one `name value` a line as /proc/vmstat has them.
 */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <quarry/mm.h>
#include <quarry/port.h>
#include <stdio.h>

#include "console/command.h"

/* prefix + name in small letters */
static void print_counter(const char *prefix, const char *name, uint64_t value)
{
	printf("%s", prefix);
	for (; *name; name++)
		putchar(tolower((unsigned char)*name));
	printf(" %" PRIu64 "\n", value);
}

/* mm_misuse_name() is for sentences */
static const char *const misuse_names[NR_MISUSES] = {
	[MISUSE_DOUBLE_FREE] = "double_free",
	[MISUSE_WRONG_ORDER] = "wrong_order",
	[MISUSE_TAIL] = "tail",
	[MISUSE_RESERVED] = "reserved",
	[MISUSE_FOREIGN] = "foreign",
	[MISUSE_MISALIGNED] = "misaligned",
	[MISUSE_IN_USE] = "in_use",
	[MISUSE_RANGE] = "range",
	[MISUSE_CACHE] = "wrong_cache",
};
static_assert(NR_MISUSES == MISUSE_CACHE + 1, "each kind has a name above");

/* All but allocstall_* count while vm.numa_stat is 1. */
static void print_zone_counters(const struct zone_info *zone)
{
	struct mm_zone_stats of[MAX_NR_ZONES], sum = {0};

	for (int i = 0; i < MAX_NR_ZONES; i++) {
		mm_zone_stats((enum zone_type)i, &of[i]);
		sum.pgfree += of[i].pgfree;
		sum.hit += of[i].hit;
		sum.miss += of[i].miss;
		sum.foreign += of[i].foreign;
	}
	for (int i = 0; i < MAX_NR_ZONES; i++)
		print_counter("pgalloc_", zone[i].name, of[i].pgalloc);
	print_counter("", "pgfree", sum.pgfree);
	print_counter("numa_", "hit", sum.hit);
	print_counter("numa_", "miss", sum.miss);
	print_counter("numa_", "foreign", sum.foreign);
	for (int i = 0; i < MAX_NR_ZONES; i++)
		print_counter("allocstall_", zone[i].name, of[i].allocstall);
}

static int cmd_vmstat(int argc, char **argv)
{
	const struct mm_pcpu *cpu = port_pcpu();
	struct zone_info zone[MAX_NR_ZONES];
	struct mm_migrate_stats moves;
	struct mm_stats stats;
	struct pcp_info pcp;
	uint64_t free = 0, untouched = 0, cached = 0, highatomic = 0;

	if (argc != 1)
		return console_usage(argv[0]);
	mm_migrate_stats(&moves); /* first: what idle CPUs freed is part of what all did */
	mm_get_stats(&stats);
	for (int i = 0; i < MAX_NR_ZONES; i++) {
		mm_zone_info((enum zone_type)i, &zone[i]);
		free += zone[i].free;
		untouched += zone[i].untouched;
		highatomic += zone[i].nr_highatomic;
	}
	for (unsigned int n = 0; mm_pcp_info(n, &pcp); n++)
		cached += (uint64_t)pcp.count << pcp.order;
	print_counter("nr_", "free_pages", free);
	print_counter("nr_", "untouched_pages", untouched);
	print_counter("nr_", "pcp_pages", cached);
	print_counter("nr_", "highatomic_pages", highatomic);
	for (int i = 0; i < MAX_NR_ZONES; i++)
		print_counter("nr_free_pages_", zone[i].name, zone[i].free);
	for (int i = 0; i < MAX_NR_ZONES; i++)
		print_counter("zone_lock_acquired_", zone[i].name, zone[i].lock_acquired);
	for (int i = 0; i < MAX_NR_ZONES; i++)
		print_counter("zone_lock_contended_", zone[i].name, zone[i].lock_contended);
	for (int i = 0; i < MAX_NR_ZONES; i++)
		print_counter("zone_lock_overtaken_", zone[i].name, zone[i].lock_overtaken);
	print_counter("pcp_", "refill", cpu->refills);
	print_counter("pcp_", "return", cpu->returns);
	print_counter("pcp_", "drained_pages", cpu->drained);
	for (int i = 0; i < NR_MM_STAGES; i++)
		print_counter("alloc_stage_", mm_stage_name((enum mm_stage)i), stats.stage[i]);
	print_zone_counters(zone);
	print_counter("", "allocstall", stats.stage[MM_STAGE_RECLAIM]);
	print_counter("", "shrunk_objects", stats.shrunk);
	print_counter("", "might_sleep", stats.might_sleep);
	print_counter("", "extfrag", stats.extfrag);
	print_counter("", "fail_injected", stats.fail_injected);
	print_counter("", "poison_hit", stats.poison_hit);
	print_counter("alloc_", "failed", stats.alloc_failed);
	print_counter("alloc_", "bad_request", stats.bad_request);
	print_counter("pgmigrate_", "success", moves.moved);
	print_counter("pgmigrate_", "fail", moves.failed);
	print_counter("compact_", "migrate_scanned", moves.scanned);
	print_counter("compact_", "free_scanned", moves.free_scanned);
	print_counter("compact_", "isolated", moves.isolated);
	print_counter("compact_", "stall", moves.stall);
	print_counter("compact_", "success", moves.success);
	print_counter("compact_", "fail", moves.fail);
	print_counter("compact_", "daemon_wake", moves.daemon_wake);
	print_counter("compact_", "daemon_moved", moves.balance_moved);
	print_counter("", "pageoutrun", moves.balance_run);
	print_counter("pgsteal_", "kswapd", moves.balance_freed);
	print_counter("pgsteal_", "direct", stats.shrunk - moves.balance_freed);
	for (int i = 0; i < NR_MISUSES; i++)
		print_counter("mm_misuse_", misuse_names[i], stats.misuse[i]);
	return 0;
}

CONSOLE_COMMAND(vmstat, cmd_vmstat, "vmstat",
		"counters since the boot, as /proc/vmstat\n"
		"pages of 4 KiB, or events\n"
		"example: vmstat | grep pcp");
