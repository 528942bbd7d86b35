/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_extfrag.c: how fragmented the free memory of each zone is, for each order: Linux's two indexes
 * (debugfs extfrag/extfrag_index and extfrag/unusable_index), in thousandths.
 */
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>

#include "console/command.h"

struct free_blocks {
	uint64_t pages;	   /* free */
	uint64_t blocks;   /* of all orders */
	uint64_t suitable; /* blocks of the order asked for, in blocks of this and larger ones */
};

static struct free_blocks count_blocks(const uint64_t nr_free[NR_PAGE_ORDERS], unsigned int order)
{
	struct free_blocks count = {0};

	for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++) {
		count.pages += nr_free[o] << o;
		count.blocks += nr_free[o];
		if (o >= order)
			count.suitable += nr_free[o] << (o - order);
	}
	return count;
}

/* Why a request would fail: towards 0 for want of memory, towards 1,000 as it is cut up; -1,000: it would not. */
static int64_t extfrag_index(const uint64_t nr_free[NR_PAGE_ORDERS], unsigned int order)
{
	struct free_blocks count = count_blocks(nr_free, order);

	if (!count.blocks)
		return 0;
	if (count.suitable)
		return -1000;
	return 1000 - (int64_t)((1000 + (count.pages * 1000 >> order)) / count.blocks);
}

/* The share of the free memory that is no use for requests of this order. */
static int64_t unusable_index(const uint64_t nr_free[NR_PAGE_ORDERS], unsigned int order)
{
	struct free_blocks count = count_blocks(nr_free, order);

	if (!count.pages)
		return 1000;
	return (int64_t)((count.pages - (count.suitable << order)) * 1000 / count.pages);
}

static int print_indexes(int argc, char **argv,
			 int64_t (*index)(const uint64_t nr_free[NR_PAGE_ORDERS],
					  unsigned int order))
{
	if (argc != 1)
		return console_usage(argv[0]);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		uint64_t nr_free[NR_PAGE_ORDERS];
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		if (!info.present)
			continue;
		mm_buddyinfo((enum zone_type)zone, nr_free);
		printf("Node %d, zone %8s ", 0, info.name);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			int64_t value = index(nr_free, order);

			printf("%s%" PRId64 ".%03" PRId64 " ", value < 0 ? "-" : "",
			       (value < 0 ? -value : value) / 1000,
			       (value < 0 ? -value : value) % 1000);
		}
		printf("\n");
	}
	return 0;
}

static int cmd_extfrag_index(int argc, char **argv)
{
	return print_indexes(argc, argv, extfrag_index);
}

static int cmd_unusable_index(int argc, char **argv)
{
	return print_indexes(argc, argv, unusable_index);
}

CONSOLE_COMMAND(extfrag_index, cmd_extfrag_index, "extfrag_index",
		"why no block of an order would be found, as in debugfs\n"
		"-1: one would; towards 0 too little is free, towards 1 blocks are small\n"
		"example: extfrag_index");
CONSOLE_COMMAND(unusable_index, cmd_unusable_index, "unusable_index",
		"share of free memory below an order, as in debugfs\n"
		"order 0 to 10; 0.000 to 1.000; without the per-CPU caches\n"
		"example: unusable_index");
