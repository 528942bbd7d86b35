/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * campaign_copy.c: all state of mm/ and memblock, kept and put back.
 */
#include "campaign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "machine.h"
#include "mm/pcp/pcp.h"
#include "test/host/port_host.h"

struct piece {
	void *at;
	size_t size;
	char *copy;
};

static struct piece pieces[16];
static unsigned int nr_pieces;

static void keep(void *at, size_t size)
{
	struct piece *piece = &pieces[nr_pieces++];

	*piece = (struct piece){at, size, malloc(size)};
	assert_non_null(piece->copy);
	memcpy(piece->copy, at, size);
}

static void keep_caches(struct mm_pcpu *cpu)
{
	struct page **low = NULL, **high = NULL;

	keep(cpu, sizeof(*cpu));
	for (unsigned int i = 0; i < NR_PCPS; i++) {
		struct per_cpu_pages *pcp = &cpu->cache[i];

		if (!pcp->capacity)
			continue;
		low = !low || pcp->base < low ? pcp->base : low;
		high = pcp->base + pcp->capacity + 1 > high ? pcp->base + pcp->capacity + 1 : high;
	}
	if (low)
		keep(low, (size_t)((char *)high - (char *)low));
}

void keep_all(void)
{
	nr_pieces = 0;
	keep(&mm, sizeof(mm));
	keep(mm.memmap, mm.memmap_bytes);
	keep_caches(&machine_pcpu);
	if (mm.pcpu[1])
		keep_caches(mm.pcpu[1]);
	keep(&memblock, sizeof(memblock));
	keep(memblock.reserved.regions, memblock.reserved.max * sizeof(struct memblock_region));
}

void put_back(void)
{
	uint32_t newest = machine_pcpu.acknowledged;

	for (unsigned int i = 0; i < nr_pieces; i++)
		memcpy(pieces[i].at, pieces[i].copy, pieces[i].size);
	/* The numbers of requests to other CPUs go on; all have served the newest. */
	for (unsigned int c = 0; c < mm.end_cpu; c++)
		if (mm.pcpu[c])
			mm.pcpu[c]->acknowledged = newest;
}

void keep_none(void)
{
	while (nr_pieces)
		free(pieces[--nr_pieces].copy);
}
