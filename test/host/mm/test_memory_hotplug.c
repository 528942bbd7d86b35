/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memory_hotplug.c: blocks that come online and go offline again, with all that may lie in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/errno.h>
#include <quarry/memblock.h>
#include <quarry/migrate.h>

#include "machine.h"
#include "mm/alloc/alloc.h"
#include "mm/free_map.h"
#include "test/host/port_host.h"

#define BASE	0x80000000UL
#define MIB	(1UL << 20)
#define HIDDEN	(BASE + 32 * MIB) /* to BASE + 64 MiB: no memory at boot */
#define PRESENT (BASE + 72 * MIB) /* to BASE + 80 MiB */
#define BLOCK	SECTION_PAGES

static void name_ranges(void)
{
	assert_int_equal(0, hotplug_declare(HIDDEN, 32 * MIB));
	assert_int_equal(0, hotplug_declare(PRESENT, 8 * MIB));
}

static const struct layout with_ranges = {
	.name = "ranges",
	.bank = {{BASE, 32 * MIB}, {BASE + 64 * MIB, 32 * MIB}},
	.caches = 1,
};
static struct page *taken[96 * 256];

static uint64_t managed(void)
{
	struct zone_info zone;

	mm_zone_info(ZONE_DMA32, &zone);
	return zone.managed;
}

static void start(void)
{
	uint64_t before;

	hotplug_forget();
	mhandle_forget();
	machine_named = name_ranges;
	machine_start(&with_ranges);
	before = managed();
	assert_int_equal(2, hotplug_init_ranges());
	assert_int_equal(before + 8 * 256, managed()); /* what was present */
	assert_int_equal(0, mm_check());
}

static unsigned long fill(gfp_t gfp, phys_addr_t base, phys_addr_t size, unsigned long *inside)
{
	unsigned long n = 0;

	*inside = 0;
	while ((taken[n] = alloc_page(gfp | __GFP_NOWARN)))
		*inside += page_to_phys(taken[n++]) - base < size;
	return n;
}

static void give_all(unsigned long n)
{
	while (n)
		assert_int_equal(0, __free_page(taken[--n]));
}

/* Each step, and each that may not be taken from there. */
static void states(void **state)
{
	const pfn_t pfn = PFN_DOWN(HIDDEN);
	struct hotplug_info info;
	uint64_t hash, before;
	unsigned long n, inside;

	(void)state;
	start();
	before = managed();
	assert_int_equal(MEM_ABSENT, memory_block_state(HIDDEN));
	assert_int_equal(MEM_ONLINE, memory_block_state(PRESENT + 8 * MIB - 1));
	assert_int_equal(MEM_UNKNOWN, memory_block_state(PRESENT + 8 * MIB));
	assert_int_equal(MEM_UNKNOWN, memory_block_state(HIDDEN - 1));
	hash = mm_state_hash();
	assert_int_equal(-EINVAL, online_pages(pfn, BLOCK)); /* absent */
	assert_int_equal(-EINVAL, offline_pages(pfn, BLOCK));
	assert_int_equal(-EBUSY, remove_memory(HIDDEN, 4 * MIB));
	assert_int_equal(-EINVAL, add_memory(HIDDEN, 2 * MIB)); /* no whole block */
	assert_int_equal(-EINVAL, add_memory(HIDDEN + 2 * MIB, 4 * MIB));
	assert_int_equal(-EINVAL, add_memory(HIDDEN, 36 * MIB)); /* more than the range */
	assert_int_equal(-EINVAL, add_memory(HIDDEN, 0));
	assert_int_equal(-EINVAL, add_memory(BASE, 4 * MIB));
	assert_int_equal(0, add_memory(HIDDEN, 8 * MIB));
	assert_int_equal(-EEXIST, add_memory(HIDDEN + 4 * MIB, 8 * MIB));
	assert_int_equal(MEM_ABSENT, memory_block_state(HIDDEN + 8 * MIB));
	assert_int_equal(-EINVAL, online_pages(pfn, 3 * BLOCK)); /* the third is absent */
	assert_int_equal(hash, mm_state_hash());
	n = fill(GFP_KERNEL | __GFP_MEMALLOC, HIDDEN, 32 * MIB, &inside);
	assert_int_equal(0, inside);
	give_all(n);

	assert_int_equal(0, online_pages(pfn, 2 * BLOCK));
	assert_int_equal(before + 2 * BLOCK, managed());
	assert_int_equal(0, mm_check());
	assert_int_equal(-EINVAL, online_pages(pfn, BLOCK));
	assert_int_equal(-EBUSY, remove_memory(HIDDEN, 4 * MIB));
	n = fill(GFP_KERNEL | __GFP_MEMALLOC, HIDDEN, 8 * MIB, &inside);
	assert_int_equal(2 * BLOCK, inside);
	give_all(n);
	assert_true(hotplug_get_info(0, &info));
	assert_int_equal(HIDDEN, info.base);
	assert_int_equal(8, info.blocks);
	assert_int_equal(6, info.absent);
	assert_int_equal(0, info.offline);
	assert_int_equal(2, info.online);
	assert_false(hotplug_get_info(2, &info));

	assert_int_equal(0, offline_pages(pfn, 2 * BLOCK));
	assert_int_equal(before, managed());
	assert_int_equal(0, mm_check());
	assert_int_equal(-EINVAL, offline_pages(pfn, BLOCK));
	n = fill(GFP_KERNEL | __GFP_MEMALLOC, HIDDEN, 32 * MIB, &inside);
	assert_int_equal(0, inside);
	give_all(n);
	assert_int_equal(0, remove_memory(HIDDEN, 8 * MIB));
	assert_int_equal(MEM_ABSENT, memory_block_state(HIDDEN));
	assert_int_equal(0, mm_check());
	machine_drop();
}

/* Frames and numbers of pages whose bytes wrap are of no range. */
static void wraps(void **state)
{
	const unsigned long over = ~0UL / PAGE_SIZE + 1; /* pages: 2^64 bytes */
	const pfn_t hidden = PFN_DOWN(HIDDEN), present = PFN_DOWN(PRESENT);
	uint64_t hash;

	(void)state;
	start();
	assert_int_equal(0, add_memory(HIDDEN, 4 * MIB));
	hash = mm_state_hash();
	assert_int_equal(-EINVAL, offline_pages(present, over + BLOCK));
	assert_int_equal(-EINVAL, offline_pages(present + over, BLOCK));
	assert_int_equal(-EINVAL, online_pages(hidden, over + BLOCK));
	assert_int_equal(-EINVAL, online_pages(hidden + over, BLOCK));
	assert_int_equal(-EINVAL, online_pages(hidden, over));
	assert_int_equal(hash, mm_state_hash());
	assert_int_equal(MEM_OFFLINE, memory_block_state(HIDDEN));
	assert_int_equal(MEM_ONLINE, memory_block_state(PRESENT));
	machine_drop();
}

/* Offline and online again is the same memory, free as it was. */
static void round_trip(void **state)
{
	const pfn_t pfn = PFN_DOWN(PRESENT);
	uint64_t hash;

	(void)state;
	start();
	assert_int_equal(0, offline_pages(pfn, 2 * BLOCK));
	hash = mm_state_hash();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(0, online_pages(pfn + BLOCK, BLOCK));
		assert_int_not_equal(hash, mm_state_hash());
		assert_int_equal(0, mm_check());
		assert_int_equal(0, offline_pages(pfn + BLOCK, BLOCK));
		drain_all_pages();
		assert_int_equal(hash, mm_state_hash());
	}
	machine_drop();
}

/* A page in use keeps its block, and those before it of the same call, as they were. */
static void in_use(void **state)
{
	const pfn_t pfn = PFN_DOWN(PRESENT);
	unsigned long n, inside, kept = 0;
	uint64_t hash;

	(void)state;
	start();
	n = fill(GFP_KERNEL | __GFP_MEMALLOC, PRESENT, 8 * MIB, &inside);
	assert_int_equal(2 * BLOCK, inside);
	for (unsigned long i = 0; i < n; i++) {
		if (page_to_pfn(taken[i]) == pfn + BLOCK + 77)
			taken[kept++] = taken[i];
		else
			assert_int_equal(0, __free_page(taken[i]));
	}
	assert_int_equal(1, kept);
	drain_all_pages();
	hash = mm_state_hash();
	assert_int_equal(-EBUSY, offline_pages(pfn, 2 * BLOCK));
	assert_int_equal(MEM_ONLINE, memory_block_state(PRESENT));
	assert_int_equal(0, mm_check());
	assert_int_equal(hash, mm_state_hash());
	assert_int_equal(0, offline_pages(pfn, BLOCK));
	assert_int_equal(0, __free_page(taken[0])); /* cached: offline asks for it */
	assert_int_equal(0, offline_pages(pfn + BLOCK, BLOCK));
	assert_int_equal(0, mm_check());
	machine_drop();
}

/* What is movable moves, and what it holds with it. */
static void movable(void **state)
{
	static mhandle_t handle[48 * 256];
	unsigned long n = 0, inside = 0;

	(void)state;
	start();
	while (n < sizeof(handle) / sizeof(handle[0]) &&
	       (handle[n] = mhandle_alloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN))) {
		unsigned long *words = mhandle_pin(handle[n]);

		words[0] = words[PAGE_SIZE / sizeof(*words) - 1] = n * 3 + 1;
		inside += virt_to_phys(words) - PRESENT < 8 * MIB;
		mhandle_unpin(handle[n++]);
	}
	assert_true(inside > 0);
	for (unsigned long i = 0; i < n; i += 2) {
		mhandle_free(handle[i]);
		handle[i] = 0;
	}
	assert_int_equal(0, offline_pages(PFN_DOWN(PRESENT), 2 * BLOCK));
	assert_int_equal(0, mm_check());
	for (unsigned long i = 1; i < n; i += 2) {
		const unsigned long *words = mhandle_pin(handle[i]);

		assert_false(virt_to_phys(words) - PRESENT < 8 * MIB);
		assert_int_equal(i * 3 + 1, words[0]);
		assert_int_equal(i * 3 + 1, words[PAGE_SIZE / sizeof(*words) - 1]);
		mhandle_unpin(handle[i]);
		mhandle_free(handle[i]);
	}
	machine_drop();
}

/* A range that may not be named leaves memblock as it was. */
static void wrong_ranges(void **state)
{
	static const struct {
		phys_addr_t base, size;
		int error;
	} wrong[] = {
		{HIDDEN + MIB, 4 * MIB, -EINVAL},
		{HIDDEN, 3 * MIB, -EINVAL},
		{HIDDEN, 0, -EINVAL},
		{0, 4 * MIB, -EINVAL}, /* has frame 0 */
		{~(phys_addr_t)0 << 22, 8 * MIB, -EINVAL},
		{HIDDEN - 4 * MIB, 8 * MIB, -EEXIST}, /* half of it is memory */
		{BASE + 4 * MIB, 8 * MIB, -EEXIST},   /* reserved in part */
		{BASE + 16 * MIB, 4 * MIB, -EEXIST},  /* no-map, and all of it memory */
		{BASE + 12 * MIB, 8 * MIB, -EEXIST},  /* no-map in part */
		{HIDDEN, 4 * MIB, 0},
		{HIDDEN, 4 * MIB, -EEXIST},
	};
	static struct memblock_region memory[128], reserved[128];

	(void)state;
	hotplug_forget();
	memblock_init();
	assert_non_null(host_ram_map(BASE, 96 * MIB));
	assert_int_equal(0, memblock_add(BASE, 32 * MIB));
	assert_int_equal(0, memblock_add(BASE + 64 * MIB, 32 * MIB));
	assert_int_equal(0, memblock_reserve(BASE + 11 * MIB, 4096));
	assert_int_equal(0, memblock_mark_nomap(BASE + 16 * MIB, 4 * MIB));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		unsigned long nr[2] = {memblock.memory.cnt, memblock.reserved.cnt};

		memcpy(memory, memblock.memory.regions, nr[0] * sizeof(memory[0]));
		memcpy(reserved, memblock.reserved.regions, nr[1] * sizeof(reserved[0]));
		assert_int_equal(wrong[i].error, hotplug_declare(wrong[i].base, wrong[i].size));
		if (!wrong[i].error)
			continue;
		assert_int_equal(nr[0], memblock.memory.cnt);
		assert_int_equal(nr[1], memblock.reserved.cnt);
		assert_memory_equal(memory, memblock.memory.regions, nr[0] * sizeof(memory[0]));
		assert_memory_equal(reserved, memblock.reserved.regions,
				    nr[1] * sizeof(reserved[0]));
	}
	for (unsigned int n = 0; n < MM_HOTPLUG_RANGES - 1; n++)
		assert_int_equal(0, hotplug_declare(BASE + 64 * MIB + n * 4 * MIB, 4 * MIB));
	assert_int_equal(-ENOSPC, hotplug_declare(BASE + 64 * MIB, 4 * MIB));
}

/* Its neighbours are reserved, too, so it is cut out of a larger reservation. */
static void name_between(void)
{
	assert_int_equal(0, memblock_reserve(PRESENT - PAGE_SIZE, PAGE_SIZE));
	assert_int_equal(0, memblock_reserve(PRESENT + 8 * MIB, PAGE_SIZE));
	name_ranges();
}

/* For one more region there is no room: a range stays reserved, and has no blocks. */
static void no_room(void **state)
{
	struct hotplug_info info;
	unsigned long max, n, inside;

	(void)state;
	hotplug_forget();
	mhandle_forget();
	machine_named = name_between;
	machine_start(&with_ranges);
	max = memblock.reserved.max;
	memblock.reserved.max = memblock.reserved.cnt;
	assert_int_equal(1, hotplug_init_ranges());
	memblock.reserved.max = max;
	assert_int_equal(0, mm_check());
	assert_int_equal(MEM_ABSENT, memory_block_state(HIDDEN));
	assert_int_equal(MEM_UNKNOWN, memory_block_state(PRESENT));
	assert_int_equal(-EINVAL, offline_pages(PFN_DOWN(PRESENT), BLOCK));
	assert_true(hotplug_get_info(1, &info));
	assert_int_equal(2, info.blocks);
	assert_int_equal(0, info.absent + info.offline + info.online);
	n = fill(GFP_KERNEL | __GFP_MEMALLOC, PRESENT, 8 * MIB, &inside);
	assert_int_equal(0, inside);
	give_all(n);
	machine_drop();
}

static void name_most(void)
{
	assert_int_equal(0, hotplug_declare(BASE + 8 * MIB, 56 * MIB));
}

/* Caches hold what a part of the memory is that there was when they were made. */
static void caches_stay(void **state)
{
	static const struct layout layout = {.name = "most may go", .bank = {{BASE, 64 * MIB}}};

	(void)state;
	hotplug_forget();
	mhandle_forget();
	machine_named = name_most;
	machine_start(&layout);
	assert_int_equal(1, hotplug_init_ranges());
	assert_int_equal(0, setup_per_cpu_pageset(&machine_pcpu, 0));
	assert_true(machine_pcpu.cache->capacity > 0);
	assert_int_equal(0, mm_check());
	/* but for the first blocks, where the caches' arrays may lie */
	assert_int_equal(0, offline_pages(PFN_DOWN(BASE + 16 * MIB), 12 * BLOCK));
	assert_int_equal(0, mm_check());
	assert_int_equal(0, online_pages(PFN_DOWN(BASE + 16 * MIB), 12 * BLOCK));
	assert_int_equal(0, mm_check());
	machine_pcpu.cache->capacity += 64 * 1024 * 1024 / PAGE_SIZE / 256;
	assert_int_not_equal(0, mm_check());
	machine_drop();
}

/*
 * The first block is free, and not the first of its list; of the second a page's owner says no, which shows
 * only when it is asked. And where memblock has no room.
 */
static void half_way(void **state)
{
	static mhandle_t handle[48 * 256], later[48 * 256];
	const phys_addr_t pinned = PRESENT + 4 * MIB + 77 * PAGE_SIZE;
	unsigned long n = 0, nr_later = 0, max;
	mhandle_t kept = 0;
	uint64_t hash;

	(void)state;
	start();
	while (n < sizeof(handle) / sizeof(handle[0]) &&
	       (handle[n] = mhandle_alloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN)))
		n++;
	for (unsigned long i = 0; i < n; i++) {
		phys_addr_t at = virt_to_phys(mhandle_pin(handle[i]));

		if (at == pinned) {
			kept = handle[i];
			continue;
		}
		mhandle_unpin(handle[i]);
		if (at - PRESENT < 8 * MIB)
			mhandle_free(handle[i]);
		else if (at - (BASE + 16 * MIB) < 8 * MIB)
			later[nr_later++] = handle[i];
	}
	assert_true(kept && nr_later);
	drain_all_pages();
	while (nr_later)
		mhandle_free(later[--nr_later]);
	drain_all_pages();
	hash = mm_state_hash();
	assert_int_equal(-EBUSY, offline_pages(PFN_DOWN(PRESENT), 2 * BLOCK));
	assert_int_equal(0, mm_check());
	assert_int_equal(hash, mm_state_hash());
	assert_int_equal(MEM_ONLINE, memory_block_state(PRESENT));
	mhandle_unpin(kept);
	mhandle_free(kept);
	drain_all_pages();

	hash = mm_state_hash();
	max = memblock.reserved.max;
	memblock.reserved.max = memblock.reserved.cnt;
	assert_int_equal(-ENOMEM, offline_pages(PFN_DOWN(PRESENT), 2 * BLOCK));
	assert_int_equal(hash, mm_state_hash());
	memblock.reserved.max = max;
	assert_int_equal(0, offline_pages(PFN_DOWN(PRESENT), 2 * BLOCK));
	assert_int_equal(0, mm_check());
	machine_drop();
}

/* What memblock_free_late() was told to release is not released once more. */
static void released_late(void **state)
{
	uint64_t hash;

	(void)state;
	start();
	assert_int_equal(0, add_memory(HIDDEN, 8 * MIB));
	assert_int_equal(0, memblock_free_late(HIDDEN + 6 * MIB, PAGE_SIZE));
	assert_int_equal(0, mm_check());
	hash = mm_state_hash();
	assert_int_equal(-EINVAL, online_pages(PFN_DOWN(HIDDEN), 2 * BLOCK));
	assert_int_equal(hash, mm_state_hash());
	assert_int_equal(0, mm_check());
	assert_int_equal(MEM_OFFLINE, memory_block_state(HIDDEN));
	assert_int_equal(0, online_pages(PFN_DOWN(HIDDEN), BLOCK));
	assert_int_equal(0, mm_check());
	machine_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),	cmocka_unit_test(round_trip),
		cmocka_unit_test(in_use),	cmocka_unit_test(movable),
		cmocka_unit_test(wrong_ranges), cmocka_unit_test(wraps),
		cmocka_unit_test(no_room),	cmocka_unit_test(caches_stay),
		cmocka_unit_test(half_way),	cmocka_unit_test(released_late),
	};

	return cmocka_run_group_tests_name("memory_hotplug", tests, NULL, NULL);
}
