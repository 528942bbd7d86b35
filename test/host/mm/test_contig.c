/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_contig.c: ranges of contiguous pages on every layout, fresh and worn, against the map of
 * frames: a range is had if and only if all of it is free, and a refusal changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/errno.h>

#include "campaign.h"
#include "machine.h"
#include "mm/buddy/buddy.h"
#include "mm/free_map.h"
#include "mm/pcp/pcp.h"
#include "test/host/port_host.h"

#define BLOCKS	 256
#define RANGES	 24
#define ATTEMPTS 400

static struct page *block[BLOCKS];
static unsigned int block_order[BLOCKS];
static struct {
	pfn_t start;
	unsigned long pages;
} range[RANGES];
static uint64_t seed;
static unsigned long served, refused;

static unsigned long below(unsigned long n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned long)(seed % n);
}

/* In a bank, and all of it free. */
static bool all_free(pfn_t start, unsigned long pages)
{
	unsigned long first = pfn_to_index(start), last = pfn_to_index(start + pages - 1);

	if (first == NIL32 || last == NIL32 || last - first != pages - 1)
		return false;
	for (pfn_t pfn = start; pfn < start + pages; pfn++)
		if (pfn < machine.first || pfn >= machine.end ||
		    machine.frame[pfn - machine.first] != FRAME_FREE)
			return false;
	return true;
}

static void mark(pfn_t start, unsigned long pages, bool taken)
{
	memset(&machine.frame[start - machine.first], taken ? FRAME_TAKEN : FRAME_FREE, pages);
}

/* A block more, or one less. */
static void churn(void)
{
	unsigned long i = below(BLOCKS);

	if (block[i]) {
		oracle_give(page_to_pfn(block[i]), block_order[i]);
		assert_int_equal(0, __free_pages(block[i], block_order[i]));
		block[i] = NULL;
		return;
	}
	block_order[i] = below(10) < 7 ? 0 : (unsigned int)below(NR_PAGE_ORDERS);
	block[i] = alloc_pages((below(2) ? GFP_KERNEL : GFP_KERNEL | __GFP_MOVABLE) |
				       (below(2) ? __GFP_DMA32 : 0) | __GFP_NOWARN,
			       block_order[i]);
	if (block[i])
		oracle_take(block[i], block_order[i]);
}

static void give_range(unsigned int i)
{
	assert_int_equal(range[i].pages, contig_range_pages(range[i].start));
	assert_int_equal(0, free_contig_range(range[i].start, range[i].pages));
	assert_int_equal(0, contig_range_pages(range[i].start));
	mark(range[i].start, range[i].pages, false);
	range[i].pages = 0;
}

/* One at an address, of any length up to all there is. */
static void at_an_address(unsigned int i)
{
	pfn_t start = machine.first + below((unsigned long)(machine.end - machine.first));
	unsigned long pages = 1 + below(1UL << below(13));
	bool there = all_free(start, pages);
	uint64_t hash = there ? 0 : mm_state_hash();
	int error = alloc_contig_range(start, start + pages, MIGRATE_MOVABLE,
				       GFP_KERNEL | __GFP_NOWARN);

	assert_int_equal(there, !error);
	if (error) {
		assert_true(error == -EBUSY || error == -EINVAL);
		assert_int_equal(hash, mm_state_hash());
		refused++;
		return;
	}
	mark(start, pages, true);
	range[i].start = start;
	range[i].pages = pages;
	served++;
}

/* One at a multiple of its size, or of a pageblock, in a zone that gfp allows? */
static bool is_anywhere(gfp_t gfp, unsigned long pages)
{
	unsigned long step = 1;

	while (step < pages && step < pageblock_nr_pages)
		step *= 2;
	for (pfn_t pfn = ALIGN_UP(machine.first, step); pfn + pages <= machine.end; pfn += step)
		if (!(pfn < machine.boundary && pfn + pages > machine.boundary) &&
		    !(gfp & __GFP_DMA32 && pfn >= machine.boundary) && all_free(pfn, pages))
			return true;
	return false;
}

static void anywhere(unsigned int i)
{
	unsigned long pages = 1 + below(1UL << below(12));
	gfp_t gfp = (below(2) ? GFP_KERNEL : GFP_KERNEL | __GFP_DMA32) | __GFP_NOWARN;
	bool there = is_anywhere(gfp, pages);
	uint64_t hash = there ? 0 : mm_state_hash();
	struct page *page = alloc_contig_pages(pages, gfp);

	assert_int_equal(there, page != NULL);
	if (!page) {
		assert_int_equal(hash, mm_state_hash());
		return;
	}
	range[i].start = page_to_pfn(page);
	range[i].pages = pages;
	assert_true(all_free(range[i].start, pages));
	assert_true(!(gfp & __GFP_DMA32) || range[i].start < machine.boundary);
	mark(range[i].start, pages, true);
}

static void on_layout(const struct layout *layout, uint64_t start)
{
	struct layout with = *layout;

	with.caches = start & 1;
	machine_start(&with);
	seed = start * 0x9e3779b97f4a7c15 + 1;
	for (int n = 0; n < ATTEMPTS; n++) {
		unsigned int i = (unsigned int)below(RANGES);

		churn();
		if (range[i].pages)
			give_range(i);
		else if (below(4))
			at_an_address(i);
		else
			anywhere(i);
		if (n % 100 == 99)
			assert_int_equal(0, mm_check());
	}
	for (unsigned int i = 0; i < RANGES; i++)
		if (range[i].pages)
			give_range(i);
	for (unsigned int i = 0; i < BLOCKS; i++) {
		if (block[i]) {
			oracle_give(page_to_pfn(block[i]), block_order[i]);
			assert_int_equal(0, __free_pages(block[i], block_order[i]));
		}
		block[i] = NULL;
	}
	assert_int_equal(0, mm_check());
	drain_all_pages();
	expect_oracle_picture();
	machine_stop();
}

static void ranges_on_layouts(void **state)
{
	struct layout random;

	(void)state;
	served = refused = 0;
	for (unsigned int i = 0; i < nr_layouts; i++)
		on_layout(&layouts[i], 2 * i + (i & 1));
	for (uint64_t i = 1; i <= 12; i++) {
		random_layout(&random, i);
		on_layout(&random, i);
	}
	assert_true(served > 500 && refused > 500);
}

#define BASE 0x80000000UL
#define MIB  (1UL << 20)

static const struct layout small = {.name = "small", .bank = {{BASE, 64 * MIB}}, .caches = 1};

/* A wrong free of a range, or of a part of it, is refused, counted, and changes nothing. */
static void expect_refused(int expected, enum mm_misuse kind, int error, uint64_t hash,
			   const struct mm_stats *before)
{
	struct mm_stats now;

	assert_int_equal(-expected, error);
	mm_get_stats(&now);
	assert_int_equal(before->misuse[kind] + 1, now.misuse[kind]);
	assert_int_equal(hash, mm_state_hash());
}

#define EXPECT_REFUSED(error, kind, call)                                \
	do {                                                             \
		struct mm_stats stats_;                                  \
		uint64_t hash_ = mm_state_hash();                        \
                                                                         \
		mm_get_stats(&stats_);                                   \
		expect_refused((error), (kind), (call), hash_, &stats_); \
	} while (0)

static void wrong_frees(void **state)
{
	pfn_t pfn = PFN_DOWN(BASE + 13 * MIB) + 3, end = pfn + 5000, reserved;
	struct page *page, *plain;

	(void)state;
	port_host_log_hook = port_host_quiet;
	machine_start(&small);
	assert_int_equal(0, alloc_contig_range(pfn, end, MIGRATE_MOVABLE, GFP_KERNEL));
	page = pfn_to_page(pfn);
	EXPECT_REFUSED(EINVAL, MISUSE_RANGE, free_contig_range(pfn, 2500));
	EXPECT_REFUSED(EINVAL, MISUSE_RANGE, free_contig_range(pfn, 5001));
	EXPECT_REFUSED(EINVAL, MISUSE_RANGE, free_contig_range(pfn, 0));
	EXPECT_REFUSED(EINVAL, MISUSE_RANGE, free_contig_range(pfn, (1UL << 31) + 5000));
	EXPECT_REFUSED(EINVAL, MISUSE_TAIL, free_contig_range(pfn + 2500, 2500));
	EXPECT_REFUSED(EINVAL, MISUSE_TAIL, free_contig_range(pfn + 1, 4999));
	EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, free_contig_range(pfn - 1, 5001));
	EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, free_contig_range(end, 1));
	/* one of its blocks, by each other way to free */
	EXPECT_REFUSED(EINVAL, MISUSE_RANGE, __free_pages(page, 0));
	EXPECT_REFUSED(EINVAL, MISUSE_RANGE, free_pages_phys(PFN_PHYS(pfn), -1));
	EXPECT_REFUSED(EINVAL, MISUSE_RANGE, free_pages_phys(BASE + 16 * MIB, 10));
	EXPECT_REFUSED(EINVAL, MISUSE_RANGE, put_page(page));
	assert_false(get_page_unless_zero(page));
	assert_int_equal(0, free_contig_range(pfn, 5000));
	EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, free_contig_range(pfn, 5000));
	EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, free_contig_range(PFN_DOWN(BASE) - 1, 1));
	for (reserved = PFN_DOWN(BASE); machine.frame[reserved - machine.first] != FRAME_RESERVED;)
		reserved++;
	EXPECT_REFUSED(EPERM, MISUSE_RESERVED, free_contig_range(reserved, 1));
	plain = alloc_page(GFP_KERNEL);
	EXPECT_REFUSED(EINVAL, MISUSE_TAIL, free_contig_range(page_to_pfn(plain), 1));
	__free_page(plain);
	assert_int_equal(0, mm_check());
	machine_stop();
	port_host_log_hook = NULL;
}

/* No range, or no type of one. */
static void wrong_requests(void **state)
{
	pfn_t first = PFN_DOWN(BASE);
	uint64_t hash;

	(void)state;
	machine_start(&small);
	hash = mm_state_hash();
	assert_int_equal(-EINVAL, alloc_contig_range(first, first, MIGRATE_MOVABLE, GFP_KERNEL));
	assert_int_equal(-EINVAL,
			 alloc_contig_range(first + 1, first, MIGRATE_MOVABLE, GFP_KERNEL));
	assert_int_equal(-EINVAL,
			 alloc_contig_range(first - 1, first + 1, MIGRATE_MOVABLE, GFP_KERNEL));
	assert_int_equal(-EINVAL, alloc_contig_range(first, first + 64 * 256 + 1, MIGRATE_MOVABLE,
						     GFP_KERNEL));
	assert_int_equal(-EINVAL,
			 alloc_contig_range(first, ~(pfn_t)0, MIGRATE_MOVABLE, GFP_KERNEL));
	assert_int_equal(-EINVAL, alloc_contig_range(first + 300, first + 301, MIGRATE_UNMOVABLE,
						     GFP_KERNEL));
	assert_int_equal(-EINVAL,
			 alloc_contig_range(first + 300, first + 301, MIGRATE_MOVABLE, ~(gfp_t)0));
	assert_null(alloc_contig_pages(0, GFP_KERNEL));
	assert_null(alloc_contig_pages(1, ~(gfp_t)0));
	assert_null(alloc_contig_pages(~0UL, GFP_KERNEL));
	assert_int_equal(hash, mm_state_hash());
	machine_stop();
}

/* The refusal says which page is in the way, and what it is. */
static void holder_is_named(void **state)
{
	pfn_t first = PFN_DOWN(BASE + 32 * MIB);
	char expected[160];
	struct page *page;

	(void)state;
	port_host_log_hook = port_host_capture;
	machine_start(&small);
	page = alloc_pages_between(GFP_KERNEL, 2, PFN_PHYS(first) + 40 * PAGE_SIZE,
				   PFN_PHYS(first) + 48 * PAGE_SIZE - 1);
	assert_non_null(page);
	get_page(page);
	port_host_log_clear();
	assert_int_equal(-EBUSY,
			 alloc_contig_range(first, first + 1024, MIGRATE_MOVABLE, GFP_KERNEL));
	snprintf(
		expected, sizeof(expected),
		"range 0x82000000-0x823fffff refused: page 0x%llx is in use (block 0x%llx order 2, 2 references, owner 0x0)",
		(unsigned long long)page_to_phys(page), (unsigned long long)page_to_phys(page));
	assert_non_null(strstr(port_host_log_text, expected));
	port_host_log_clear();
	assert_int_equal(-EBUSY, alloc_contig_range(first, first + 1024, MIGRATE_MOVABLE,
						    GFP_KERNEL | __GFP_NOWARN));
	assert_string_equal("", port_host_log_text);
	put_page(page);
	__free_pages(page, 2);
	assert_int_equal(0, alloc_contig_range(first, first + 1024, MIGRATE_MOVABLE, GFP_KERNEL));
	assert_int_equal(-EBUSY, alloc_contig_range(first + 1023, first + 1025, MIGRATE_MOVABLE,
						    GFP_KERNEL));
	assert_non_null(strstr(port_host_log_text, "part of another range"));
	assert_int_equal(0, free_contig_range(first, 1024));
	machine_stop();
	port_host_log_hook = NULL;
}

/* With the zone's lock, as the callers of both have it. */
static bool isolate(unsigned long pageblock, bool isolated)
{
	struct zone *zone = zone_of(pageblock << pageblock_order);
	unsigned long flags = port_irq_save();
	bool done = true;

	spin_lock(&zone->lock);
	if (isolated)
		done = buddy_isolate(zone, pageblock);
	else
		buddy_unisolate(zone, pageblock);
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	return done;
}

/* Undone in the reverse order, isolation leaves no trace, in any state of the pool. */
static void isolation_undone(void **state)
{
	unsigned long isolated[64], n;
	uint64_t hash;

	(void)state;
	for (size_t s = 0; s < nr_states; s++) {
		machine_start(&small);
		states[s].make();
		assert_int_equal(0, mm_check());
		for (uint64_t round = 1; round < 20; round++) {
			seed = round * 77777 + 1;
			hash = mm_state_hash();
			for (n = 0; n < below(32); n++) {
				isolated[n] = below(mm.nr_pages >> pageblock_order);
				if (!section_is_open(isolated[n] >>
						     (SECTION_SHIFT - pageblock_order)) ||
				    !isolate(isolated[n], true))
					isolated[n] = NIL32;
			}
			assert_int_equal(0, mm_check());
			while (n--)
				if (isolated[n] != NIL32)
					isolate(isolated[n], false);
			assert_int_equal(hash, mm_state_hash());
			assert_int_equal(0, mm_check());
		}
		machine_drop();
	}
}

/* Nothing is allocated from an isolated pageblock, and what is freed to it stays there. */
static void nothing_from_isolated(void **state)
{
	static struct page *taken[64 * 256];
	struct page *page = NULL, *inside = NULL;
	unsigned long n = 0, pageblock;
	struct zone_info before, after;

	(void)state;
	machine_start(&small);
	while (!inside || page_to_pfn(inside) % pageblock_nr_pages < 8)
		inside = alloc_page(GFP_KERNEL);
	pageblock = (unsigned long)(inside - mm.memmap) >> pageblock_order;
	drain_all_pages();
	mm_zone_info(ZONE_DMA32, &before);
	assert_true(isolate(pageblock, true));
	assert_false(isolate(pageblock, true));
	mm_zone_info(ZONE_DMA32, &after);
	assert_int_equal(before.free - mm.pageblocks[pageblock].nr_free, after.free);
	assert_int_equal(0, __free_page(inside));
	drain_all_pages();
	assert_int_equal(0, mm_check());
	while ((page = alloc_page(GFP_ATOMIC | __GFP_MEMALLOC | __GFP_NOWARN))) {
		assert_true((unsigned long)(page - mm.memmap) >> pageblock_order != pageblock);
		taken[n++] = page;
	}
	assert_true(n > 10000);
	assert_int_equal(0, mm_check());
	while (n)
		__free_page(taken[--n]);
	isolate(pageblock, false);
	assert_int_equal(0, mm_check());
	machine_drop();
}

/* What this CPU and another have cached of the range comes back; all else stays cached. */
static void cached_come_back(void **state)
{
	struct mm_pcpu *self = port_pcpu();
	struct page *page[64];
	pfn_t first;

	(void)state;
	machine_start(&small);
	self = port_pcpu();
	start_other_cpu();
	for (int i = 0; i < 64; i++)
		page[i] = alloc_page(GFP_KERNEL);
	first = ALIGN_DOWN(page_to_pfn(page[32]), 16);
	for (int i = 0; i < 64; i++) {
		port_set_pcpu(i % 2 ? self : &second_cpu);
		assert_int_equal(0, __free_page(page[i]));
		port_set_pcpu(self);
	}
	/* who may not wait cannot ask the other CPU */
	assert_int_equal(-EBUSY, alloc_contig_range(first, first + 16, MIGRATE_MOVABLE,
						    GFP_ATOMIC | __GFP_NOWARN));
	assert_int_equal(0, alloc_contig_range(first, first + 16, MIGRATE_MOVABLE, GFP_KERNEL));
	assert_true(pcp_count_zone(&mm.zones[ZONE_DMA32]) > 0);
	assert_int_equal(0, mm_check());
	assert_int_equal(0, free_contig_range(first, 16));
	machine_drop();
}

/* __GFP_ZERO, init_on_alloc, poison: as for other pages. */
static void options(void **state)
{
	pfn_t pfn = PFN_DOWN(BASE + 20 * MIB) + 5;
	struct mm_stats stats;
	uint64_t *word;

	(void)state;
	machine_start(&small);
	assert_int_equal(
		0, alloc_contig_range(pfn, pfn + 700, MIGRATE_MOVABLE, GFP_KERNEL | __GFP_ZERO));
	word = page_address(pfn_to_page(pfn));
	for (unsigned int i = 0; i < 700 * PAGE_SIZE / 8; i++)
		assert_int_equal(0, word[i]);
	assert_int_equal(0, free_contig_range(pfn, 700));
	assert_int_equal(0, mm_set_hooks(MM_HOOK_POISON));
	assert_int_equal(0, alloc_contig_range(pfn, pfn + 700, MIGRATE_MOVABLE, GFP_KERNEL));
	assert_int_equal(0, free_contig_range(pfn, 700));
	word[699 * PAGE_SIZE / 8] = 1;
	assert_int_equal(0, alloc_contig_range(pfn, pfn + 700, MIGRATE_MOVABLE, GFP_KERNEL));
	mm_get_stats(&stats);
	assert_int_equal(1, stats.poison_hit);
	assert_int_equal(0, free_contig_range(pfn, 700));
	assert_int_equal(0, mm_set_hooks(0));
	machine_stop();
}

/* No range of a zone begins beyond the zone's end, where its bank goes on and the alignment leads. */
static void not_beyond_the_zone(void **state)
{
	const phys_addr_t mib = (phys_addr_t)1 << 20;
	const struct layout layout = {.name = "a bank of both zones",
				      .dma32_limit = 0x80000000 + 24 * mib,
				      .bank = {{0x80000000 + 4 * mib, 92 * mib}}};
	struct page *page;

	(void)state;
	machine_start(&layout);
	page = alloc_contig_pages(17 * mib / PAGE_SIZE, GFP_KERNEL | GFP_DMA32);
	assert_non_null(page);
	assert_true(page_to_phys(page) + 17 * mib <= layout.dma32_limit);
	assert_int_equal(0, free_contig_range(page_to_pfn(page), 17 * mib / PAGE_SIZE));
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_on_layouts),   cmocka_unit_test(wrong_frees),
		cmocka_unit_test(wrong_requests),      cmocka_unit_test(holder_is_named),
		cmocka_unit_test(isolation_undone),    cmocka_unit_test(nothing_from_isolated),
		cmocka_unit_test(cached_come_back),    cmocka_unit_test(options),
		cmocka_unit_test(not_beyond_the_zone),
	};

	return cmocka_run_group_tests_name("contig", tests, NULL, NULL);
}
