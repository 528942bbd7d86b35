/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_pool.c: see check_pool.h.
 */
#include "check_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check_fields.h"
#include "machine.h"
#include "mm/buddy/buddy.h"
#include "mm/debug/hooks.h"
#include "mm/pcp/pcp.h"
#include "mm/slab/slab.h"
#include "test/host/port_host.h"

#define MIB ((phys_addr_t)1 << 20)
#define GIB ((phys_addr_t)1 << 30)

/* Two banks, both zones, each with caches, sections that are reserved as a whole and in part. */
static const struct layout layout = {
	"both zones, a hole",
	0,
	{{4 * GIB - 68 * MIB, 28 * MIB}, {4 * GIB - 36 * MIB, 72 * MIB}},
	{{4 * GIB - 52 * MIB, 4 * MIB},
	 {4 * GIB + 20 * MIB, 123 * PAGE_SIZE},
	 {4 * GIB + 8 * MIB, 8 * MIB}},
	1};

struct mm_pcpu other_cpu;

static void kick(unsigned int cpu)
{
	struct mm_pcpu *self = port_pcpu();

	port_set_pcpu(mm.pcpu[cpu]);
	mm_ipi();
	port_set_pcpu(self);
}

void on_other_cpu(void)
{
	port_set_pcpu(port_pcpu() == &other_cpu ? &machine_pcpu : &other_cpu);
}

struct page *block_of(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, order);

	assert_non_null(page);
	return page;
}

void give(struct page *page, unsigned int order)
{
	assert_int_equal(0, __free_pages(page, order));
}

/* Blocks of all orders and mobilities; two of three are freed again, some into caches. */
static void use_and_free(gfp_t zone)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_RECLAIMABLE};
	struct {
		struct page *page;
		unsigned int order;
	} block[9 * NR_PAGE_ORDERS];
	unsigned int n = 0;

	for (unsigned int order = 0; order < pageblock_order; order++)
		for (unsigned int i = 0; i < (order < 6 ? 9 : 3); i++, n++) {
			block[n].page = block_of(kinds[i % 3] | zone, order);
			block[n].order = order;
		}
	for (unsigned int i = 0; i < n; i++)
		if (i % 3 != i / 3 % 3)
			give(block[i].page, block[i].order);
}

/* A pageblock that is kept as HIGHATOMIC, with a block in use or free as a whole. */
static void keep_highatomic(gfp_t zone, bool in_use)
{
	struct page *first = highatomic_block(zone, 3), *second = highatomic_block(zone, 3);

	assert_true(first && second);
	give(first, 3);
	if (!in_use)
		give(second, 3);
	while (drain_some_pages())
		;
}

static void fill_pool(void)
{
	struct page *whole;

	/* one CPU has objects, the other none */
	assert_int_equal(0, kmem_cache_init());
	assert_non_null(kmalloc(64, GFP_KERNEL));
	keep_highatomic(GFP_DMA32, false);
	keep_highatomic(GFP_NOWAIT, true);
	boot_pageset_init(&other_cpu, 1);
	on_other_cpu();
	assert_int_equal(0, setup_per_cpu_pageset(&other_cpu, 1));
	use_and_free(GFP_DMA32);
	on_other_cpu();
	use_and_free(GFP_KERNEL);
	use_and_free(GFP_DMA32);
	/* whole pageblocks and a pair, in use and free */
	(void)block_of(GFP_KERNEL, MAX_PAGE_ORDER);
	whole = block_of(GFP_DMA32, pageblock_order);
	(void)block_of(GFP_DMA32, pageblock_order);
	give(block_of(GFP_DMA32, MAX_PAGE_ORDER), MAX_PAGE_ORDER);
	give(whole, pageblock_order);
	while (drain_some_pages())
		;
	use_and_free(GFP_KERNEL);
	/* compound, shared, frozen, cut */
	(void)block_of(GFP_KERNEL | __GFP_COMP, 4);
	get_page(block_of(GFP_KERNEL, 2));
	assert_true(put_page_testzero(block_of(GFP_KERNEL, 3)));
	assert_non_null(alloc_pages_exact(37 * PAGE_SIZE, GFP_KERNEL));
	assert_non_null(alloc_contig_pages(20, GFP_KERNEL));
}

/* It has. */
static void expect_every_kind(void)
{
	unsigned int orders;
	bool whole = false, pair = false, in_part = false, kept = false, kept_whole = false,
	     off = false;
	unsigned int states[PAGE_SLAB + 1] = {0}, cached = 0;

	for (uint32_t s = 0; s < mm.nr_spans; s++) {
		for (unsigned long n = mm.spans[s].first * 2UL; n < mm.spans[s].opened * 2UL; n++) {
			const struct pageblock *pb = &mm.pageblocks[n];

			whole |= pb->list == pageblock_order;
			pair |= pb->list == MAX_PAGE_ORDER;
			off |= pb->list == PB_OFF_LIST;
			kept |= pb->type == MIGRATE_HIGHATOMIC && pb->list < pageblock_order;
			kept_whole |= pb->type == MIGRATE_HIGHATOMIC && pb->list == pageblock_order;
		}
		for (unsigned long i = (unsigned long)mm.spans[s].first << SECTION_SHIFT;
		     i < (unsigned long)mm.spans[s].opened << SECTION_SHIFT;) {
			const struct page *page = &mm.memmap[i];
			bool free;
			unsigned int order = buddy_block_at(i, &free);

			states[free ? PAGE_FREE : page_state(page)]++;
			in_part |= free && order < pageblock_order;
			cached += !free && page_state(page) == PAGE_ALLOC && !page->_refcount;
			i += 1UL << order;
		}
	}
	assert_true(whole && pair && in_part && off);
	assert_true(kept && kept_whole);
	assert_true(cached > 8);
	for (int state = PAGE_FREE; state <= PAGE_SLAB; state++)
		assert_true(states[state]);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		assert_true(mm.zones[zone].nr_untouched && pcp_count_zone(&mm.zones[zone]));
	assert_true(mm.nr_banks > 1 && mm.nr_spans > mm.zones[0].span_end &&
		    mm.zones[0].span_end > 1);
	assert_true(pcp_count_orders(&other_cpu, &mm.zones[0], &orders));
}

void check_pool_start(void)
{
	port_host_log_hook = port_host_capture;
	port_host_kick = kick;
	machine_start(&layout);
	assert_int_equal(0, mm_set_min_free_kbytes(512));
	assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, 32));
	fill_pool();
	expect_every_kind();
	assert_int_equal(0, mm_check());
	check_fields_note();
}

void check_pool_stop(void)
{
	port_host_log_hook = NULL;
	port_host_kick = NULL;
	machine_drop();
}

/* ---- what mm_check() says ------------------------------------------------------------------ */

static bool is_word(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool has_word(const char *line, const char *end, const char *word)
{
	size_t length = strlen(word);

	for (; line + length <= end; line++)
		if (!strncmp(line, word, length) && !is_word(line[-1]) && !is_word(line[length]))
			return true;
	return false;
}

bool check_names(const char *structure, const char *field)
{
	const char *line = port_host_log_text, *end;

	for (; (end = strchr(line, '\n')); line = end + 1)
		if (!strncmp(line, "mm_check: ", 10) && has_word(line + 10, end, structure) &&
		    has_word(line + 10, end, field))
			return true;
	return false;
}
