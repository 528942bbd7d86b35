/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_range.c: a range of contiguous pages by hand, at an address or anywhere. `free` gives it back.
 */
#include <errno.h>
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "console/arguments.h"
#include "console/command.h"
#include "console/parse.h"

static void print_busy(pfn_t pfn)
{
	struct page_info info;

	if (pfn == MM_NO_PFN || mm_page_info(pfn, &info) != 0) {
		printf("range: refused: a page was taken meanwhile\n");
		return;
	}
	printf("range: refused: page 0x%" PRIx64 " is %s (block 0x%" PRIx64
	       " order %u, %u references, owner 0x%" PRIx32 ")\n",
	       PFN_PHYS(pfn),
	       info.state == PAGE_RESERVED ? "reserved"
	       : info.state == PAGE_CONTIG ? "part of another range"
	       : info.state == PAGE_FREE   ? "kept (CMA)"
					   : "in use",
	       PFN_PHYS(info.head_pfn), info.order, info.refcount, info.owner);
}

static int cmd_range(int argc, char **argv)
{
	bool anywhere = argc == 3 && strcmp(argv[1], "any") == 0;
	phys_addr_t addr = 0;
	struct page *page;
	uint64_t pages;
	pfn_t busy;
	int error;

	if (argc != 3)
		return console_usage(argv[0]);
	if (!anywhere && (parse_u64(argv[1], PHYS_ADDR_MAX, &addr) != 0 || addr % PAGE_SIZE != 0)) {
		printf("range: '%s' is not the address of a page (multiple of %lu), nor 'any'\n",
		       argv[1], PAGE_SIZE);
		return 1;
	}
	if (parse_u64(argv[2], PHYS_ADDR_MAX / PAGE_SIZE, &pages) != 0 || pages == 0 ||
	    pages > ~0UL || PFN_DOWN(addr) + pages < pages) {
		printf("range: '%s' is not a number of pages\n", argv[2]);
		return 1;
	}
	if (anywhere) {
		page = alloc_contig_pages((unsigned long)pages, GFP_KERNEL | __GFP_NOWARN);
		if (!page) {
			printf("range: no %" PRIu64 " contiguous pages are free\n", pages);
			return 1;
		}
		addr = page_to_phys(page);
	} else {
		/* asked before: if it is refused, this page is why, unless it was freed meanwhile */
		busy = contig_busy_page(PFN_DOWN(addr), PFN_DOWN(addr) + pages, MIGRATE_MOVABLE);
		error = alloc_contig_range(PFN_DOWN(addr), PFN_DOWN(addr) + pages, MIGRATE_MOVABLE,
					   GFP_KERNEL | __GFP_NOWARN);
		if (error == -EBUSY)
			print_busy(busy);
		else if (error)
			printf("range: 0x%" PRIx64 " and %" PRIu64
			       " pages are not memory of one bank\n",
			       addr, pages);
		if (error)
			return 1;
	}
	printf("0x%" PRIx64 " pages %" PRIu64 "\n", addr, pages);
	return 0;
}

CONSOLE_COMMAND_WORDS(range, cmd_range, "range <address | any> <pages>",
		      "contiguous pages; free gives them back\n"
		      "address: of a page, or any; pages: any number, of 4 KiB, of one bank\n"
		      "example: range 0x84000000 1024",
		      "any");
