/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_alloc.c: the allocator by hand: take pages, give them back, look at one, decode flags.
 */
#include <errno.h>
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "console/arguments.h"
#include "console/command.h"
#include "console/movable.h"
#include "console/parse.h"

static const char *zone_name(enum zone_type zone)
{
	struct zone_info info;

	mm_zone_info(zone, &info);
	return info.name;
}

static int parse_address(const char *command, const char *text, phys_addr_t *addr)
{
	if (parse_u64(text, PHYS_ADDR_MAX, addr) != 0) {
		printf("%s: '%s' is not an address, 0x... or decimal\n", command, text);
		return 1;
	}
	return 0;
}

/* ---- alloc, free, drain --------------------------------------------------------------------- */

static int alloc_movable(const char *command, const char *text)
{
	struct page_info info;
	unsigned int order;
	struct page *page;
	const char *why;

	if (console_parse_order(command, text, &order) != 0)
		return 1;
	page = movable_alloc(order, &why);
	if (!page) {
		printf("alloc: refused: %s\n", why);
		return 1;
	}
	printf("0x%" PRIx64 " order %u zone %s movable\n", page_to_phys(page), order,
	       mm_page_info(page_to_pfn(page), &info) == 0 ? zone_name(info.zone) : "unknown");
	return 0;
}

static int cmd_alloc(int argc, char **argv)
{
	gfp_t gfp;
	unsigned int order;
	struct page_info info;
	struct mm_stats before, after;
	struct page *page;
	char reason[320];

	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return movable_list();
	if (argc == 3 && strcmp(argv[2], "movable") == 0)
		return alloc_movable(argv[0], argv[1]);
	if (console_parse_request(argc, argv, &order, &gfp) != 0)
		return 1;
	/* asked before: its shrinkers may change what a refusal is due to */
	if (mm_explain(gfp, order, reason, sizeof(reason)))
		reason[0] = '\0';
	mm_get_stats(&before);
	page = alloc_pages(gfp, order);
	if (!page) {
		mm_get_stats(&after);
		if (after.fail_injected != before.fail_injected)
			snprintf(reason, sizeof(reason), "fault injection");
		printf("alloc: refused: %s\n", reason[0] ? reason : "no memory");
		return 1;
	}
	printf("0x%" PRIx64 " order %u zone %s\n", page_to_phys(page), order,
	       mm_page_info(page_to_pfn(page), &info) == 0 ? zone_name(info.zone) : "unknown");
	return 0;
}

CONSOLE_COMMAND_COMPLETE(alloc, cmd_alloc, "alloc <order> [gfp] | list",
			 "take 2^order pages; prints the physical address\n"
			 "order: 0 to 10, so 4 KiB to 4 MiB\n"
			 "gfp: names with | between them, or a number; default GFP_KERNEL\n"
			 "movable in place of gfp: order 0 to 8, full of a pattern; may move.\n"
			 "list: where those are now, and whether they are as they were\n"
			 "example: alloc 3 GFP_KERNEL|__GFP_ZERO",
			 console_complete_gfp);

/* Why free_pages_phys() said no. */
static void print_refusal(phys_addr_t addr, int order, int error)
{
	struct page_info info;
	bool known = mm_page_info(PFN_DOWN(addr), &info) == 0;

	printf("free: 0x%" PRIx64 ": ", addr);
	switch (-error) {
	case EALREADY:
		printf("is free already (double free)\n");
		break;
	case EPERM:
		printf("%s\n", known && info.state == PAGE_BAD
				       ? "is bad memory, kept from the allocator"
				       : "is reserved, it never came from the allocator");
		break;
	case EFAULT:
		printf("no such memory\n");
		break;
	case EINVAL:
		if ((addr & ~PAGE_MASK) != 0)
			printf("is not the address of a page (multiple of %lu)\n", PAGE_SIZE);
		else if (known && info.state == PAGE_CONTIG)
			printf("is part of a range, which is freed as a whole by its first page\n");
		else if (known && info.head_pfn != PFN_DOWN(addr))
			printf("is inside the block of order %u at 0x%" PRIx64 "\n", info.order,
			       PFN_PHYS(info.head_pfn));
		else if (known && order >= 0 && (unsigned int)order != info.order)
			printf("the block's order is %u, not %d\n", info.order, order);
		else
			printf("cannot be freed (%s)\n", strerror(-error));
		break;
	default:
		printf("cannot be freed (%s)\n", strerror(-error));
		break;
	}
}

/* Of a CMA area, or of other memory. */
static int free_range(pfn_t pfn, unsigned long pages)
{
	struct cma_info info;

	for (unsigned int n = 0; cma_get_info(n, &info); n++)
		if (pfn - PFN_DOWN(info.base) < info.pages)
			return cma_release(cma_at(n), pfn_to_page(pfn), pages) ? 0 : -EINVAL;
	return free_contig_range(pfn, pages);
}

static int cmd_free(int argc, char **argv)
{
	phys_addr_t addr;
	unsigned long pages;
	unsigned int order = 0;
	int error = 0;

	if (argc < 2 || argc > 3)
		return console_usage(argv[0]);
	if (parse_address(argv[0], argv[1], &addr) != 0)
		return 1;
	if (argc == 3 && console_parse_order(argv[0], argv[2], &order) != 0)
		return 1;
	if (addr % PAGE_SIZE == 0 && pfn_valid(PFN_DOWN(addr)))
		error = movable_free(pfn_to_page(PFN_DOWN(addr)), argc == 3 ? (int)order : -1);
	if (error > 0)
		return 0;
	if (!error) {
		/* the allocator logs a misuse: into the ring only, the line below says it here */
		log_set_console(false);
		pages = argc == 2 && addr % PAGE_SIZE == 0 ? contig_range_pages(PFN_DOWN(addr)) : 0;
		error = pages ? free_range(PFN_DOWN(addr), pages)
			      : free_pages_phys(addr, argc == 3 ? (int)order : -1);
		log_set_console(true);
	}
	if (error) {
		print_refusal(addr, argc == 3 ? (int)order : -1, error);
		return 1;
	}
	return 0;
}

CONSOLE_COMMAND(free, cmd_free, "free <address> [order]",
		"give back what alloc or range printed\n"
		"address: physical, 0x.. or decimal; order: 0 to 10, by default\n"
		"the block's own; another one is refused. A range has no order\n"
		"example: free 0x87000000 3");

static int cmd_drain(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	printf("%lu pages drained\n", drain_all_pages());
	return 0;
}

CONSOLE_COMMAND(drain, cmd_drain, "drain",
		"per-CPU caches give their pages back to the buddy\n"
		"prints how many pages of 4 KiB that were, of all CPUs\n"
		"example: drain");

/* ---- page, gfp ------------------------------------------------------------------------------ */

static const char *state_name(const struct page_info *info)
{
	switch (info->state) {
	case PAGE_FREE:
		return info->untouched ? "free (untouched)" : "free";
	case PAGE_ALLOC:
		return info->in_pcp ? "free (in a per-CPU cache)" : "allocated";
	case PAGE_COMPOUND:
		return "allocated (compound)";
	case PAGE_RESERVED:
		return "reserved";
	case PAGE_FROZEN:
		return "allocated (no references left)";
	case PAGE_CONTIG:
		return "allocated (part of a range)";
	case PAGE_SLAB:
		return "allocated (objects)";
	case PAGE_BAD:
		return "bad memory, never handed out";
	case PAGE_NONE:
		break;
	}
	return "no block";
}

static int cmd_page(int argc, char **argv)
{
	struct page_info info;
	phys_addr_t addr;

	if (argc != 2)
		return console_usage(argv[0]);
	if (parse_address(argv[0], argv[1], &addr) != 0)
		return 1;
	if (mm_page_info(PFN_DOWN(addr), &info) != 0) {
		printf("page: 0x%" PRIx64 ": no such memory\n", addr);
		return 1;
	}
	printf("page 0x%" PRIx64 " pfn 0x%" PRIx64 " zone %s\n", PFN_PHYS(info.pfn), info.pfn,
	       zone_name(info.zone));
	printf("state %s\n", state_name(&info));
	if (info.state == PAGE_RESERVED || info.state == PAGE_BAD || info.state == PAGE_NONE)
		return 0;
	printf("order %u head 0x%" PRIx64 " refs %u type %s\n", info.order, PFN_PHYS(info.head_pfn),
	       info.refcount, mm_migratetype_name(info.migratetype));
	if (info.state != PAGE_FREE && info.owner)
		printf("owner 0x%" PRIx32 "\n", info.owner);
	return 0;
}

CONSOLE_COMMAND(page, cmd_page, "page <address>",
		"what the page at a physical address is\n"
		"address: any byte of the page, 0x.. or decimal\n"
		"example: page 0x80200000");

static int cmd_gfp(int argc, char **argv)
{
	char names[GFP_NAMES_SIZE];
	gfp_t gfp;

	if (argc != 2)
		return console_usage(argv[0]);
	if (console_parse_gfp(argv[0], argv[1], &gfp) != 0)
		return 1;
	printf("0x%" PRIx32 " %s zone %s type %s\n", gfp, gfp_names(gfp, names, sizeof(names)),
	       zone_name(gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL),
	       mm_migratetype_name(gfp_migratetype(gfp)));
	return 0;
}

CONSOLE_COMMAND_COMPLETE(gfp, cmd_gfp, "gfp <number or names>",
			 "flags: their names, highest zone, migrate type\n"
			 "names with | between them, or a number\n"
			 "example: gfp GFP_KERNEL|__GFP_MOVABLE",
			 console_complete_gfp);
