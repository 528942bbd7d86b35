/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c: see machine.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "machine.h"
#include "mm/state.h"
#include "test/host/port_host.h"

#define MIB  ((phys_addr_t)1 << 20)
#define GIB  ((phys_addr_t)1 << 30)
#define PAGE ((phys_addr_t)PAGE_SIZE)

/* Little more than the tables of a section, which are of the geometry. */
#define FEW_PAGES (MAX_PAGE_ORDER > 10 ? 24 : 9)

const struct layout layouts[] = {
	{"one bank", 0, {{0x80000000, 64 * MIB}}, {{0x80000000, 2 * MIB}}, 1},
	{"one bank, no caches", 0, {{0x80000000, 64 * MIB}}, {{0x80200000, 123 * PAGE}}, 0},
	{"holes between banks",
	 0,
	 {{0x40000000, 16 * MIB},
	  {0x42000000, 8 * MIB},
	  {0x50000000, 4 * MIB},
	  {0x60400000, 12 * MIB}},
	 {{0x42100000, 3 * PAGE}},
	 1},
	{"both zones", 0, {{4 * GIB - 32 * MIB, 64 * MIB}}, {{4 * GIB - PAGE, 2 * PAGE}}, 1},
	{"both zones, a hole at the boundary",
	 0,
	 {{4 * GIB - 32 * MIB, 30 * MIB}, {4 * GIB + 6 * MIB, 32 * MIB}},
	 {{0}},
	 1},
	{"Normal only", 0, {{8 * GIB, 32 * MIB}}, {{0}}, 1},
	{"boundary moved to 1 GiB", GIB, {{GIB - 16 * MIB, 48 * MIB}}, {{0}}, 1},
	{"tiny: 16 pages", 0, {{0x80000000, 16 * PAGE}}, {{0}}, 1},
	{"tiny: a few pages at an odd place", 0, {{0x80123000, FEW_PAGES *PAGE}}, {{0}}, 0},
	{"odd edges",
	 0,
	 {{0x80003000, 5 * MIB + PAGE}, {0x80600000, 7 * PAGE}, {0x80a01000, 9 * MIB - 3 * PAGE}},
	 {{0x80003000, PAGE}, {0x80b00000, 1}},
	 1},
	{"holes of one page",
	 0,
	 {{0x80000000, 4 * MIB - PAGE},
	  {0x80400000, 2 * MIB},
	  {0x80601000, 2 * MIB},
	  {0x80802000, 3 * MIB}},
	 {{0}},
	 1},
	{"edges inside a page", 0, {{0x80000123, 16 * MIB}}, {{0x80400fff, 2}}, 1},
	{"from address 0", 0, {{0, 32 * MIB}}, {{0}}, 1},
};
const unsigned int nr_layouts = sizeof(layouts) / sizeof(layouts[0]);

struct machine machine;
struct mm_pcpu machine_pcpu;

void random_layout(struct layout *layout, uint64_t seed)
{
	unsigned int banks = 1 + (unsigned int)(host_random(&seed) % 5);
	phys_addr_t at = 4 * GIB - 24 * MIB + host_random(&seed) % 4096 * PAGE;

	memset(layout, 0, sizeof(*layout));
	layout->name = "random";
	layout->caches = seed & 1;
	for (unsigned int i = 0; i < banks; i++) {
		phys_addr_t size = 5 * MIB + host_random(&seed) % 2048 * PAGE;

		layout->bank[i] = (struct range){at, size};
		layout->reserved[i].base = at + host_random(&seed) % size;
		layout->reserved[i].size = 1 + host_random(&seed) % (64 * PAGE);
		at += size + (host_random(&seed) % 4 == 0 ? 0 : host_random(&seed) % 1500 * PAGE);
	}
}

static bool in_ranges(const struct range *ranges, phys_addr_t start, phys_addr_t end, bool whole)
{
	for (; ranges->size; ranges++) {
		phys_addr_t range_end = ranges->base + ranges->size;

		if (whole ? start >= ranges->base && end <= range_end
			  : start < range_end && end > ranges->base)
			return true;
	}
	return false;
}

/* A frame is memory if a region holds all of it, and reserved if a reservation touches it. */
static void map_frames(const struct layout *layout)
{
	for (pfn_t pfn = machine.first; pfn < machine.end; pfn++) {
		phys_addr_t addr = PFN_PHYS(pfn);
		unsigned char *frame = &machine.frame[pfn - machine.first];

		if (!memblock_is_region_memory(addr, PAGE))
			*frame = FRAME_ABSENT;
		else if (pfn == 0 || memblock_is_region_reserved(addr, PAGE))
			*frame = FRAME_RESERVED;
		else
			*frame = FRAME_FREE;
		/* memblock itself agrees with the layout it was given */
		if (in_ranges(layout->bank, addr, addr + PAGE, true))
			assert_int_not_equal(*frame, FRAME_ABSENT);
		if (in_ranges(layout->reserved, addr, addr + PAGE, false))
			assert_int_not_equal(*frame, FRAME_FREE);
	}
}

void (*machine_named)(void);

void machine_start(const struct layout *layout)
{
	struct mm_config config = {.dma32_limit = layout->dma32_limit, .boot_pcpu = &machine_pcpu};
	phys_addr_t first = ~(phys_addr_t)0;
	phys_addr_t end = 0;
	uint64_t managed = 0;
	uint64_t free = 0;
	struct zone_info info;

	memblock_init();
	for (const struct range *bank = layout->bank; bank->size; bank++) {
		first = bank->base < first ? bank->base : first;
		end = bank->base + bank->size > end ? bank->base + bank->size : end;
	}
	first = ALIGN_DOWN(first, PAGE);
	end = ALIGN_UP(end, PAGE);
	assert_non_null(host_ram_map(first, end - first));
	host_ram_randomize(first, end - first, 20240229);
	for (const struct range *bank = layout->bank; bank->size; bank++)
		assert_int_equal(0, memblock_add(bank->base, bank->size));
	for (const struct range *reserved = layout->reserved; reserved->size; reserved++)
		assert_int_equal(0, memblock_reserve(reserved->base, reserved->size));
	if (machine_named)
		machine_named();
	memset(&machine_pcpu, 0x5a, sizeof(machine_pcpu));
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_init(&config));
	machine.released = memblock_free_all();
	/* All memory can be had; what the watermarks keep back has tests of its own. */
	assert_int_equal(0, mm_set_min_free_kbytes(0));
	assert_int_equal(0, mm_set_watermark_scale_factor(1));
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		assert_int_equal(0, mm_set_lowmem_reserve_ratio((enum zone_type)zone, 0));

	machine.first = PFN_DOWN(first);
	machine.end = PFN_DOWN(end);
	machine.boundary = PFN_DOWN(layout->dma32_limit ? layout->dma32_limit : 4 * GIB);
	machine.frame = calloc(1, machine.end - machine.first);
	assert_non_null(machine.frame);
	map_frames(layout);
	for (pfn_t pfn = machine.first; pfn < machine.end; pfn++)
		free += machine.frame[pfn - machine.first] == FRAME_FREE;
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		assert_true(info.spanned >= info.present);
		assert_true(info.present >= info.managed);
		assert_int_equal(info.managed, info.free);
		managed += info.managed;
	}
	assert_int_equal(free, machine.released);
	assert_int_equal(free, managed);
	expect_oracle_picture();

	if (layout->caches) {
		struct mm_layout figures;

		assert_int_equal(0, setup_per_cpu_pageset(&machine_pcpu, 0));
		mm_get_layout(&figures);
		/* the caches' arrays are pages too: what is free now is the map to compare with */
		for (pfn_t pfn = machine.first; pfn < machine.end; pfn++) {
			struct page_info page;

			if (machine.frame[pfn - machine.first] != FRAME_FREE)
				continue;
			assert_int_equal(0, mm_page_info(pfn, &page));
			if (page.state != PAGE_FREE && !page.in_pcp)
				machine.frame[pfn - machine.first] = FRAME_TAKEN;
			free -= page.state != PAGE_FREE && !page.in_pcp;
		}
		assert_int_equal(managed - free, figures.pcp_bytes / PAGE_SIZE);
	}
	expect_oracle_picture();
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		mm_buddyinfo((enum zone_type)zone, machine.picture[zone]);
}

void machine_drop(void)
{
	free(machine.frame);
	machine.frame = NULL;
	host_ram_unmap();
}

void machine_stop(void)
{
	uint64_t now[NR_PAGE_ORDERS];

	drain_all_pages();
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_buddyinfo((enum zone_type)zone, now);
		assert_memory_equal(machine.picture[zone], now, sizeof(now));
	}
	assert_int_equal(0, mm_check());
	machine_drop();
}

struct page *highatomic_block(gfp_t zone, unsigned int order)
{
	const uint64_t more = 100 * pageblock_nr_pages; /* 1 % of it is a pageblock */
	uint64_t kbytes = mm_min_free_kbytes(), managed = 0;
	struct page *page;

	for (int z = 0; z < MAX_NR_ZONES; z++)
		managed += mm.zones[z].managed;
	/* No zone is above its low mark. */
	assert_int_equal(0, mm_set_min_free_kbytes((managed - 1) << (PAGE_SHIFT - 10)));
	for (int z = 0; z < MAX_NR_ZONES; z++)
		mm.zones[z].managed += more;
	page = alloc_pages(GFP_ATOMIC | zone | __GFP_NOWARN, order);
	for (int z = 0; z < MAX_NR_ZONES; z++)
		mm.zones[z].managed -= more;
	assert_int_equal(0, mm_set_min_free_kbytes(kbytes));
	return page;
}

void oracle_take(const struct page *page, unsigned int order)
{
	pfn_t pfn = page_to_pfn(page);

	assert_int_equal(0, pfn & ((1UL << order) - 1));
	assert_true(pfn >= machine.first && pfn + (1UL << order) <= machine.end);
	assert_true(pfn >= machine.boundary || pfn + (1UL << order) <= machine.boundary);
	for (pfn_t i = pfn; i < pfn + (1UL << order); i++) {
		assert_int_equal(FRAME_FREE, machine.frame[i - machine.first]);
		machine.frame[i - machine.first] = FRAME_TAKEN;
	}
}

void oracle_give(pfn_t pfn, unsigned int order)
{
	for (pfn_t i = pfn; i < pfn + (1UL << order); i++) {
		assert_int_equal(FRAME_TAKEN, machine.frame[i - machine.first]);
		machine.frame[i - machine.first] = FRAME_FREE;
	}
}

/* The frames from pfn on are free, and in one zone as pfn is aligned to order. */
static bool block_free(pfn_t pfn, unsigned int order)
{
	if (pfn < machine.first || pfn + (1UL << order) > machine.end)
		return false;
	for (pfn_t i = pfn; i < pfn + (1UL << order); i++)
		if (machine.frame[i - machine.first] != FRAME_FREE)
			return false;
	return true;
}

bool oracle_has(gfp_t gfp, unsigned int order)
{
	pfn_t start = machine.first;
	pfn_t end = gfp & __GFP_DMA32 && machine.boundary < machine.end ? machine.boundary
									: machine.end;

	/* without fallback: NORMAL, if there is any, else DMA32 */
	if (gfp & __GFP_THISNODE && !(gfp & __GFP_DMA32) && machine.boundary < machine.end &&
	    machine.boundary > start)
		start = machine.boundary;
	for (pfn_t pfn = ALIGN_UP(start, 1UL << order); pfn + (1UL << order) <= end;
	     pfn += 1UL << order)
		if (block_free(pfn, order))
			return true;
	return false;
}

void oracle_blocks(enum zone_type zone, uint64_t nr_free[NR_PAGE_ORDERS])
{
	pfn_t pfn = machine.first;

	memset(nr_free, 0, NR_PAGE_ORDERS * sizeof(nr_free[0]));
	while (pfn < machine.end) {
		unsigned int order = MAX_PAGE_ORDER;

		if (machine.frame[pfn - machine.first] != FRAME_FREE ||
		    (pfn >= machine.boundary) != (zone == ZONE_NORMAL)) {
			pfn++;
			continue;
		}
		while ((pfn & ((1UL << order) - 1)) != 0 || !block_free(pfn, order))
			order--;
		nr_free[order]++;
		pfn += 1UL << order;
	}
}

void expect_oracle_picture(void)
{
	uint64_t expected[NR_PAGE_ORDERS];
	uint64_t now[NR_PAGE_ORDERS];

	drain_all_pages();
	assert_int_equal(0, mm_check());
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		oracle_blocks((enum zone_type)zone, expected);
		mm_buddyinfo((enum zone_type)zone, now);
		assert_memory_equal(expected, now, sizeof(now));
	}
}
