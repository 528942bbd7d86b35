/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * board.c: see board.h. What the recording has of each array goes to its place; pointers are made anew.
 */
#include "board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/buddy/buddy.h"
#include "mm/free_map.h"
#include "mm/pcp/pcp.h"

static struct mm was; /* struct mm of the machine, with its pointers */
static struct mm_pcpu *area[CONFIG_NR_CPUS];
static struct per_cpu_pages caches[CONFIG_NR_CPUS][NR_PCPS];

struct mm_pcpu *board_cpu(unsigned int cpu)
{
	return cpu < CONFIG_NR_CPUS ? area[cpu] : NULL;
}

static bool same_geometry(const struct mm_record_board *board)
{
	const struct mm_record_board here = {
		.version = MM_RECORD_VERSION,
		.pointer = sizeof(void *),
		.page_shift = PAGE_SHIFT,
		.max_page_order = MAX_PAGE_ORDER,
		.group_shift = GROUP_SHIFT,
		.nr_cpus = CONFIG_NR_CPUS,
		.mm_size = sizeof(mm),
		.page_size = sizeof(struct page),
		.pageblock_size = sizeof(struct pageblock),
		.span_size = sizeof(struct span),
		.bank_size = sizeof(struct bank),
		.cache_size = sizeof(struct per_cpu_pages),
		.for_speed = FOR_SPEED,
	};

	return !memcmp(&here, board, offsetof(struct mm_record_board, boot_cpu));
}

/* Room for so many bytes, aligned as the machine has it, all 0. */
static void *room(size_t size)
{
	size_t whole = (size + 4095) & ~(size_t)4095;
	void *at = aligned_alloc(4096, whole ? whole : 4096);

	return at ? memset(at, 0, whole ? whole : 4096) : NULL;
}

static void make_arrays(void)
{
	size_t pages = was.nr_pages;

	mm.memmap = room(pages * sizeof(struct page));
	mm.trust = room(pages >> GROUP_SHIFT);
	memset(mm.trust, TRUST_NONE, pages >> GROUP_SHIFT);
	mm.pageblocks = room((pages >> pageblock_order) * sizeof(struct pageblock));
	mm.map = room(pages / WORD_PAGES * sizeof(*mm.map));
	mm.map_order = room(pages / WORD_PAGES);
	mm.banks = room(was.nr_banks * sizeof(struct bank));
	mm.spans = room(was.max_spans * sizeof(struct span));
}

static void make_mm(const struct mm_record_board *board)
{
	mm.nr_pages = was.nr_pages;
	mm.nr_banks = was.nr_banks;
	mm.nr_spans = was.nr_spans;
	mm.max_spans = was.max_spans;
	mm.memmap_bytes = was.memmap_bytes;
	mm.pcp_bytes = was.pcp_bytes;
	mm.grouping = was.grouping;
	mm.hooks = MM_HOOK_RECORD;
	mm.pcp_high = was.pcp_high;
	mm.nr_cpus = was.nr_cpus;
	mm.watermark_scale_factor = was.watermark_scale_factor;
	mm.min_free_kbytes = was.min_free_kbytes;
	mm.user_min_free_kbytes = was.user_min_free_kbytes;
	memcpy(mm.lowmem_reserve_ratio, was.lowmem_reserve_ratio, sizeof(mm.lowmem_reserve_ratio));
	memcpy(mm.zones, was.zones, sizeof(mm.zones));
	for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
		memset(&mm.zones[i].lock, 0, sizeof(mm.zones[i].lock));
	memcpy(mm.zonelists, was.zonelists, sizeof(mm.zonelists));
	for (unsigned int i = 0; i < NR_ZONELISTS * MAX_NR_ZONES; i++)
		for (struct zoneref *ref =
			     mm.zonelists[i / MAX_NR_ZONES][i % MAX_NR_ZONES].zonerefs;
		     ref->zone; ref++)
			ref->zone = (struct zone *)((char *)&mm + ((uintptr_t)ref->zone -
								   (uintptr_t)board->mm_address));
}

static void *array_of(enum mm_record_state what)
{
	switch (what) {
	case MM_RECORD_MM:
		return &was;
	case MM_RECORD_BANKS:
		return mm.banks;
	case MM_RECORD_SPANS:
		return mm.spans;
	case MM_RECORD_TRUST:
		return mm.trust;
	case MM_RECORD_PAGEBLOCKS:
		return mm.pageblocks;
	case MM_RECORD_MAP:
		return mm.map;
	case MM_RECORD_MAP_ORDER:
		return mm.map_order;
	case MM_RECORD_MEMMAP:
		return mm.memmap;
	default:
		return NULL;
	}
}

static void put_piece(const struct piece *piece)
{
	char *to = piece->what == MM_RECORD_CACHES ? (char *)caches[piece->cpu]
						   : array_of(piece->what);

	if (to)
		memcpy(to + piece->offset, piece->data, piece->size);
}

/* A CPU's caches, hidden as they are while hooks are on. */
static void make_cpu(unsigned int cpu)
{
	area[cpu] = room(sizeof(struct mm_pcpu));
	port_set_pcpu(area[cpu]);
	boot_pageset_init(area[cpu], cpu);
	area[cpu]->cache = area[cpu]->held[0];
	for (unsigned int i = 0; i < NR_PCPS; i++) {
		struct per_cpu_pages *from = &caches[cpu][i], *pcp = area[cpu]->cache + i;
		struct page **slots = from->capacity ? room((from->capacity + 2) * sizeof(*slots))
						     : area[cpu]->pcp[0][0].base; /* that of none */

		*pcp = *from;
		pcp->base = slots;
		pcp->top = slots + (from->top - from->base);
		pcp->limit = slots + (from->limit - from->base);
	}
	area[cpu]->hooks = mm.hooks;
	mm_cpu_online(area[cpu]);
}

static void put_slots(const struct piece *piece)
{
	struct per_cpu_pages *pcp = area[piece->cpu]->cache + (piece->offset >> 16);
	size_t at = piece->offset & 0xffff;

	for (size_t i = 0; i < piece->size / 4; i++) {
		uint32_t index;

		memcpy(&index, piece->data + 4 * i, 4);
		pcp->base[1 + at + i] = &mm.memmap[index];
	}
}

bool board_restore(const struct trace *trace)
{
	const struct piece *piece = trace->piece, *end = piece + trace->nr_pieces;

	if (!same_geometry(&trace->board)) {
		fprintf(stderr, "replay: the machine's mm/ has another geometry than this one: "
				"make build/host/replay EXTRA_CFLAGS=.. as the machine's\n");
		return false;
	}
	for (; piece < end && piece->what == MM_RECORD_MM; piece++)
		put_piece(piece);
	make_arrays();
	make_mm(&trace->board);
	for (; piece < end; piece++)
		put_piece(piece);
	for (uint32_t i = 0; i < mm.nr_banks; i++)
		mm.banks[i].page = &mm.memmap[mm.banks[i].first];
	for (unsigned int cpu = 0; cpu < was.end_cpu; cpu++)
		if (was.pcpu[cpu])
			make_cpu(cpu);
	for (piece = trace->piece; piece < end; piece++)
		if (piece->what == MM_RECORD_SLOTS)
			put_slots(piece);
	port_set_pcpu(area[trace->board.boot_cpu]);
	return true;
}

void board_print(FILE *to)
{
	uint64_t nr_free[NR_PAGE_ORDERS];

	for (unsigned int i = 0; i < mm.nr_banks; i++)
		fprintf(to, "bank 0x%llx: %u pages\n",
			(unsigned long long)PFN_PHYS(mm.banks[i].start), mm.banks[i].pages);
	for (unsigned int zone = 0; zone < MAX_NR_ZONES; zone++) {
		if (!mm.zones[zone].managed)
			continue;
		mm_buddyinfo((enum zone_type)zone, nr_free);
		fprintf(to, "zone %u: %llu free, by order:", zone,
			(unsigned long long)zone_free_pages(&mm.zones[zone]));
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			fprintf(to, " %llu", (unsigned long long)nr_free[order]);
		fprintf(to, "; cached: %lu\n", pcp_count_zone(&mm.zones[zone]));
	}
}
