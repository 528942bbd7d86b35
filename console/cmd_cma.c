/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_cma.c: the areas for contiguous allocations: what they hold, and pages from one by hand.
 */
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "console/command.h"
#include "console/parse.h"

static void print_areas(void)
{
	struct cma_info info;

	printf("%-4s %-12s %-10s %8s %8s %8s %s\n", "area", "base", "kB", "used", "free", "lent",
	       "name");
	for (unsigned int n = 0; cma_get_info(n, &info); n++)
		printf("%-4u 0x%-10" PRIx64 " %-10lu %8lu %8lu %8lu %s%s\n", n, info.base,
		       info.pages << (PAGE_SHIFT - 10), info.used, info.free,
		       info.pages - info.used - info.free, info.name,
		       cma_at(n) == cma_default() ? " (default)" : "");
}

static int cmd_cma(int argc, char **argv)
{
	uint64_t area, pages;
	struct page *page;

	if (argc == 1) {
		print_areas();
		return 0;
	}
	if (argc != 4 || strcmp(argv[1], "alloc") != 0)
		return console_usage(argv[0]);
	if (parse_u64(argv[2], MAX_CMA_AREAS, &area) != 0 || !cma_at((unsigned int)area)) {
		printf("cma: '%s' is no area; 'cma' lists them\n", argv[2]);
		return 1;
	}
	if (parse_u64(argv[3], ~0UL, &pages) != 0 || pages == 0) {
		printf("cma: '%s' is not a number of pages\n", argv[3]);
		return 1;
	}
	page = cma_alloc(cma_at((unsigned int)area), (unsigned long)pages, 0, true);
	if (!page) {
		printf("cma: no %" PRIu64 " contiguous pages are free in area %" PRIu64 "\n", pages,
		       area);
		return 1;
	}
	printf("0x%" PRIx64 " pages %" PRIu64 "\n", page_to_phys(page), pages);
	return 0;
}

CONSOLE_COMMAND_WORDS(cma, cmd_cma, "cma [alloc <area> <pages>]",
		      "areas for contiguous allocations; pages of one\n"
		      "used: pages allocated; lent: to movable requests; free gives back\n"
		      "example: cma",
		      "alloc");
