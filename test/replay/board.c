/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * board.c: see board.h. What the recording has of each array goes to its place; pointers are made anew.
 */
#include "board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "judge.h"
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

/* Room for so many bytes, aligned as the machine has it, all 0. What is not written takes no memory. */
static void *room(size_t size)
{
	void *at = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED) {
		fprintf(stderr, "replay: no room for %zu bytes\n", size);
		exit(2);
	}
	return at;
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

static void make_mm(void)
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
}

/* Zones are where this program has them. */
static bool make_zonelists(const struct mm_record_board *board)
{
	for (unsigned int i = 0; i < NR_ZONELISTS * MAX_NR_ZONES; i++) {
		struct zoneref *refs = mm.zonelists[i / MAX_NR_ZONES][i % MAX_NR_ZONES].zonerefs;
		unsigned int n = 0;

		for (; n < MAX_NR_ZONES && refs[n].zone; n++) {
			uintptr_t at = (uintptr_t)refs[n].zone - (uintptr_t)board->mm_address -
				       offsetof(struct mm, zones);

			if (at % sizeof(struct zone) || at / sizeof(struct zone) >= MAX_NR_ZONES ||
			    refs[n].class & ~(gfp_t)PAGE_CLASS_MASK)
				return judge_failed("mm.zonelists[]");
			refs[n].zone = &mm.zones[at / sizeof(struct zone)];
		}
		if (refs[n].zone)
			return judge_failed("mm.zonelists[]");
	}
	return true;
}

/* Where an array is, and its bytes. */
static char *array_of(const struct piece *piece, size_t *size)
{
	const size_t pages = was.nr_pages;

	switch (piece->what) {
	case MM_RECORD_MM:
		*size = sizeof(was);
		return (char *)&was;
	case MM_RECORD_BANKS:
		*size = was.nr_banks * sizeof(*mm.banks);
		return (char *)mm.banks;
	case MM_RECORD_SPANS:
		*size = was.nr_spans * sizeof(*mm.spans);
		return (char *)mm.spans;
	case MM_RECORD_TRUST:
		*size = pages >> GROUP_SHIFT;
		return (char *)mm.trust;
	case MM_RECORD_PAGEBLOCKS:
		*size = (pages >> pageblock_order) * sizeof(*mm.pageblocks);
		return (char *)mm.pageblocks;
	case MM_RECORD_MAP:
		*size = pages / WORD_PAGES * sizeof(*mm.map);
		return (char *)mm.map;
	case MM_RECORD_MAP_ORDER:
		*size = pages / WORD_PAGES;
		return (char *)mm.map_order;
	case MM_RECORD_MEMMAP:
		*size = pages * sizeof(*mm.memmap);
		return (char *)mm.memmap;
	case MM_RECORD_CACHES:
		*size = piece->cpu < CONFIG_NR_CPUS ? sizeof(caches[0]) : 0;
		return *size ? (char *)caches[piece->cpu] : NULL;
	default:
		*size = 0;
		return NULL;
	}
}

static bool put_piece(const struct piece *piece)
{
	size_t size;
	char *to = array_of(piece, &size);

	if (piece->what == MM_RECORD_SLOTS)
		return true;
	if (piece->offset > size || piece->size > size - piece->offset)
		return judge_failed("a piece lies outside of its array");
	memcpy(to + piece->offset, piece->data, piece->size);
	return true;
}

/* A CPU's caches, hidden as they are while hooks are on. */
static bool make_cpu(unsigned int cpu)
{
	area[cpu] = room(sizeof(struct mm_pcpu));
	port_set_pcpu(area[cpu]);
	boot_pageset_init(area[cpu], cpu);
	area[cpu]->cache = area[cpu]->held[0];
	for (unsigned int i = 0; i < NR_PCPS; i++) {
		struct per_cpu_pages *from = &caches[cpu][i], *pcp = area[cpu]->cache + i;
		struct page **slots = from->capacity ? room((from->capacity + 2) * sizeof(*slots))
						     : area[cpu]->pcp[0][0].base; /* that of none */

		if (!judge_cache(from, cpu))
			return false;
		*pcp = *from;
		pcp->base = slots;
		pcp->top = slots + (from->top - from->base);
		pcp->limit = slots + (from->limit - from->base);
	}
	area[cpu]->hooks = mm.hooks;
	mm_cpu_online(area[cpu]);
	return true;
}

static bool put_slots(const struct piece *piece)
{
	const struct mm_pcpu *cpu = board_cpu(piece->cpu);
	const size_t n = piece->offset >> 16, at = piece->offset & 0xffff;
	struct per_cpu_pages *pcp;

	if (!cpu || n >= NR_PCPS)
		return judge_failed("cached blocks of no cache");
	pcp = cpu->cache + n;
	if (at + piece->size / 4 > (size_t)(pcp->top - pcp->base))
		return judge_failed("more cached blocks than their cache has");
	for (size_t i = 0; i < piece->size / 4; i++) {
		uint32_t index;

		memcpy(&index, piece->data + 4 * i, 4);
		if (index >= mm.nr_pages)
			return judge_failed("a cached block");
		pcp->base[1 + at + i] = &mm.memmap[index];
	}
	return true;
}

/* Of those that are said to be there none may be missing. */
static bool slots_hold(void)
{
	for (unsigned int c = 0; c < CONFIG_NR_CPUS; c++)
		for (unsigned int i = 0; area[c] && i < NR_PCPS; i++)
			for (struct page **at = area[c]->cache[i].base + 1;
			     at <= area[c]->cache[i].top; at++)
				if (!*at)
					return judge_failed("a cached block is missing");
	return true;
}

static bool restore(const struct trace *trace)
{
	const struct piece *piece = trace->piece, *end = piece + trace->nr_pieces;

	for (; piece < end && piece->what == MM_RECORD_MM; piece++)
		if (!put_piece(piece))
			return false;
	if (!judge_sizes(&was))
		return false;
	make_arrays();
	make_mm();
	if (!make_zonelists(&trace->board))
		return false;
	for (; piece < end; piece++)
		if (piece->what == MM_RECORD_MM)
			return judge_failed("struct mm comes twice");
		else if (!put_piece(piece))
			return false;
	for (uint32_t i = 0; i < mm.nr_banks; i++)
		mm.banks[i].page = &mm.memmap[mm.banks[i].first];
	if (!judge_tables())
		return false;
	for (unsigned int cpu = 0; cpu < was.end_cpu; cpu++)
		if (was.pcpu[cpu] && !make_cpu(cpu))
			return false;
	for (piece = trace->piece; piece < end; piece++)
		if (piece->what == MM_RECORD_SLOTS && !put_slots(piece))
			return false;
	if (!board_cpu(trace->board.boot_cpu))
		return judge_failed("the CPU that recorded it");
	return slots_hold();
}

bool board_restore(const struct trace *trace)
{
	if (!same_geometry(&trace->board)) {
		fprintf(stderr, "replay: the machine's mm/ has another geometry than this one: "
				"make build/host/replay EXTRA_CFLAGS=.. as the machine's\n");
		return false;
	}
	if (!restore(trace))
		return false;
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
