/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_maps.c: what the page tables map, read from the live tables: neighbours of one kind and one
 * set of rights are one line. Unmapped memory is shown too; space that is neither memory nor a
 * device is not. Memory that a device shares without the caches has a line of its own, at the
 * address where it is uncached.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "boot/mmu/mmu.h"
#include "console/command.h"

struct line {
	phys_addr_t start, end;
	unsigned int flags;
	const char *name; /* "" for a hole */
	bool identity;	  /* every page leads where it should: to its own address, or uncached */
};

/* From addr on, as far as one entry of the tables and one kind of page go. */
static struct line line_at(phys_addr_t addr)
{
	struct pgtable_range range = pgtable_lookup(mmu_pgtable(), addr);
	struct line line = {.start = addr, .flags = range.flags};

	line.name = mmu_describe(addr, &line.end);
	if (!line.name)
		line.name = "";
	if (range.end < line.end)
		line.end = range.end;
	line.identity =
		!range.flags || range.output == range.start ||
		(range.flags & PG_UNCACHED && range.output == range.start - mmu_uncached_offset());
	return line;
}

static void print_line(const struct line *line)
{
	if (!line->flags && !*line->name)
		return;
	printf("0x%012" PRIx64 "-0x%012" PRIx64 " %10" PRIu64 " kB %c%c%c%c %s%s\n", line->start,
	       line->end, (line->end - line->start) >> 10, line->flags & PG_READ ? 'r' : '-',
	       line->flags & PG_WRITE ? 'w' : '-', line->flags & PG_EXEC ? 'x' : '-',
	       line->flags & PG_DEVICE ? 'd' : '-', line->name,
	       line->identity ? "" : " NOT AT ITS OWN ADDRESS");
}

static int cmd_maps(int argc, char **argv)
{
	const struct pgtable *pgt = mmu_pgtable();
	phys_addr_t end = pgt->reach;
	struct line line, next;

	if (argc != 1)
		return console_usage(argv[0]);
	if (!mmu_enabled()) {
		printf("maps: the MMU is off: everything can be read, written and executed\n");
		return 1;
	}
	if (mmu_uncached_offset())
		end = 2 * mmu_uncached_offset();
	line = line_at(0);
	for (phys_addr_t addr = line.end; addr < end; addr = next.end) {
		next = line_at(addr);
		if (next.flags == line.flags && next.identity == line.identity &&
		    strcmp(next.name, line.name) == 0) {
			line.end = next.end;
			continue;
		}
		print_line(&line);
		line = next;
	}
	print_line(&line);
	printf("%s, %lu pages of tables; r read, w write, x execute, d device registers\n",
	       mmu_mode(), pgt->pages + 1);
	return 0;
}

CONSOLE_COMMAND(maps, cmd_maps, "maps",
		"what is mapped, and how, from the live page tables\n"
		"r read, w write, x execute, d device registers; ends exclusive\n"
		"example: maps | grep rw");
