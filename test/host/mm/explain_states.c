/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain_states.c: random states of a machine's pool, for test_explain.c: squeezed to a few pages
 * in pieces, with HIGHATOMIC pageblocks, with blocks in the caches of either CPU, with marks near
 * what is free.
 */
#include "explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "mm/state.h"
#include "test/host/port_host.h"

#define MAX_HELD 16384

uint64_t explain_seed;

unsigned int draw(unsigned int n)
{
	return (unsigned int)(host_random(&explain_seed) >> 20) % n;
}

static struct {
	struct page *page;
	unsigned int order;
} held[MAX_HELD];
static unsigned int nr_held;

void keep_block(struct page *page, unsigned int order)
{
	if (page && nr_held < MAX_HELD) {
		held[nr_held].page = page;
		held[nr_held++].order = order;
	} else if (page) {
		assert_int_equal(0, __free_pages(page, order));
	}
}

/* On either CPU, if there are two: the block lies in that one's cache then. */
static void give(unsigned int n)
{
	struct mm_pcpu *self = port_pcpu();

	if (mm.pcpu[1] && draw(2))
		port_set_pcpu(mm.pcpu[1]);
	assert_int_equal(0, __free_pages(held[n].page, held[n].order));
	port_set_pcpu(self);
	held[n] = held[--nr_held];
}

gfp_t draw_gfp(void)
{
	static const gfp_t base[] = {GFP_KERNEL, GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT};
	static const gfp_t mobility[] = {0, 0, __GFP_MOVABLE, __GFP_RECLAIMABLE};
	static const gfp_t more[] = {__GFP_DMA32,	 __GFP_ZERO,	__GFP_COMP,
				     __GFP_THISNODE,	 __GFP_HIGH,	__GFP_MEMALLOC,
				     __GFP_NOMEMALLOC,	 __GFP_NORETRY, __GFP_NOFAIL,
				     __GFP_RETRY_MAYFAIL};
	gfp_t gfp = base[draw(4)] | mobility[draw(4)];

	while (draw(2))
		gfp |= more[draw(sizeof(more) / sizeof(more[0]))];
	return gfp;
}

unsigned int draw_order(void)
{
	return draw(2) ? draw(4) : draw(NR_PAGE_ORDERS);
}

void free_kept(void)
{
	while (nr_held)
		give(nr_held - 1);
}

static uint64_t pages_managed(void)
{
	return mm.zones[ZONE_DMA32].managed + mm.zones[ZONE_NORMAL].managed;
}

static uint64_t pages_free(void)
{
	return mm.zones[ZONE_DMA32].nr_free + mm.zones[ZONE_NORMAL].nr_free;
}

/* The marks near what is free, where they decide; or none. */
static void change_sysctl(void)
{
	uint64_t managed = pages_managed();

	switch (draw(4)) {
	case 0:
		/* the mark, a half or three eighths of it are near what is free */
		managed = (pages_free() * (3 + draw(2) * 3 + draw(2) * 2) / 3 + draw(64)) % managed;
		assert_int_equal(0, mm_set_min_free_kbytes(draw(4) ? managed * 4 : 0));
		break;
	case 1:
		assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, draw(3) * draw(9)));
		break;
	case 2:
		assert_int_equal(0, mm_set_watermark_scale_factor(1 + draw(100)));
		break;
	default:
		mm_set_pcp_high(draw(3) ? draw(200) : 0);
	}
}

/*
 * A HIGHATOMIC pageblock, if there is memory enough: free, cached by either CPU, or in part in use.
 */
void reserve_highatomic(void)
{
	gfp_t zone = draw(2) ? GFP_DMA32 : 0;

	for (unsigned int n = 1 + draw(3), order = 1 + draw(3); n--;) {
		unsigned int before = nr_held;

		keep_block(highatomic_block(zone, order), order);
		if (nr_held > before && draw(2))
			give(before);
	}
}

/* All but some pages are taken, or all but the HIGHATOMIC pageblocks; what is free is in pieces. */
static void squeeze(void)
{
	unsigned int order = draw(4), left = draw(2) ? draw(200) : draw(3);
	gfp_t gfp = draw(2) ? GFP_KERNEL : GFP_KERNEL | __GFP_MOVABLE;
	struct page *page;

	if (draw(2)) { /* from the start */
		free_kept();
		for (unsigned int n = draw(3); n--;)
			reserve_highatomic();
	}
	if (draw(2)) {
		gfp |= __GFP_NORETRY;
		assert_int_equal(0, mm_set_min_free_kbytes(0));
	} else {
		gfp |= __GFP_MEMALLOC;
	}
	for (bool singles = draw(2);; singles = false, order = 0) {
		while (nr_held < MAX_HELD && (page = alloc_pages(gfp | __GFP_NOWARN, order)))
			keep_block(page, order);
		if (!singles)
			break;
	}
	if (draw(2))
		drain_all_pages();
	/* the oldest may lie in HIGHATOMIC pageblocks */
	for (unsigned int n = draw(3); n-- && nr_held;)
		give(draw(nr_held < 6 ? nr_held : 6));
	while (nr_held && left--)
		give(draw(nr_held));
}

/* Two pages that would merge, one in each CPU's cache where there are two. */
static void give_neighbours(void)
{
	struct mm_pcpu *self = port_pcpu();
	unsigned int n, other;
	pfn_t pfn;

	if (!nr_held || !mm.pcpu[1])
		return;
	n = draw(nr_held);
	pfn = page_to_pfn(held[n].page) ^ 1;
	for (other = 0; other < nr_held; other++)
		if (page_to_pfn(held[other].page) == pfn)
			break;
	if (other == nr_held || held[n].order || held[other].order)
		return;
	assert_int_equal(0, __free_page(held[n].page));
	port_set_pcpu(mm.pcpu[1]);
	assert_int_equal(0, __free_page(held[other].page));
	port_set_pcpu(self);
	/* the later one first: the last takes its place */
	held[n > other ? n : other] = held[nr_held - 1];
	held[n > other ? other : n] = held[nr_held - 2];
	nr_held -= 2;
}

void change_something(void)
{
	unsigned int n = 1 + draw(20), order;

	switch (draw(13)) {
	case 12:
	case 0:
		squeeze();
		break;
	case 1:
		reserve_highatomic();
		while (n--)
			give_neighbours();
		break;
	case 2:
		drain_all_pages();
		break;
	case 3:
	case 4:
		change_sysctl();
		break;
	case 5:
	case 6:
	case 7:
		while (n-- && nr_held)
			give(draw(nr_held));
		break;
	default:
		while (n--) {
			order = draw(4);
			keep_block(alloc_pages((draw_gfp() & ~__GFP_NOFAIL) | __GFP_NOWARN, order),
				   order);
		}
	}
}
