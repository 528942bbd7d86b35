/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * badpages.c: `badpages`, `soft_offline`, and what both and memtest need: see badpages.h.
 */
#include "console/badpages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/boot.h"
#include "console/command.h"
#include "console/parse.h"

#define KEPT 256 /* pages that are listed; more are kept out too, and counted */

static pfn_t bad[KEPT]; /* in the order of their addresses */
static unsigned int nr_bad;

static void remember(pfn_t pfn)
{
	unsigned int at = nr_bad;

	if (nr_bad == KEPT)
		return;
	for (; at > 0 && bad[at - 1] > pfn; at--)
		bad[at] = bad[at - 1];
	bad[at] = pfn;
	nr_bad++;
}

/* The page itself, if it is free; masked, so that no interrupt takes it between. */
static int take(pfn_t pfn)
{
	unsigned long flags = port_irq_save();
	struct page *page =
		alloc_pages_between(GFP_KERNEL | __GFP_MEMALLOC | __GFP_MOVABLE | __GFP_NOWARN, 0,
				    PFN_PHYS(pfn), PFN_PHYS(pfn) + PAGE_SIZE - 1);
	int error = page ? mm_page_set_bad(pfn) : -EBUSY;

	port_irq_restore(flags);
	return error;
}

int badpages_add(pfn_t pfn)
{
	struct page_info info;
	int error;

	if (mm_page_info(pfn, &info) != 0)
		return -EFAULT;
	if (info.state == PAGE_BAD)
		return -EALREADY;
	if (info.state == PAGE_RESERVED)
		return -EPERM;
	error = take(pfn);
	if (error == -EBUSY) { /* a CPU's cache may hold it */
		drain_all_pages();
		error = take(pfn);
	}
	if (!error)
		remember(pfn);
	return error;
}

/* From bad[*n] on, as far as they are neighbours: *n becomes the next one's. */
static pfn_t run_of(unsigned int *n)
{
	pfn_t end = bad[*n] + 1;

	while (++*n < nr_bad && bad[*n] == end)
		end++;
	return end;
}

void badpages_print_node(void)
{
	if (nr_bad == 0)
		return;
	printf("reserved-memory {\n\t#address-cells = <2>;\n\t#size-cells = <2>;\n\tranges;\n");
	for (unsigned int n = 0; n < nr_bad;) {
		uint64_t base = PFN_PHYS(bad[n]), size = PFN_PHYS(run_of(&n)) - base;

		printf("\n\tbad-memory@%" PRIx64 " {\n\t\treg = <0x%" PRIx64 " 0x%" PRIx64
		       " 0x%" PRIx64 " 0x%" PRIx64 ">;\n\t\tno-map;\n\t};\n",
		       base, base >> 32, base & UINT32_MAX, size >> 32, size & UINT32_MAX);
	}
	printf("};\n");
}

/* ---- the commands ----------------------------------------------------------------------------- */

static int cmd_badpages(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	for (unsigned int n = 0; n < nr_bad; n++)
		printf("bad page 0x%" PRIx64 "\n", PFN_PHYS(bad[n]));
	if (mm_nr_bad_pages() > nr_bad)
		printf("badpages: %lu more are kept out and not listed\n",
		       mm_nr_bad_pages() - nr_bad);
	else if (nr_bad == 0)
		printf("badpages: none\n");
	badpages_print_node();
	return 0;
}

CONSOLE_COMMAND(badpages, cmd_badpages, "badpages",
		"pages found bad, and the node that keeps them out\n"
		"they are never handed out again, until the next start: put the node into the\n"
		"board's tree, beside /memory; meminfo counts them as HardwareCorrupted\n"
		"example: badpages");

static int cmd_soft_offline(int argc, char **argv)
{
	phys_addr_t addr;
	const char *why = "";
	int error;

	if (argc != 2)
		return console_usage(argv[0]);
	if (parse_u64(argv[1], PHYS_ADDR_MAX, &addr) != 0) {
		printf("soft_offline: '%s' is not an address, 0x... or decimal\n", argv[1]);
		return 1;
	}
	error = badpages_add(PFN_DOWN(addr));
	if (!error) {
		printf("soft_offline: page 0x%" PRIx64 " is kept out\n", PFN_PHYS(PFN_DOWN(addr)));
		return 0;
	}
	switch (-error) {
	case EALREADY:
		why = "is kept out already";
		break;
	case EPERM:
		why = "is reserved: the allocator does not hand it out";
		break;
	case EFAULT:
		why = "no such memory";
		break;
	default:
		why = "is in use, and stays so: 'page' says whose";
	}
	printf("soft_offline: 0x%" PRIx64 ": %s\n", addr, why);
	return 1;
}

CONSOLE_COMMAND(soft_offline, cmd_soft_offline, "soft_offline <address>",
		"a free page is never handed out again\n"
		"address: physical, any byte of the page, 0x.. or decimal; a page that is in\n"
		"use is not taken away\n"
		"example: soft_offline 0x87000000");
