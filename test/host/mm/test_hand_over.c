/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_hand_over.c: what memblock hands to the page allocator, at boot and late: every byte of a page
 * that is released is mapped memory, none is reserved any more, and nothing else is ever released. A map
 * of quarters of a page says what each byte is.
 */
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

static unsigned int pick(unsigned int n)
{
	return (unsigned int)(host_random(&seed) % n);
}

/* ---- the map ---- */

static unsigned char *quarter(phys_addr_t addr)
{
	return &map[(addr - base) / QUARTER];
}

static void map_init(phys_addr_t at)
{
	base = at;
	memset(map, 0, sizeof(map));
	memblock_init();
	assert_non_null(host_ram_map(base, sizeof(map) * QUARTER));
	host_ram_randomize(base, sizeof(map) * QUARTER, seed + 1);
}

static void map_memory(phys_addr_t at, phys_addr_t size, enum memblock_flags flags)
{
	assert_int_equal(0, memblock_add_node(at, size, 0, flags));
	for (phys_addr_t q = at; q < at + size; q += QUARTER)
		if (!*quarter(q))
			*quarter(q) = (unsigned char)(MEMORY | (flags ? HOTPLUG : 0));
}

static void map_nomap(phys_addr_t at, phys_addr_t size)
{
	assert_int_equal(0, memblock_mark_nomap(at, size));
	for (phys_addr_t q = at; q < at + size; q += QUARTER)
		*quarter(q) |= *quarter(q) & MEMORY ? NOMAP : 0;
}

static void map_reserve(phys_addr_t at, phys_addr_t size)
{
	assert_int_equal(0, memblock_reserve(at, size));
	for (phys_addr_t q = at; q < at + size; q += QUARTER)
		*quarter(q) |= RESERVED;
}

/* All four quarters have these bits, and none of those. */
static bool page_is(phys_addr_t page, int set, int clear)
{
	for (phys_addr_t q = page; q < page + PAGE; q += QUARTER)
		if ((*quarter(q) & set) != set || *quarter(q) & clear)
			return false;
	return true;
}

/* Mapped memory, all of it in one region: regions with the same flags merge. */
static bool page_is_mapped(phys_addr_t page)
{
	return page_is(page, MEMORY | HOTPLUG, NOMAP) || page_is(page, MEMORY, HOTPLUG | NOMAP);
}

static bool page_is_free(phys_addr_t page)
{
	return page != 0 && page_is_mapped(page) && page_is(page, 0, RESERVED);
}

static unsigned long free_pages_of_map(void)
{
	unsigned long n = 0;

	for (phys_addr_t page = base; page < base + sizeof(map) * QUARTER; page += PAGE)
		n += page_is_free(page);
	return n;
}

static uint64_t managed(void)
{
	struct zone_info info[MAX_NR_ZONES];

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info[zone]);
		assert_true(info[zone].managed <= info[zone].present);
		assert_int_equal(info[zone].managed, info[zone].free);
	}
	return info[ZONE_DMA32].managed + info[ZONE_NORMAL].managed;
}

/* The allocator has what the map says is free, and nothing else: by its figures, and page by page. */
static void expect_map(void)
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
static void start(phys_addr_t dma32_limit)
{
	struct mm_config config = {.boot_pcpu = &machine_pcpu, .dma32_limit = dma32_limit};

	memset(&machine_pcpu, 0x5a, sizeof(machine_pcpu));
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_init(&config));
	for (phys_addr_t q = base; q < base + sizeof(map) * QUARTER; q += QUARTER)
		if (!(*quarter(q) & RESERVED) && memblock_is_region_reserved(q, QUARTER))
			*quarter(q) |= RESERVED | METADATA;
	assert_int_equal(free_pages_of_map(), memblock_free_all());
	expect_map();
}

/* ---- late ---- */

/* What memblock_free_late() must say. Page 0 stays where it is. */
static int expected(phys_addr_t at, phys_addr_t size)
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
static int late(phys_addr_t at, phys_addr_t size)
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

/* 1, 2, 3, ... pages, at every alignment: as many more, the last one is free, its neighbours are not. */
static void late_pages(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 40; n++) {
		map_init(RAM_BASE);
		map_memory(base, 4 * SECTION, MEMBLOCK_NONE);
		map_reserve(base + MIB, 6 * MIB);
		start(0);
		for (unsigned int i = 0; i < 10; i++) {
			phys_addr_t at = base + MIB + (phys_addr_t)(i * 64 + i + 1) * PAGE;
			uint64_t had = managed();
			struct page_info info;

			assert_int_equal(0, memblock_free_late(at, n * PAGE));
			assert_int_equal(had + n, managed());
			for (unsigned int page = 0; page < n + 2; page++) {
				assert_int_equal(0, mm_page_info(PFN_DOWN(at) + page - 1, &info));
				assert_int_equal(page && page <= n ? PAGE_FREE : PAGE_RESERVED,
						 info.state);
			}
			assert_int_equal(-EPERM, memblock_free_late(at, n * PAGE));
		}
		assert_int_equal(0, mm_check());
	}
}

/* Holes, no-map memory, flags, odd ends and reservations anywhere; ranges of any kind. */
static void late_random(void **state)
{
	unsigned int done = 0, refused = 0;

	(void)state;
	for (unsigned int run = 0; run < 60; run++) {
		seed = 77 + run;
		map_init(run % 8 == 0 ? 0 : 4 * GIB - 3 * SECTION);
		for (unsigned int i = 0; i < 5; i++)
			if (pick(8))
				map_memory(base + i * SECTION + pick(3) * (MIB + QUARTER * pick(4)),
					   SECTION / 2 - pick(2) * (PAGE * pick(200) + QUARTER),
					   pick(4) ? MEMBLOCK_NONE : MEMBLOCK_HOTPLUG);
		map_memory(base + 5 * SECTION, 2 * SECTION, MEMBLOCK_NONE);
		for (unsigned int i = 0; i < 4; i++)
			map_nomap(base + pick(NR_QUARTERS - 4096) * QUARTER,
				  (1 + pick(pick(2) ? 8 : 2048)) * QUARTER);
		for (unsigned int i = 0; i < 8; i++)
			map_reserve(base + pick(NR_QUARTERS - 16384) * QUARTER,
				    (1 + pick(pick(2) ? 100 : 16384)) * QUARTER);
		if (pick(2))
			map_reserve(base + pick(4) * SECTION, (1 + pick(3)) * SECTION);
		start(0);
		for (unsigned int i = 0; i < 60; i++) {
			phys_addr_t at = base + pick(NR_QUARTERS) * QUARTER;
			phys_addr_t most = base + sizeof(map) * QUARTER - at;
			phys_addr_t size = pick(pick(2) ? 64 : 8192) * QUARTER;

			if (pick(3) == 0) { /* what is left of a reservation */
				const struct memblock_region *r = &memblock.reserved.regions[pick(
					(unsigned int)memblock.reserved.cnt)];

				at = r->base;
				size = ALIGN_DOWN(r->size, QUARTER);
				at = ALIGN_DOWN(at, QUARTER);
				most = size;
			}
			*(late(at, size < most ? size : most) ? &refused : &done) += 1;
		}
		expect_map();
	}
	assert_in_range(done, 500, 3300);
	assert_in_range(refused, 500, 3300);
}

/* What the header promises of ranges that are no one's. */
static void late_refused(void **state)
{
	phys_addr_t metadata;
	unsigned long index;

	(void)state;
	map_init(RAM_BASE);
	assert_int_equal(-EINVAL, memblock_free_late(base, PAGE)); /* nothing was handed over */
	map_memory(base, 3 * SECTION, MEMBLOCK_NONE);
	map_memory(base + 5 * SECTION, 2 * SECTION, MEMBLOCK_NONE);
	map_reserve(base, 2 * SECTION);
	start(0);
	assert_int_equal(-EINVAL, memblock_free_late(PHYS_ADDR_MAX - PAGE, 2 * PAGE));
	assert_int_equal(-EFAULT, memblock_free_late(base - PAGE, 2 * PAGE));
	assert_int_equal(-EFAULT, memblock_free_late(0, PHYS_ADDR_MAX));
	assert_int_equal(-EPERM, memblock_free_late(base + 2 * SECTION, PAGE));
	assert_int_equal(0, memblock_free_late(base + 1, PAGE)); /* no whole page */
	assert_int_equal(0, memblock_free_late(base + PAGE, 0));
	/* The allocator's own metadata is reserved, but not for anyone to release. */
	for (metadata = base; !(*quarter(metadata) & METADATA);)
		metadata += PAGE;
	assert_true(memblock_is_region_reserved(metadata, PAGE));
	assert_int_equal(-EPERM, memblock_free_late(metadata, PAGE));
	/* Memory that came after mm_init() has no descriptors. */
	assert_int_equal(0, memblock_add(base + 3 * SECTION, SECTION));
	assert_int_equal(0, memblock_reserve(base + 3 * SECTION, SECTION));
	assert_int_equal(-EFAULT, memblock_free_late(base + 3 * SECTION, PAGE));
	assert_int_equal(-EFAULT, memblock_free_late(base + 3 * SECTION - PAGE, 2 * PAGE));
	assert_int_equal(0, memblock_remove(base + 3 * SECTION, SECTION));
	assert_int_equal(0, memblock_phys_free(base + 3 * SECTION, SECTION));
	/* Nor does what memblock was told since make pages reserved that are the allocator's. */
	assert_int_equal(0, memblock_reserve(base + 2 * SECTION, PAGE));
	assert_int_equal(-EPERM, memblock_free_late(base + 2 * SECTION, PAGE));
	assert_int_equal(0, memblock_phys_free(base + 2 * SECTION, PAGE));
	/* A section never touched: its metadata is as random as RAM, here it looks reserved. */
	assert_int_equal(0, memblock_reserve(base + 5 * SECTION, SECTION));
	index = pfn_to_index(PFN_DOWN(base + 5 * SECTION));
	memset(&mm.trust[index >> GROUP_SHIFT], TRUST_ALL, SECTION_PAGES >> GROUP_SHIFT);
	for (unsigned int i = 0; i < SECTION_PAGES; i++)
		mm.memmap[index + i].word = PAGE_RESERVED_WORD(0);
	assert_int_equal(-EPERM, memblock_free_late(base + 5 * SECTION, SECTION));
	assert_int_equal(0, memblock_phys_free(base + 5 * SECTION, SECTION));
	expect_map();
}

/* Nor has memory that came between what has some. */
static void late_across_new_memory(void **state)
{
	uint64_t hash;

	(void)state;
	map_init(RAM_BASE);
	map_memory(base, SECTION, MEMBLOCK_NONE);
	map_memory(base + 2 * SECTION, 3 * SECTION, MEMBLOCK_NONE);
	map_reserve(base, SECTION);
	map_reserve(base + 2 * SECTION, SECTION);
	start(0);
	hash = mm_state_hash();
	assert_int_equal(0, memblock_add(base + SECTION, SECTION));
	assert_int_equal(0, memblock_reserve(base + SECTION, SECTION));
	assert_int_equal(-EFAULT, memblock_free_late(base, 3 * SECTION));
	assert_int_equal(hash, mm_state_hash());
	assert_true(memblock_is_reserved(base));
}

/* memblock's own arrays are in use for good. */
static void late_arrays(void **state)
{
	phys_addr_t array;

	(void)state;
	map_init(RAM_BASE);
	map_memory(base, 3 * SECTION, MEMBLOCK_NONE);
	for (unsigned int i = 0; i <= CONFIG_MEMBLOCK_REGIONS; i++)
		map_reserve(base + 2 * i * PAGE, PAGE);
	array = virt_to_phys(memblock.reserved.regions);
	for (phys_addr_t q = array; q < array + memblock.reserved.array_size; q += QUARTER)
		*quarter(q) |= RESERVED | METADATA;
	start(0);
	assert_int_equal(-EPERM, late(array, PAGE));
	assert_int_equal(0, late(base, PAGE));
	expect_map();
}

/* Half a page is kept with its reservation, until all of it is released. */
static void late_in_parts(void **state)
{
	(void)state;
	map_init(RAM_BASE);
	map_memory(base, 2 * SECTION, MEMBLOCK_NONE);
	map_reserve(base + MIB, MIB);
	start(0);
	assert_int_equal(0, late(base + MIB + PAGE, 3 * PAGE + QUARTER));
	assert_true(memblock_is_reserved(base + MIB + 4 * PAGE));
	assert_int_equal(0, late(base + MIB + 4 * PAGE, PAGE));
	assert_int_equal(0, late(base + MIB + 5 * PAGE + QUARTER, PAGE));
	assert_int_equal(0, late(base + MIB, PAGE));
	assert_int_equal(0, late(base + MIB + 5 * PAGE, MIB - 5 * PAGE));
	assert_int_equal(free_pages_of_map(), managed());
	expect_map();
}

/* Many sections at once are one run: no table is too short for them, also across the zones' boundary. */
static void late_many_sections(void **state)
{
	const phys_addr_t size = 100 * SECTION;
	struct mm_config config = {.boot_pcpu = &machine_pcpu};

	(void)state;
	for (int apart = 0; apart < 2; apart++) {
		phys_addr_t at = 4 * GIB - 50 * SECTION;
		uint64_t had;

		memblock_init();
		assert_non_null(host_ram_map(at - SECTION, size + 3 * SECTION));
		assert_int_equal(0, memblock_add(at - SECTION, size + 3 * SECTION));
		assert_int_equal(0, memblock_reserve(at, size));
		port_set_pcpu(&machine_pcpu);
		assert_int_equal(0, mm_init(&config));
		memblock_free_all();
		had = managed();
		if (apart)
			for (phys_addr_t n = 0; n < 100; n++)
				assert_int_equal(0, memblock_free_late(at + n * SECTION, SECTION));
		else
			assert_int_equal(0, memblock_free_late(at, size));
		assert_int_equal(had + size / PAGE, managed());
		assert_int_equal(0, mm_check());
	}
}

/* The table of spans does end; a call that might need one more is refused. */
static void late_no_span(void **state)
{
	const phys_addr_t at = RAM_BASE, size = 160 * SECTION;
	struct mm_config config = {.boot_pcpu = &machine_pcpu};
	uint64_t hash;
	int error = 0, n = 0;

	(void)state;
	memblock_init();
	assert_non_null(host_ram_map(at, size));
	assert_int_equal(0, memblock_add(at, size));
	assert_int_equal(0, memblock_reserve(at, size - SECTION));
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_init(&config));
	memblock_free_all();
	while (!error && n < 79)
		error = memblock_free_late(at + 2 * (phys_addr_t)n++ * SECTION, SECTION - PAGE);
	assert_int_equal(-ENOSPC, error);
	assert_in_range(n, 30, 40);
	hash = mm_state_hash();
	assert_int_equal(-ENOSPC, memblock_free_late(at + 158 * SECTION - PAGE, PAGE));
	assert_int_equal(hash, mm_state_hash());
	/* Pages of sections that are open need none. */
	assert_int_equal(0, memblock_free_late(at + SECTION - PAGE, PAGE));
	assert_int_equal(0, mm_check());
}

/* ---- all ---- */

static void free_all_once(void **state)
{
	uint64_t hash;

	(void)state;
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	map_init(RAM_BASE);
	map_memory(base, 2 * SECTION, MEMBLOCK_NONE);
	map_reserve(base, MIB);
	start(0);
	hash = mm_state_hash();
	assert_null(strstr(port_host_log_text, "nothing is released"));
	assert_int_equal(0, memblock_free_all());
	assert_non_null(strstr(port_host_log_text, "a second time: nothing is released"));
	assert_int_equal(hash, mm_state_hash());
	/* Neither what has become free in memblock meanwhile. */
	assert_int_equal(0, memblock_phys_free(base, MIB));
	assert_int_equal(0, memblock_free_all());
	assert_int_equal(hash, mm_state_hash());
	/* And memblock gives nothing away any more. */
	assert_int_equal(0, memblock_phys_alloc(PAGE, PAGE));
	assert_null(memblock_alloc(16, 16));
	port_host_log_hook = port_host_quiet;
}

/* A page lies in one region, whole, or it is no memory: flags part regions, also in the midst of a page. */
static void odd_edges(void **state)
{
	(void)state;
	map_init(RAM_BASE);
	map_memory(base + QUARTER, 2 * SECTION - 2 * QUARTER, MEMBLOCK_NONE);
	map_memory(base + 2 * SECTION - QUARTER, 3 * QUARTER, MEMBLOCK_HOTPLUG);
	map_memory(base + 2 * SECTION + 2 * QUARTER, 2 * PAGE, MEMBLOCK_NONE);
	map_memory(base + 4 * SECTION + QUARTER, PAGE, MEMBLOCK_NONE);
	map_memory(base + 5 * SECTION - QUARTER, 2 * QUARTER, MEMBLOCK_NONE);
	map_memory(base + 6 * SECTION - PAGE, 2 * PAGE, MEMBLOCK_NONE);
	map_nomap(base + SECTION + QUARTER, QUARTER);
	map_reserve(base + 6 * SECTION, PAGE);
	map_reserve(base + 2 * SECTION - 2 * QUARTER, PAGE);
	start(0);
	assert_int_equal(0, late(base + 6 * SECTION, PAGE));
	assert_int_equal(-EFAULT, late(base + 2 * SECTION - PAGE, 2 * PAGE));
	expect_map();
}

/* Pieces without a whole page at places where arithmetic might go wrong are passed over. */
static void slivers(void **state)
{
	static const struct range sliver[] = {
		{0, 1},
		{0, PAGE_SIZE - 1},
		{3 * PAGE_SIZE + 1, PAGE_SIZE},
		{RAM_BASE - 1, 1},
		{RAM_BASE + 8 * SECTION, 50},
		{RAM_BASE + 9 * SECTION - 25, 50},
		{RAM_BASE + 9 * SECTION - PAGE_SIZE + 1, 2 * PAGE_SIZE - 2},
		{((phys_addr_t)1 << CONFIG_PHYS_BITS) - 7, 14},
		{PHYS_ADDR_MAX - 100, 50},
		{PHYS_ADDR_MAX - 100, 100},
		{PHYS_ADDR_MAX - 1, 1},
		{PHYS_ADDR_MAX - PAGE_SIZE + 1, PAGE_SIZE - 1},
		{PHYS_ADDR_MAX - PAGE_SIZE, PAGE_SIZE},
		{PHYS_ADDR_MAX - 2 * PAGE_SIZE + 2, 2 * PAGE_SIZE - 2},
	};
	const unsigned int n = sizeof(sliver) / sizeof(sliver[0]);

	(void)state;
	for (unsigned int i = 0; i <= n; i++) {
		struct mm_layout layout;
		struct zone_info info;

		map_init(RAM_BASE);
		map_memory(base, 4 * SECTION, MEMBLOCK_NONE);
		for (unsigned int j = 0; j < n; j++) /* the last time all of them */
			if (j == i || i == n)
				assert_int_equal(0, memblock_add(sliver[j].base, sliver[j].size));
		memblock_set_current_limit(base + 4 * SECTION);
		start(0);
		mm_get_layout(&layout);
		assert_int_equal(4 * SECTION / PAGE, layout.present_pages);
		assert_int_equal(1, layout.nr_banks);
		mm_zone_info(ZONE_NORMAL, &info);
		assert_int_equal(0, info.present + info.spanned);
	}
}

/* Whole pages at the edges of the address space are memory like any other; only the last byte never is. */
static void far_ends(void **state)
{
	const phys_addr_t top = (phys_addr_t)0 - 4 * PAGE;
	struct zone_info info;

	(void)state;
	map_init(RAM_BASE);
	map_memory(base, 4 * SECTION, MEMBLOCK_NONE);
	assert_int_equal(0, memblock_add(0, 3 * PAGE));
	assert_int_equal(0, memblock_add(top - SECTION, SECTION + 4 * PAGE));
	assert_int_equal(0, memblock_reserve(top, 4 * PAGE));
	memblock_set_current_limit(base + 4 * SECTION);
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_init(&(struct mm_config){.boot_pcpu = &machine_pcpu}));
	memblock_free_all();
	mm_zone_info(ZONE_NORMAL, &info);
	assert_int_equal(1024 + 3, info.present);
	assert_int_equal(1024, info.managed);
	assert_int_equal(PFN_DOWN(top - SECTION), info.start_pfn);
	mm_zone_info(ZONE_DMA32, &info);
	assert_int_equal(4096 + 3, info.present);
	assert_int_equal(0, info.start_pfn);
	assert_int_equal(0, mm_check());
	/* Page 0 is never released, the last page is no memory whole. */
	assert_int_equal(0, memblock_free_late(0, PAGE));
	assert_int_equal(-EINVAL, memblock_free_late(top, 4 * PAGE)); /* its end wraps to 0 */
	assert_int_equal(0, memblock_free_late(top, 4 * PAGE - 1));
	mm_zone_info(ZONE_NORMAL, &info);
	assert_int_equal(1024 + 3, info.managed);
	assert_int_equal(0, mm_check());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_pages),
		cmocka_unit_test(late_random),
		cmocka_unit_test(late_refused),
		cmocka_unit_test(late_across_new_memory),
		cmocka_unit_test(late_arrays),
		cmocka_unit_test(late_in_parts),
		cmocka_unit_test(late_many_sections),
		cmocka_unit_test(late_no_span),
		cmocka_unit_test(free_all_once),
		cmocka_unit_test(odd_edges),
		cmocka_unit_test(slivers),
		cmocka_unit_test(far_ends),
	};

	port_host_log_hook = port_host_quiet;
	return cmocka_run_group_tests_name("hand_over", tests, NULL, NULL);
}
