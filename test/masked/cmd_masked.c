/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_masked.c: `masked`: calls that work on much memory at once, and the longest stretch that each kept interrupts
 * masked, on any CPU. In the image of `make masked` alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <quarry/cma.h>
#include <quarry/contig.h>
#include <quarry/memory_hotplug.h>
#include <quarry/migrate.h>
#include <quarry/mm.h>

#include "boot/cpu/balance.h"
#include "boot/cpu/smp.h"
#include "console/command.h"
#include "test/bench/bench.h"
#include "test/masked/masked.h"

#define GFP	    (GFP_KERNEL | __GFP_NOWARN)
#define AREA_PAGES  4096 /* 16 MiB */
#define MAX_HANDLES 65536
#define CACHED	    1024 /* pages of each type that a CPU caches, if it may */

extern char __image_start[];

static mhandle_t *handle;
static unsigned long count;

/* ---- memory that moves ----------------------------------------------------------------------- */

static void fill(void)
{
	while (count < MAX_HANDLES && (handle[count] = mhandle_alloc(PAGE_SIZE, GFP)))
		count++;
}

static void thin_to(unsigned long left)
{
	while (count > left) {
		unsigned long n = bench_random() % count;

		mhandle_free(handle[n]);
		handle[n] = handle[--count];
	}
}

/* ---- what is done ---------------------------------------------------------------------------- */

static bool range(unsigned long pages)
{
	struct page *page = alloc_contig_pages(pages, GFP);

	return page && free_contig_range(page_to_pfn(page), pages) == 0;
}

/* Anywhere, any size, at any page: what is in use and cannot move refuses some. */
static unsigned int ranges_anywhere(unsigned int tries)
{
	struct zone_info zone;
	unsigned int had = 0;

	mm_zone_info(ZONE_DMA32, &zone);
	while (tries-- > 0) {
		unsigned long pages = 1 + bench_random() % (3 * pageblock_nr_pages);
		pfn_t pfn = zone.start_pfn + bench_random() % (zone.spanned - pages);

		if (alloc_contig_range(pfn, pfn + pages, MIGRATE_MOVABLE, GFP) == 0)
			had += free_contig_range(pfn, pages) == 0;
	}
	return had;
}

static bool fresh(void)
{
	return range(AREA_PAGES) && ranges_anywhere(50) > 0;
}

static bool area_free(void)
{
	struct page *page = cma_alloc(cma_default(), AREA_PAGES, 0, true);

	return page && cma_release(cma_default(), page, AREA_PAGES);
}

static bool half_full(void)
{
	fill();
	thin_to(count / 2);
	return range(AREA_PAGES) && ranges_anywhere(50) > 0;
}

static bool on_demand(void)
{
	fill();
	thin_to(count / 2);
	return compact_memory() > 0;
}

static bool for_a_request(void)
{
	struct mm_migrate_stats before, now;

	fill();
	for (unsigned long n = count; n-- > 0;)
		if (n % 2) {
			mhandle_free(handle[n]);
			handle[n] = handle[--count];
		}
	drain_all_pages();
	mm_migrate_stats(&before);
	for (unsigned int order = 1; order <= pageblock_order; order++) {
		struct page *page = alloc_pages(GFP, order);

		if (page)
			__free_pages(page, order);
	}
	mm_migrate_stats(&now);
	return now.success > before.success;
}

static bool ahead(void)
{
	struct mm_migrate_stats before, now;
	unsigned int proactiveness = mm_compaction_proactiveness();

	fill();
	thin_to(count / 2);
	mm_migrate_stats(&before);
	mm_set_compaction_proactiveness(100);
	for (int step = 0; step < 200 && mm_balance(); step++)
		;
	mm_set_compaction_proactiveness(proactiveness);
	mm_migrate_stats(&now);
	return now.balance_moved > before.balance_moved;
}

static bool area_full(void)
{
	fill();
	thin_to(count - 2 * AREA_PAGES);
	return area_free();
}

static bool offline(void)
{
	struct hotplug_info info;
	phys_addr_t size;
	pfn_t pfn;

	if (!hotplug_get_info(0, &info))
		return false;
	size = info.blocks * MM_MEMORY_BLOCK_SIZE;
	pfn = info.base >> PAGE_SHIFT;
	fill();
	thin_to(count / 2);
	return offline_pages(pfn, size >> PAGE_SHIFT) == 0 && remove_memory(info.base, size) == 0 &&
	       add_memory(info.base, size) == 0 && online_pages(pfn, size >> PAGE_SHIFT) == 0;
}

/* ---- other CPUs' caches ---------------------------------------------------------------------- */

static bool ready[CONFIG_NR_CPUS], over; /* atomic */

static void wait_for(const bool *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
		unsigned long flags = port_irq_save_alone(); /* no kick between look and wait */

		if (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
			cpu_wait();
		port_irq_restore_alone(flags);
	}
}

/* Its caches are as full as they may be, and it waits for interrupts. */
static void cache_pages(void *arg)
{
	static const gfp_t kinds[] = {GFP, GFP | __GFP_MOVABLE, GFP | __GFP_RECLAIMABLE};
	struct page *head;

	masked_cpu();
	for (int kind = 0; kind < 3; kind++) {
		head = NULL;
		for (int i = 0; i < CACHED; i++) {
			struct page *page = alloc_page(kinds[kind]);

			if (!page)
				break;
			*(struct page **)page_address(page) = head;
			head = page;
		}
		while (head) {
			struct page *page = head;

			head = *(struct page **)page_address(page);
			__free_page(page);
		}
	}
	__atomic_store_n((bool *)arg, true, __ATOMIC_RELEASE);
	port_kick(0);
	wait_for(&over);
}

/* All CPUs but this one have full caches; ask() is what this one does then, and at the end they become idle. */
static bool with_caches(bool (*ask)(void))
{
	unsigned int others = 0;
	bool done;

	__atomic_store_n(&over, false, __ATOMIC_RELEASE);
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++) {
		ready[cpu] = false;
		if (smp_call(cpu, cache_pages, &ready[cpu]) != 0)
			continue;
		others++;
		wait_for(&ready[cpu]);
	}
	masked_reset();
	done = ask();
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++) {
		port_kick(cpu);
		smp_wait(cpu);
	}
	return others && done;
}

static bool range_of_cached(void)
{
	struct zone_info zone;

	mm_zone_info(ZONE_DMA32, &zone);
	for (pfn_t pfn = zone.start_pfn; pfn + pageblock_nr_pages <= zone.start_pfn + zone.spanned;
	     pfn += pageblock_nr_pages)
		if (alloc_contig_range(pfn, pfn + pageblock_nr_pages, MIGRATE_MOVABLE, GFP) == 0)
			free_contig_range(pfn, pageblock_nr_pages);
	return true;
}

static bool requests(void)
{
	return with_caches(range_of_cached);
}

static bool drain(void)
{
	drain_all_pages();
	return true;
}

static bool drains(void)
{
	return with_caches(drain);
}

static bool nothing(void)
{
	return true;
}

static bool becoming_idle(void)
{
	return with_caches(nothing);
}

/* ---- the command ----------------------------------------------------------------------------- */

static const struct workload {
	const char *name;
	bool (*run)(void);
} workloads[] = {
	{"fresh", fresh},      {"area", area_free},	   {"ranges", half_full},
	{"demand", on_demand}, {"request", for_a_request}, {"ahead", ahead},
	{"full", area_full},   {"offline", offline},	   {"others", requests},
	{"drain", drains},     {"idle", becoming_idle},
};
#define NR_WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

static bool measure(const struct workload *workload)
{
	struct masked_stretch longest;
	bool done;

	bench_seed(BENCH_SEED);
	drain_all_pages();
	masked_reset();
	done = workload->run();
	longest = masked_longest();
	thin_to(0);
	if (!done) {
		printf("masked: %s could not be done\n", workload->name);
		return false;
	}
	printf("bench: masked " BENCH_ISA " %s longest=%" PRIu64 "\n", workload->name,
	       longest.length);
	printf("masked: %s: CPU %u, from %#" PRIxPTR " to %#" PRIxPTR " of the image\n",
	       workload->name, longest.cpu, longest.from - (uintptr_t)__image_start,
	       longest.to - (uintptr_t)__image_start);
	return true;
}

static int cmd_masked(int argc, char **argv)
{
	size_t size = MAX_HANDLES * sizeof(*handle);
	bool failed = false;

	handle = alloc_pages_exact(size, GFP_KERNEL);
	if (!handle) {
		printf("masked: no memory for its own books\n");
		return 1;
	}
	masked_calibrate();
	balance_hold(true);
	for (size_t i = 0; i < NR_WORKLOADS; i++) {
		bool named = false;

		for (int arg = 1; arg < argc; arg++)
			named |= strcmp(argv[arg], workloads[i].name) == 0;
		if (named || argc == 1)
			failed |= !measure(&workloads[i]);
	}
	balance_hold(false);
	free_pages_exact(handle, size);
	return failed;
}

CONSOLE_COMMAND(masked, cmd_masked, "masked [name...]",
		"the longest that mm/ masks interrupts, in instructions, by what is done\n"
		"example: masked ranges");
