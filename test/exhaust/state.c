/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.c: a small machine, and its state as an array of words: struct mm, the metadata, the CPUs' areas and the pages
 * that their caches' slots lie in, and the model. Nothing else of mm/ changes after boot; memblock's lists are compared.
 */
#include <string.h>

#include <quarry/memblock.h>

#include "exhaust.h"
#include "mm/pcp/pcp.h"
#include "test/host/port_host.h"

#define BASE	      0x80000000ULL
#define SECTION_BYTES ((phys_addr_t)SECTION_SIZE)
#define OWN_SECTIONS  2 /* reserved, but for the pages that slots will lie in */

const struct config *config;
struct mm_pcpu areas[MAX_CPUS];

static struct part {
	void *start;
	unsigned int words;
} parts[8];
static unsigned int nr_parts;
unsigned int nr_words;
static struct memblock booted;

unsigned int nr_areas(void)
{
	return config->cpus ? config->cpus : 1;
}

/* Another CPU's request is served at once. */
static void kick(unsigned int cpu)
{
	struct mm_pcpu *here = port_pcpu();

	port_set_pcpu(&areas[cpu]);
	mm_ipi();
	port_set_pcpu(here);
}

static void part(void *start, size_t bytes)
{
	parts[nr_parts++] = (struct part){start, (unsigned int)(bytes / sizeof(uint64_t))};
	nr_words += (unsigned int)(bytes / sizeof(uint64_t));
	if ((uintptr_t)start % sizeof(uint64_t) || bytes % sizeof(uint64_t) || nr_words > MAX_WORDS)
		abort();
}

/* What the caches' slots lie in is allocated by now. */
static void map_frames(phys_addr_t end)
{
	first_frame = PFN_DOWN(BASE);
	nr_frames = (unsigned int)(PFN_DOWN(end) - first_frame);
	for (unsigned int i = 0; i < nr_frames; i++) {
		struct page_info info;

		mm_page_info(first_frame + i, &info);
		model.frame[i] = info.state == PAGE_FREE    ? FRAME_FREE
				 : info.state == PAGE_ALLOC ? FRAME_SLOTS
							    : FRAME_RESERVED;
	}
}

static void start_caches(void)
{
	for (unsigned int cpu = 0; cpu < config->cpus; cpu++) {
		if (cpu)
			boot_pageset_init(&areas[cpu], cpu);
		port_set_pcpu(&areas[cpu]);
		if (setup_per_cpu_pageset(&areas[cpu], cpu))
			abort();
	}
	for (unsigned int cpu = 0; cpu < config->cpus; cpu++) {
		struct page **base = NULL, **end = NULL;

		for (unsigned int i = 0; i < NR_PCPS; i++) {
			const struct per_cpu_pages *pcp = &areas[cpu].cache[i];

			if (!pcp->capacity)
				continue;
			base = !base || pcp->base < base ? pcp->base : base;
			end = pcp->base + pcp->capacity + 1 > end ? pcp->base + pcp->capacity + 1
								  : end;
		}
		if (base)
			part(base, (size_t)(end - base) * sizeof(*base));
	}
}

void start(void)
{
	struct mm_config boot = {.boot_pcpu = &areas[0], .nr_cpus = config->cpus};
	const phys_addr_t own = BASE + config->pages * PAGE_SIZE,
			  end = own + OWN_SECTIONS * SECTION_BYTES;

	if (config->dma32_pages)
		boot.dma32_limit = BASE + config->dma32_pages * PAGE_SIZE;
	port_host_log_hook = port_host_quiet;
	port_host_kick = kick;
	memblock_init();
	if (!host_ram_map(BASE, end - BASE))
		abort();
	host_ram_randomize(BASE, end - BASE, 20240229);
	memblock_add(BASE, end - BASE);
	/* The metadata goes to the top; before it, what slots will lie in is free. */
	memblock_reserve(own, SECTION_BYTES + (SECTION_PAGES / 2 - nr_areas() * !!config->cpus) *
						      PAGE_SIZE);
	memset(areas, 0x5a, sizeof(areas));
	port_set_pcpu(&areas[0]);
	if (mm_init(&boot))
		abort();
	if (memblock.reserved.cnt && memblock_end_of_DRAM() > own)
		memblock_reserve(own + SECTION_BYTES + SECTION_BYTES / 2, SECTION_BYTES / 2);
	memblock_free_all();
	mm_set_min_free_kbytes(config->kept * (PAGE_SIZE >> 10));
	mm_set_watermark_scale_factor(1);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		mm_set_lowmem_reserve_ratio((enum zone_type)zone, 0);
	start_caches();
	port_set_pcpu(&areas[0]);
	map_frames(end);
	part(&mm, sizeof(mm));
	part(mm.memmap, ALIGN_UP(mm.memmap_bytes, sizeof(uint64_t)));
	part(areas, nr_areas() * sizeof(areas[0]));
	part(&model, sizeof(model));
	booted = memblock;
}

void state_save(uint64_t words[])
{
	CHECK(!memcmp(&memblock, &booted, sizeof(booted)), "memblock has changed\n");
	memset(&mm.stats, 0, sizeof(mm.stats));
	for (unsigned int cpu = 0; cpu < nr_areas(); cpu++)
		areas[cpu].refills = areas[cpu].returns = areas[cpu].drained = 0;
	for (unsigned int i = 0; i < nr_parts; i++) {
		memcpy(words, parts[i].start, parts[i].words * sizeof(*words));
		words += parts[i].words;
	}
}

void state_load(const uint64_t words[])
{
	uint32_t newest = areas[0].acknowledged;

	for (unsigned int i = 0; i < nr_parts; i++) {
		memcpy(parts[i].start, words, parts[i].words * sizeof(*words));
		words += parts[i].words;
	}
	/* The number of requests to other CPUs only grows; all CPUs have served the newest. */
	for (unsigned int cpu = 0; cpu < nr_areas(); cpu++)
		areas[cpu].acknowledged = newest;
	port_set_pcpu(&areas[0]);
}

uint64_t state_hash(void)
{
	uint64_t hash = mm_state_hash();
	const uint64_t *word = (const void *)&model;

	for (unsigned int i = 0; i < sizeof(model) / sizeof(*word); i++) {
		hash = (hash ^ word[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	return hash;
}
