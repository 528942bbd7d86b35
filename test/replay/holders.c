/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holders.c: see holders.h.
 */
#include "holders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/alloc/alloc.h"

#define SHOWN 16 /* callers at most */

/* What a descriptor's block is, while it is the first of one that somebody has. */
struct holder {
	uint32_t site; /* its number and 1; 0: nobody is known to have it */
	uint32_t sequence, pages;
};

static struct holder *holder; /* of each descriptor */
static struct site *site;
static size_t nr_sites;
static uint64_t image;

bool holders_start(const struct trace *trace)
{
	image = trace->board.image;
	holder = calloc(mm.nr_pages, sizeof(*holder));
	return holder;
}

const char *holders_name(uint64_t address)
{
	static char name[40];

	if (image && address >= image)
		snprintf(name, sizeof(name), "quarry.elf+0x%llx",
			 (unsigned long long)(address - image));
	else
		snprintf(name, sizeof(name), "0x%llx", (unsigned long long)address);
	return name;
}

static size_t site_of(uint64_t address)
{
	size_t i = 0;

	while (i < nr_sites && site[i].address != address)
		i++;
	if (i == nr_sites) {
		site = realloc(site, ++nr_sites * sizeof(*site));
		site[i] = (struct site){.address = address};
	}
	return i;
}

static void taken(unsigned long index, uint64_t pages, uint64_t address, uint32_t sequence)
{
	size_t at = site_of(address);

	site[at].calls++;
	site[at].pages += pages;
	if (index < mm.nr_pages)
		holder[index] = (struct holder){(uint32_t)at + 1, sequence, (uint32_t)pages};
}

/* Its first `kept` pages stay, in the largest blocks there are. */
static void cut(unsigned long index, unsigned long kept)
{
	struct holder was = holder[index];

	for (unsigned int order = MAX_PAGE_ORDER + 1; was.site && order--;) {
		if (!(kept >> order & 1))
			continue;
		holder[index] = (struct holder){was.site, was.sequence, 1U << order};
		index += 1UL << order;
	}
}

void holders_note(const struct mm_record_event *event)
{
	unsigned long index, start = event->value >> 32, end = event->value & 0xffffffff;

	if (event->flags & MM_RECORD_BEGINS || event->value == MM_RECORD_NONE)
		return;
	switch (event->type) {
	case MM_RECORD_ALLOC:
		taken(pfn_to_index(event->value), 1ULL << event->order, event->site,
		      event->sequence);
		break;
	case MM_RECORD_FREE:
		index = pfn_to_index(event->value);
		if ((event->more & 3) != NOT_FREED)
			holder[index].site = 0;
		break;
	case MM_RECORD_GIVE: /* where a block was to move to, and could not */
		index = pfn_to_index(event->value);
		if (index != NIL32)
			holder[index].site = 0;
		break;
	case MM_RECORD_BAD:
		if (event->more)
			holder[pfn_to_index(event->value)].site = 0;
		break;
	case MM_RECORD_CUT:
		cut(pfn_to_index(event->value), event->more);
		break;
	case MM_RECORD_MOVED:
		index = pfn_to_index(event->value);
		if (event->more < mm.nr_pages)
			holder[event->more] = holder[index];
		holder[index].site = 0;
		break;
	case MM_RECORD_TAKE_RANGE:
		taken(start, end - start, event->site, event->sequence);
		break;
	case MM_RECORD_RETURN_RANGE:
		holder[start].site = 0;
		break;
	case MM_RECORD_TAKE_BETWEEN: /* no request's, where a block moves to */
		if (end < mm.nr_pages && (event->more >> 24 & 0x7f) != MIGRATE_ISOLATE)
			taken(end, event->more & 0xffffff, 0, event->sequence);
		break;
	default:
		break;
	}
}

static int by_held(const void *one, const void *other)
{
	const struct site *a = one, *b = other;

	if (a->held != b->held)
		return a->held < b->held ? 1 : -1;
	return a->calls < b->calls ? 1 : -(a->calls > b->calls);
}

struct site *holders_sites(size_t *n)
{
	struct site *copy = malloc((nr_sites + 1) * sizeof(*copy));

	memcpy(copy, site, nr_sites * sizeof(*copy));
	for (uint32_t i = 0; i < mm.nr_pages; i++) {
		struct site *of = copy + holder[i].site - 1;

		if (!holder[i].site)
			continue;
		if (!of->blocks || holder[i].sequence < of->oldest)
			of->oldest = holder[i].sequence;
		of->held += holder[i].pages;
		of->blocks++;
	}
	qsort(copy, nr_sites, sizeof(*copy), by_held);
	*n = nr_sites;
	return copy;
}

void holders_print(FILE *to)
{
	size_t n;
	struct site *sites = holders_sites(&n);

	for (size_t i = 0; i < n && i < SHOWN && sites[i].held; i++)
		fprintf(to,
			"held: %llu pages in %llu blocks, allocated at %s, the oldest by event %u\n",
			(unsigned long long)sites[i].held, (unsigned long long)sites[i].blocks,
			holders_name(sites[i].address), sites[i].oldest);
	free(sites);
}
