/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_memory.c: what the memory looks like. What Linux shows under /proc has Linux's layout, so
 * that existing eyes and parsers work.
 */
#include <inttypes.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <stdio.h>

#include "console/command.h"
#include "console/terminal.h"

static bool zone_populated(const struct zone_info *info)
{
	return info->present > 0;
}

/* ---- memblock ------------------------------------------------------------------------------- */

static void print_regions(const struct memblock_type *type)
{
	for (unsigned long i = 0; i < type->cnt; i++) {
		const struct memblock_region *region = &type->regions[i];

		printf("%-8s [0x%016" PRIx64 "-0x%016" PRIx64 ") %10" PRIu64 " kB%s%s\n",
		       type->name, region->base, region->base + region->size, region->size >> 10,
		       region->flags & MEMBLOCK_NOMAP ? " no-map" : "",
		       region->flags & MEMBLOCK_HOTPLUG ? " hotplug" : "");
	}
	printf("%-8s %lu regions, total %" PRIu64 " kB\n", type->name, type->cnt,
	       type->total_size >> 10);
}

static int cmd_memblock(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	print_regions(&memblock.memory);
	print_regions(&memblock.reserved);
	return 0;
}

CONSOLE_COMMAND(memblock, cmd_memblock, "memblock",
		"banks and reservations at boot, ends exclusive\n"
		"example: memblock | grep reserved");

/* ---- meminfo -------------------------------------------------------------------------------- */

static void print_kb(const char *name, uint64_t bytes)
{
	printf("%-16s%8" PRIu64 " kB\n", name, bytes >> 10);
}

static int cmd_meminfo(int argc, char **argv)
{
	struct zone_info dma32, normal;
	struct mm_layout layout;
	struct pcp_info pcp;
	uint64_t cached = 0;

	if (argc != 1)
		return console_usage(argv[0]);
	mm_zone_info(ZONE_DMA32, &dma32);
	mm_zone_info(ZONE_NORMAL, &normal);
	mm_get_layout(&layout);
	for (unsigned int n = 0; mm_pcp_info(n, &pcp); n++)
		cached += (uint64_t)pcp.count << pcp.order;
	print_kb("MemTotal:", (dma32.managed + normal.managed) << PAGE_SHIFT);
	print_kb("MemFree:", (dma32.free + normal.free) << PAGE_SHIFT);
	print_kb("MemAvailable:", si_mem_available() << PAGE_SHIFT);
	print_kb("DMA32Total:", dma32.managed << PAGE_SHIFT);
	print_kb("DMA32Free:", dma32.free << PAGE_SHIFT);
	print_kb("NormalTotal:", normal.managed << PAGE_SHIFT);
	print_kb("NormalFree:", normal.free << PAGE_SHIFT);
	print_kb("PcpFree:", cached << PAGE_SHIFT);
	print_kb("CmaTotal:", (dma32.nr_cma + normal.nr_cma) << PAGE_SHIFT);
	print_kb("CmaFree:", (dma32.nr_free_cma + normal.nr_free_cma) << PAGE_SHIFT);
	print_kb("Present:", layout.present_pages << PAGE_SHIFT);
	print_kb("Memmap:", layout.memmap_bytes);
	print_kb("Percpu:", layout.pcp_bytes);
	print_kb("HardwareCorrupted:", (uint64_t)mm_nr_bad_pages() << PAGE_SHIFT);
	return 0;
}

CONSOLE_COMMAND(meminfo, cmd_meminfo, "meminfo",
		"total and free memory, as /proc/meminfo\n"
		"kB: 1024 bytes; PcpFree is in per-CPU caches and not in MemFree\n"
		"example: meminfo");

/* ---- buddyinfo, pagetypeinfo ---------------------------------------------------------------- */

static int cmd_buddyinfo(int argc, char **argv)
{
	int width;

	if (argc != 1)
		return console_usage(argv[0]);
	/* 99 columns as Linux has it; a terminal of 80 gets what fits */
	width = terminal_is_narrow(99) ? 4 : 6;
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		uint64_t nr_free[NR_PAGE_ORDERS];
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		if (!zone_populated(&info))
			continue;
		mm_buddyinfo((enum zone_type)zone, nr_free);
		printf("Node %d, zone %8s ", 0, info.name);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			printf("%*" PRIu64 " ", width, nr_free[order]);
		printf("\n");
	}
	return 0;
}

CONSOLE_COMMAND(buddyinfo, cmd_buddyinfo, "buddyinfo",
		"free blocks of order 0 to 10, as /proc/buddyinfo\n"
		"a block of order n has 2^n pages of 4 KiB; without the per-CPU caches\n"
		"example: drain; buddyinfo");

/* The same where 121 columns do not fit: a row a zone and type, and a row a type. */
static int narrow_pagetypeinfo(void)
{
	printf("Page block order: %d\nPages per block:  %lu\n\n", pageblock_order,
	       pageblock_nr_pages);
	printf("%-8s %-12s %8s", "zone", "free blocks", "order 0");
	for (unsigned int order = 1; order < NR_PAGE_ORDERS; order++)
		printf(" %4u", order);
	printf("\n");
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS];
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		if (!zone_populated(&info))
			continue;
		mm_pagetypeinfo((enum zone_type)zone, nr_free);
		for (int type = 0; type < MIGRATE_TYPES; type++) {
			printf("%-8s %-12s %8" PRIu64, info.name,
			       mm_migratetype_name((enum migratetype)type), nr_free[type][0]);
			for (unsigned int order = 1; order < NR_PAGE_ORDERS; order++)
				printf(" %4" PRIu64, nr_free[type][order]);
			printf("\n");
		}
	}
	printf("\n%-8s %-12s %8s\n", "zone", "page blocks", "number");
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		uint64_t blocks[MIGRATE_TYPES];
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		if (!zone_populated(&info))
			continue;
		mm_pageblocks((enum zone_type)zone, blocks);
		for (int type = 0; type < MIGRATE_TYPES; type++)
			printf("%-8s %-12s %8" PRIu64 "\n", info.name,
			       mm_migratetype_name((enum migratetype)type), blocks[type]);
	}
	return 0;
}

static int cmd_pagetypeinfo(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	if (terminal_is_narrow(121))
		return narrow_pagetypeinfo();
	printf("Page block order: %d\n", pageblock_order);
	printf("Pages per block:  %lu\n\n", pageblock_nr_pages);
	printf("%-43s ", "Free pages count per migrate type at order");
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		printf("%6u ", order);
	printf("\n");
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS];
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		if (!zone_populated(&info))
			continue;
		mm_pagetypeinfo((enum zone_type)zone, nr_free);
		for (int type = 0; type < MIGRATE_TYPES; type++) {
			printf("Node %4d, zone %8s, type %12s ", 0, info.name,
			       mm_migratetype_name((enum migratetype)type));
			for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
				printf("%6" PRIu64 " ", nr_free[type][order]);
			printf("\n");
		}
	}
	printf("\n%-23s", "Number of blocks type ");
	for (int type = 0; type < MIGRATE_TYPES; type++)
		printf("%12s ", mm_migratetype_name((enum migratetype)type));
	printf("\n");
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		uint64_t blocks[MIGRATE_TYPES];
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		if (!zone_populated(&info))
			continue;
		mm_pageblocks((enum zone_type)zone, blocks);
		printf("Node %d, zone %8s ", 0, info.name);
		for (int type = 0; type < MIGRATE_TYPES; type++)
			printf("%12" PRIu64 " ", blocks[type]);
		printf("\n");
	}
	return 0;
}

CONSOLE_COMMAND(pagetypeinfo, cmd_pagetypeinfo, "pagetypeinfo",
		"free blocks by migrate type, as /proc/pagetypeinfo\n"
		"and pageblocks, of 512 pages, by type\n"
		"example: pagetypeinfo");

/* ---- zoneinfo, zonelist, pcp ---------------------------------------------------------------- */

/*
 * Linux has one pageset a CPU and zone; ours has a cache for each order and migrate type: their
 * sum, in pages.
 */
static void print_pagesets(enum zone_type zone)
{
	struct pcp_info pcp;
	int shown = -1;
	uint32_t count = 0, high = 0, batch = 0;

	printf("  pagesets\n");
	for (unsigned int n = 0;; n++) {
		bool more = mm_pcp_info(n, &pcp);

		if (more && pcp.zone != (uint32_t)zone)
			continue;
		if (shown >= 0 && (!more || (int)pcp.cpu != shown)) {
			printf("    cpu: %d\n", shown);
			printf("              count: %" PRIu32 "\n", count);
			printf("              high:  %" PRIu32 "\n", high);
			printf("              batch: %" PRIu32 "\n", batch);
			count = high = batch = 0;
		}
		if (!more)
			break;
		shown = (int)pcp.cpu;
		count += pcp.count << pcp.order;
		high += pcp.high << pcp.order;
		batch = pcp.batch > batch ? pcp.batch : batch;
	}
}

/* With the first zone that has pages, where Linux has its per-node counters. */
static void print_node(void)
{
	struct node_info node;

	mm_node_info(&node);
	printf("  per-node stats\n");
	printf("      node_start_pfn %" PRIu64 "\n", node.node_start_pfn);
	printf("      node_present_pages %" PRIu64 "\n", node.node_present_pages);
	printf("      node_spanned_pages %" PRIu64 "\n", node.node_spanned_pages);
}

/* They count while vm.numa_stat is 1. */
static void print_zone_stats(enum zone_type zone)
{
	struct mm_zone_stats stats;

	mm_zone_stats(zone, &stats);
	printf("      numa_hit     %" PRIu64 "\n", stats.hit);
	printf("      numa_miss    %" PRIu64 "\n", stats.miss);
	printf("      numa_foreign %" PRIu64 "\n", stats.foreign);
}

static int cmd_zoneinfo(int argc, char **argv)
{
	bool node_shown = false;

	if (argc != 1)
		return console_usage(argv[0]);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		printf("Node %d, zone %8s\n", 0, info.name);
		if (info.present && !node_shown) {
			print_node();
			node_shown = true;
		}
		printf("  pages free     %" PRIu64 "\n", info.free);
		printf("        boost    %" PRIu64 "\n", mm_zone_boost((enum zone_type)zone));
		printf("        min      %" PRIu64 "\n", info.mark.min);
		printf("        low      %" PRIu64 "\n", info.mark.low);
		printf("        high     %" PRIu64 "\n", info.mark.high);
		printf("        spanned  %" PRIu64 "\n", info.spanned);
		printf("        present  %" PRIu64 "\n", info.present);
		printf("        managed  %" PRIu64 "\n", info.managed);
		printf("        cma      %" PRIu64 "\n", info.nr_cma);
		printf("        protection: (%" PRIu64 ", %" PRIu64 ")\n",
		       info.protection[ZONE_DMA32], info.protection[ZONE_NORMAL]);
		if (!zone_populated(&info))
			continue; /* as Linux: the rest says nothing about an empty zone */
		printf("      nr_free_pages %" PRIu64 "\n", info.free);
		printf("      nr_highatomic %" PRIu64 "\n", info.nr_highatomic);
		printf("      nr_free_cma  %" PRIu64 "\n", info.nr_free_cma);
		print_zone_stats((enum zone_type)zone);
		print_pagesets((enum zone_type)zone);
		printf("  node_unreclaimable:  0\n");
		printf("  start_pfn:           %" PRIu64 "\n", info.start_pfn);
	}
	return 0;
}

CONSOLE_COMMAND(zoneinfo, cmd_zoneinfo, "zoneinfo",
		"zones in detail, as /proc/zoneinfo\n"
		"figures in pages of 4 KiB\n"
		"example: zoneinfo | grep free");

static int cmd_zonelist(int argc, char **argv)
{
	static const char *const names[] = {"fallback", "__GFP_THISNODE"};

	if (argc != 1)
		return console_usage(argv[0]);
	for (unsigned int list = 0; list < 2; list++) {
		struct zoneref_info ref;

		printf("zonelist[%u] %-16s", list, names[list]);
		for (unsigned int n = 0; mm_zonelist(list, n, &ref); n++) {
			struct zone_info info;

			mm_zone_info(ref.zone_idx, &info);
			printf("%s%s(%d)%s", n ? " -> " : "", info.name, (int)ref.zone_idx,
			       ref.populated ? "" : " empty");
		}
		printf("\n");
	}
	return 0;
}

CONSOLE_COMMAND(zonelist, cmd_zonelist, "zonelist",
		"the order in which a request tries zones\n"
		"with zone indices; an empty zone has no memory\n"
		"example: zonelist");

static int cmd_pcp(int argc, char **argv)
{
	struct pcp_info pcp;

	if (argc != 1)
		return console_usage(argv[0]);
	printf("cpu     zone         type order   count    high   batch capacity\n");
	for (unsigned int n = 0; mm_pcp_info(n, &pcp); n++) {
		struct zone_info info;

		mm_zone_info((enum zone_type)pcp.zone, &info);
		printf("%3" PRIu32 " %8s %12s %5" PRIu32 " %7" PRIu32 " %7" PRIu32 " %7" PRIu32
		       " %8" PRIu32 "\n",
		       pcp.cpu, info.name, mm_migratetype_name((enum migratetype)pcp.migratetype),
		       pcp.order, pcp.count, pcp.high, pcp.batch, pcp.capacity);
	}
	return 0;
}

CONSOLE_COMMAND(pcp, cmd_pcp, "pcp",
		"the per-CPU page caches\n"
		"count, high, batch and capacity in blocks of the row's order\n"
		"example: pcp | grep DMA32");
