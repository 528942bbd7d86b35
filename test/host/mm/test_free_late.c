/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_free_late.c: what memblock_free_late() releases, and what it refuses.
 */
#include "hand_over_map.h"

/*
 * 1, 2, 3, ... pages, at every alignment: as many more, the last one is free, its neighbours are
 * not.
 */
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
				assert_int_equal(PFN_DOWN(at) + page - 1, info.pfn);
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

/* Page 0 is never anyone's; page 1 is the first that can be. */
static void late_first_page(void **state)
{
	(void)state;
	map_init(0);
	map_memory(0, SECTION, MEMBLOCK_NONE);
	map_reserve(0, 3 * PAGE);
	start(0);
	assert_int_equal(0, late(0, PAGE));
	assert_int_equal(0, late(PAGE, PAGE));
	assert_int_equal(-EPERM, late(0, 3 * PAGE)); /* page 1 is free */
	assert_int_equal(0, late(2 * PAGE, PAGE));
	expect_map();
}

/* What the header promises of ranges that are no one's. */
static void late_refused(void **state)
{
	struct page_info info;
	phys_addr_t metadata;
	unsigned long index;

	(void)state;
	map_init(RAM_BASE);
	assert_int_equal(-EINVAL, memblock_free_late(base, PAGE)); /* nothing was handed over */
	map_memory(base, 3 * SECTION, MEMBLOCK_NONE);
	map_memory(base + 5 * SECTION, 2 * SECTION, MEMBLOCK_NONE);
	map_reserve(base, 2 * SECTION);
	start(0);
	/* A page of a section that is reserved as a whole is a block by itself. */
	assert_int_equal(0, mm_page_info(PFN_DOWN(base + SECTION + PAGE), &info));
	assert_int_equal(PAGE_RESERVED, info.state);
	assert_int_equal(PFN_DOWN(base + SECTION + PAGE), info.pfn);
	assert_int_equal(PFN_DOWN(base + SECTION + PAGE), info.head_pfn);
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

/*
 * Many sections at once are one run: no table is too short for them, also across the zones'
 * boundary.
 */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_pages),
		cmocka_unit_test(late_random),
		cmocka_unit_test(late_first_page),
		cmocka_unit_test(late_refused),
		cmocka_unit_test(late_across_new_memory),
		cmocka_unit_test(late_arrays),
		cmocka_unit_test(late_in_parts),
		cmocka_unit_test(late_many_sections),
		cmocka_unit_test(late_no_span),
	};

	port_host_log_hook = port_host_quiet;
	return cmocka_run_group_tests_name("free_late", tests, NULL, NULL);
}
