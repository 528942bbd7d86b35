/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quarry_bench.c: the workloads of test/bench built into Linux. It gives them what they ask about
 * the zones, counts the boot's initialisation (kernel.sh puts the calls to bench_boot_*() into the
 * tree), runs the workloads once the kernel is up, and switches the machine off.
 *
 * The kernel parameter quarry_bench=B1,B8 chooses workloads; without it all run that `bench` runs.
 */
#include <linux/init.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmstat.h>

#include "test/bench/bench.h"
#include <stdio.h>

/* ---- the counter ----------------------------------------------------------------------------- */

/* riscv64's instret runs already. */
static void start_counter(void)
{
#if defined(__aarch64__)
	/* Arm ARM D13.4: PMCR_EL0.E and LC; the cycle counter on; counting in all states */
	__asm__ volatile("msr pmccfiltr_el0, xzr\n\t"
			 "msr pmcntenset_el0, %0\n\t"
			 "msr pmcr_el0, %1\n\t"
			 "isb" ::"r"(1UL << 31),
			 "r"(1UL << 6 | 1UL));
#endif
}

/* ---- the boot -------------------------------------------------------------------------------- */

void bench_boot_start(void);
void bench_boot_stop(void);
void bench_boot_first_page(void);
void bench_boot_pageset(void);

static uint64_t boot_mark __initdata;

/* Around each part of the initialisation: the memory map, the zones, the release of free memory. */
void __init bench_boot_start(void)
{
	start_counter();
	boot_mark = bench_count();
}

void __init bench_boot_stop(void)
{
	bench_init_cost += bench_count() - boot_mark;
}

/* After the last part, still counted. */
void __init bench_boot_first_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	bench_boot_stop();
	if (page)
		__free_page(page);
	else
		bench_init_cost = 0;
}

void __init bench_boot_pageset(void)
{
	bench_pageset_cost = bench_count() - boot_mark;
}

/* ---- lines ----------------------------------------------------------------------------------- */

int bench_printf(const char *format, ...)
{
	static char line[512];
	static size_t length;
	va_list args;
	int added;

	va_start(args, format);
	added = vscnprintf(line + length, sizeof(line) - length, format, args);
	va_end(args);
	length += added;
	if (length > 0 && line[length - 1] == '\n') {
		printk(KERN_INFO "%s", line);
		length = 0;
	}
	return added;
}

/* ---- the zones ------------------------------------------------------------------------------- */

static struct zone *zone_at(enum zone_type zone)
{
	return &NODE_DATA(0)->node_zones[zone];
}

void mm_zone_info(enum zone_type zone, struct zone_info *info)
{
	info->free = zone_page_state_snapshot(zone_at(zone), NR_FREE_PAGES);
	info->untouched = 0;
}

void mm_buddyinfo(enum zone_type zone, uint64_t nr_free[NR_PAGE_ORDERS])
{
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		nr_free[order] = zone_at(zone)->free_area[order].nr_free;
}

static unsigned long length_of(const struct list_head *list)
{
	unsigned long length = 0;

	for (const struct list_head *entry = list->next; entry != list; entry = entry->next)
		length++;
	return length;
}

void mm_pagetypeinfo(enum zone_type zone, uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS])
{
	struct free_area *area = zone_at(zone)->free_area;

	for (unsigned int type = 0; type < MIGRATE_TYPES; type++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			nr_free[type][order] = populated_zone(zone_at(zone))
						       ? length_of(&area[order].free_list[type])
						       : 0;
}

static unsigned int pcp_batch; /* that of the boot, to come back to */

unsigned long mm_pcp_high(void)
{
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		if (populated_zone(zone_at(zone)))
			return this_cpu_ptr(zone_at(zone)->per_cpu_pageset)->high;
	return 0;
}

unsigned long mm_set_pcp_high(unsigned long pages)
{
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		struct per_cpu_pages *pcp;

		if (!populated_zone(zone_at(zone)))
			continue;
		pcp = this_cpu_ptr(zone_at(zone)->per_cpu_pageset);
		if (!pcp_batch)
			pcp_batch = pcp->batch;
		pcp->high = pages;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
		pcp->high_min = pages;
		pcp->high_max = pages;
#endif
		/* as zone_pcp_disable() has it */
		pcp->batch = pages ? pcp_batch : 1;
	}
	drain_all_pages();
	return pages;
}

void mm_get_layout(struct mm_layout *layout)
{
	layout->present_pages = 0;
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		layout->present_pages += zone_at(zone)->present_pages;
	layout->memmap_bytes = layout->present_pages * sizeof(struct page);
}

/* ---- running --------------------------------------------------------------------------------- */

/* It makes one CPU two, which Linux does not offer. */
const char *bench_lines(void)
{
	return "not in Linux";
}

/* Nor is there a figure of what it searches. */
const char *bench_behind(void)
{
	return bench_lines();
}

/* Objects are of another header. */
const char *bench_objects(void)
{
	return bench_lines();
}

/* The hunt is written for one allocator's structures. */
const char *bench_worst(void)
{
	return "not in Linux";
}

const char *bench_worst_quick(void)
{
	return bench_worst();
}

static char chosen[64];

static int __init choose(char *names)
{
	strscpy(chosen, names, sizeof(chosen));
	return 1;
}
__setup("quarry_bench=", choose);

static bool is_chosen(const struct bench *bench)
{
	char *rest = chosen, *name;
	char copy[sizeof(chosen)];

	if (!chosen[0])
		return !bench->only_by_name && bench->run != bench_lines &&
		       bench->run != bench_behind;
	strscpy(copy, chosen, sizeof(copy));
	rest = copy;
	while ((name = strsep(&rest, ",")) != NULL)
		if (strcmp(name, bench->name) == 0)
			return true;
	return false;
}

static int __init run_benches(void)
{
	const struct bench *bench;

	start_counter();
	for (unsigned int i = 0; (bench = bench_at(i)) != NULL; i++) {
		if (!is_chosen(bench))
			continue;
		/*
		 * B6 takes the last page. A task that is itself reclaiming is given NULL then, where
		 * another would start reclaim and the OOM killer.
		 */
		if (strcmp(bench->name, "B6") == 0)
			current->flags |= PF_MEMALLOC;
		bench_run(bench);
		current->flags &= ~PF_MEMALLOC;
	}
	kernel_power_off();
	return 0;
}
late_initcall(run_benches);
