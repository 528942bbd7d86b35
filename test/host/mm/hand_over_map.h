/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hand_over_map.h: for the tests of what memblock hands to the page allocator, at boot
 * (test_hand_over.c) and late (test_free_late.c): a map of quarters of a page says what each byte
 * is. Every byte of a page that is released is mapped memory, none is reserved any more, and
 * nothing else is ever released.
 */
#ifndef QUARRY_TEST_HAND_OVER_MAP_H
#define QUARRY_TEST_HAND_OVER_MAP_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "machine.h"
#include "mm/state.h"
#include "test/host/port_host.h"

#define MIB	    ((phys_addr_t)1 << 20)
#define GIB	    ((phys_addr_t)1 << 30)
#define PAGE	    ((phys_addr_t)PAGE_SIZE)
#define QUARTER	    (PAGE / 4)
#define SECTION	    (4 * MIB)
#define RAM_BASE    ((phys_addr_t)0x80000000)

#define NR_QUARTERS (7 * SECTION / QUARTER)

/* What a quarter is. */
enum {
	MEMORY = 1,
	HOTPLUG = 2,
	NOMAP = 4,
	RESERVED = 8,
	METADATA = 16, /* reserved, and the allocator's own */
};

static phys_addr_t base; /* of the map */
static unsigned char map[NR_QUARTERS];
static uint64_t seed;

static inline unsigned int pick(unsigned int n)
{
	return (unsigned int)(host_random(&seed) % n);
}

/* ---- the map ---- */

static inline unsigned char *quarter(phys_addr_t addr)
{
	return &map[(addr - base) / QUARTER];
}

static inline void map_init(phys_addr_t at)
{
	base = at;
	memset(map, 0, sizeof(map));
	memblock_init();
	assert_non_null(host_ram_map(base, sizeof(map) * QUARTER));
	host_ram_randomize(base, sizeof(map) * QUARTER, seed + 1);
}

static inline void map_memory(phys_addr_t at, phys_addr_t size, enum memblock_flags flags)
{
	assert_int_equal(0, memblock_add_node(at, size, 0, flags));
	for (phys_addr_t q = at; q < at + size; q += QUARTER)
		if (!*quarter(q))
			*quarter(q) = (unsigned char)(MEMORY | (flags ? HOTPLUG : 0));
}

static inline void map_nomap(phys_addr_t at, phys_addr_t size)
{
	assert_int_equal(0, memblock_mark_nomap(at, size));
	for (phys_addr_t q = at; q < at + size; q += QUARTER)
		*quarter(q) |= *quarter(q) & MEMORY ? NOMAP : 0;
}

static inline void map_reserve(phys_addr_t at, phys_addr_t size)
{
	assert_int_equal(0, memblock_reserve(at, size));
	for (phys_addr_t q = at; q < at + size; q += QUARTER)
		*quarter(q) |= RESERVED;
}

/* All four quarters have these bits, and none of those. */
static inline bool page_is(phys_addr_t page, int set, int clear)
{
	for (phys_addr_t q = page; q < page + PAGE; q += QUARTER)
		if ((*quarter(q) & set) != set || *quarter(q) & clear)
			return false;
	return true;
}

/* Mapped memory, all of it in one region: regions with the same flags merge. */
static inline bool page_is_mapped(phys_addr_t page)
{
	return page_is(page, MEMORY | HOTPLUG, NOMAP) || page_is(page, MEMORY, HOTPLUG | NOMAP);
}

static inline bool page_is_free(phys_addr_t page)
{
	return page != 0 && page_is_mapped(page) && page_is(page, 0, RESERVED);
}

static inline unsigned long free_pages_of_map(void)
{
	unsigned long n = 0;

	for (phys_addr_t page = base; page < base + sizeof(map) * QUARTER; page += PAGE)
		n += page_is_free(page);
	return n;
}

static inline uint64_t managed(void)
{
	struct zone_info info[MAX_NR_ZONES];

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info[zone]);
		assert_true(info[zone].managed <= info[zone].present);
		assert_int_equal(info[zone].managed, info[zone].free);
	}
	return info[ZONE_DMA32].managed + info[ZONE_NORMAL].managed;
}

/*
 * The allocator has what the map says is free, and nothing else: by its figures, and page by page.
 */
static inline void expect_map(void)
{
	assert_int_equal(0, mm_check());
	assert_null(memblock_check());
	assert_int_equal(free_pages_of_map(), managed());
	for (phys_addr_t page = base; page < base + sizeof(map) * QUARTER; page += PAGE) {
		struct page_info info;
		bool free = mm_page_info(PFN_DOWN(page), &info) == 0 && info.state == PAGE_FREE;

		if (free != page_is_free(page))
			fail_msg("page 0x%llx is %sfree", (unsigned long long)page,
				 free ? "" : "not ");
	}
}

/* From the map to an allocator without caches, which have pages of their own. */
static inline void start(phys_addr_t dma32_limit)
{
	struct mm_config config = {.boot_pcpu = &machine_pcpu, .dma32_limit = dma32_limit};

	memset(&machine_pcpu, 0x5a, sizeof(machine_pcpu));
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_init(&config));
	for (phys_addr_t q = base; q < base + sizeof(map) * QUARTER; q += QUARTER)
		if (!(*quarter(q) & RESERVED) && memblock_is_region_reserved(q, QUARTER))
			*quarter(q) |= RESERVED | METADATA;
	assert_int_equal(0, mm_check());
	assert_int_equal(free_pages_of_map(), memblock_free_all());
	expect_map();
}

/* ---- what is released late ---- */

/* What memblock_free_late() must say. Page 0 stays where it is. */
static inline int expected(phys_addr_t at, phys_addr_t size)
{
	phys_addr_t first = ALIGN_UP(at, PAGE), end = ALIGN_DOWN(at + size, PAGE);
	int error = 0;

	first = first ? first : PAGE;
	for (phys_addr_t page = first; page < end; page += PAGE) {
		if (!page_is_mapped(page))
			return -EFAULT;
		if (!page_is(page, RESERVED, METADATA))
			error = -EPERM;
	}
	return error;
}

/* A call, its result, and what it did or did not change. Returns the result. */
static inline int late(phys_addr_t at, phys_addr_t size)
{
	static struct memblock_region reserved[CONFIG_MEMBLOCK_REGIONS];
	const struct memblock before = memblock;
	uint64_t hash = mm_state_hash(), had = managed(), released = 0;
	int want = expected(at, size), got;

	memcpy(reserved, before.reserved.regions, sizeof(reserved));
	got = memblock_free_late(at, size);
	if (got != want)
		fail_msg("memblock_free_late(0x%llx, 0x%llx) is %d, not %d", (unsigned long long)at,
			 (unsigned long long)size, got, want);
	for (phys_addr_t page = ALIGN_UP(at, PAGE); !got && page + PAGE <= at + size; page += PAGE)
		for (phys_addr_t q = page; page && q < page + PAGE; q += QUARTER, released++)
			*quarter(q) &= (unsigned char)~RESERVED;
	assert_int_equal(had + released / 4, managed());
	if (!released) {
		assert_int_equal(hash, mm_state_hash());
		assert_memory_equal(&before, &memblock, sizeof(memblock));
		assert_memory_equal(reserved, memblock.reserved.regions, sizeof(reserved));
	}
	return got;
}

#endif
