/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_migrate.c: blocks that move: handles keep their contents, what is pinned or held by someone
 * else stays, a move that fails leaves no trace, ranges make room, and compaction comes as close as
 * what cannot move allows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <quarry/errno.h>

#include "machine.h"
#include "mm/alloc/alloc.h"
#include "mm/buddy/buddy.h"
#include "mm/free_map.h"
#include "test/host/port_host.h"

#define BASE 0x80000000UL
#define MIB  (1UL << 20)
#define MOST (64 * 256)

static const struct layout small = {.name = "small", .bank = {{BASE, 64 * MIB}}, .caches = 1};
static mhandle_t handle[MOST];
static unsigned int handle_order[MOST];
static unsigned long nr_handles;
static uint64_t seed = 99;

static unsigned long below(unsigned long n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned long)(seed % n);
}

/* Each page of a handle's block says whose it is. */
static void write_handle(mhandle_t h, unsigned int order)
{
	char *at = mhandle_pin(h);

	assert_non_null(at);
	for (unsigned long i = 0; i < 1UL << order; i++) {
		*(uint64_t *)(void *)(at + i * PAGE_SIZE) = h * 1000003U + i;
		*(uint64_t *)(void *)(at + (i + 1) * PAGE_SIZE - 8) = ~(h * 1000003U + i);
	}
	assert_int_equal(0, mhandle_unpin(h));
}

static void verify_handle(mhandle_t h, unsigned int order)
{
	char *at = mhandle_pin(h);

	assert_non_null(at);
	for (unsigned long i = 0; i < 1UL << order; i++) {
		assert_int_equal(h * 1000003U + i, *(uint64_t *)(void *)(at + i * PAGE_SIZE));
		assert_int_equal(~(h * 1000003U + i),
				 *(uint64_t *)(void *)(at + (i + 1) * PAGE_SIZE - 8));
	}
	assert_int_equal(0, mhandle_unpin(h));
}

static bool add_handle(unsigned int order)
{
	mhandle_t h = mhandle_alloc(PAGE_SIZE << order, GFP_KERNEL | __GFP_NOWARN);

	if (!h)
		return false;
	write_handle(h, order);
	handle[nr_handles] = h;
	handle_order[nr_handles++] = order;
	return true;
}

static void drop_handle(unsigned long i)
{
	assert_int_equal(0, mhandle_free(handle[i]));
	handle[i] = handle[--nr_handles];
	handle_order[i] = handle_order[nr_handles];
}

static void verify_all(void)
{
	for (unsigned long i = 0; i < nr_handles; i++)
		verify_handle(handle[i], handle_order[i]);
}

static void start(void)
{
	mhandle_forget();
	nr_handles = 0;
	machine_start(&small);
}

static void handles(void **state)
{
	mhandle_t h;

	(void)state;
	start();
	assert_int_equal(0, mhandle_alloc(0, GFP_KERNEL));
	assert_int_equal(0, mhandle_alloc((PAGE_SIZE << (pageblock_order - 1)) + 1, GFP_KERNEL));
	assert_null(mhandle_pin(0));
	assert_null(mhandle_pin(12345678));
	assert_int_equal(-EINVAL, mhandle_unpin(77));
	assert_int_equal(-EINVAL, mhandle_free(0));
	h = mhandle_alloc(5000, GFP_KERNEL);
	assert_true(h != 0);
	assert_int_equal(-EINVAL, mhandle_unpin(h));
	assert_ptr_equal(mhandle_pin(h), mhandle_pin(h));
	assert_int_equal(-EBUSY, mhandle_free(h));
	assert_int_equal(0, mhandle_unpin(h));
	assert_int_equal(-EBUSY, mhandle_free(h));
	assert_int_equal(0, mhandle_unpin(h));
	assert_int_equal(0, mhandle_free(h));
	assert_int_equal(-EINVAL, mhandle_free(h));
	assert_null(mhandle_pin(h));
	for (int i = 0; i < 3000; i++) {
		if (nr_handles && below(3) == 0)
			drop_handle(below(nr_handles));
		else
			add_handle((unsigned int)below(4));
	}
	verify_all();
	while (nr_handles)
		drop_handle(0);
	assert_int_equal(0, mm_check());
	machine_drop();
}

static pfn_t frame_of(mhandle_t h)
{
	pfn_t pfn = page_to_pfn(virt_to_page(mhandle_pin(h)));

	assert_int_equal(0, mhandle_unpin(h));
	return pfn;
}

static phys_addr_t place_of(mhandle_t h)
{
	phys_addr_t place = virt_to_phys(mhandle_pin(h));

	assert_int_equal(0, mhandle_unpin(h));
	return place;
}

/* What was asked for with __GFP_DMA32 stays below 4 GiB, though there is room above; others go there. */
static void handles_stay_low(void **state)
{
	static const struct layout both = {
		.name = "both", .bank = {{0x100000000 - 12 * MIB, 28 * MIB}}, .caches = 1};

	(void)state;
	for (unsigned int low = 0; low < 2; low++) {
		gfp_t gfp = GFP_KERNEL | (low ? __GFP_DMA32 : 0);
		struct page *first;
		mhandle_t h;
		pfn_t pfn;

		mhandle_forget();
		machine_start(&both);
		/* what is above is taken while it is allocated, and free again when it moves */
		first = alloc_contig_pages(14 * MIB / PAGE_SIZE, GFP_KERNEL);
		assert_non_null(first);
		h = mhandle_alloc(PAGE_SIZE, gfp);
		while (!low && place_of(h) >= 0x100000000) {
			assert_true(add_handle(0));
			h = handle[nr_handles - 1];
		}
		assert_true(place_of(h) < 0x100000000);
		assert_int_equal(0, free_contig_range(page_to_pfn(first), 14 * MIB / PAGE_SIZE));
		write_handle(h, 0);
		pfn = PFN_DOWN(place_of(h));
		assert_int_equal(low ? -EBUSY : 0, alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE,
								      GFP_KERNEL | __GFP_NOWARN));
		assert_int_equal(low, place_of(h) < 0x100000000);
		verify_handle(h, 0);
		assert_int_equal(0, mm_check());
		machine_drop();
		nr_handles = 0;
	}
}

/* A range where handles lie: they go elsewhere with their contents, but for a pinned one. */
static void ranges_make_room(void **state)
{
	struct mm_migrate_stats before, after;
	pfn_t start_pfn, pinned;
	uint64_t hash;
	char text[64];

	(void)state;
	start();
	port_host_log_hook = port_host_capture;
	for (int i = 0; i < 4000; i++)
		assert_true(add_handle(i % 16 ? 0 : 2));
	start_pfn = ALIGN_DOWN(frame_of(handle[1000]), pageblock_nr_pages) + 7;
	mm_migrate_stats(&before);
	assert_int_equal(
		0, alloc_contig_range(start_pfn, start_pfn + 700, MIGRATE_MOVABLE, GFP_KERNEL));
	mm_migrate_stats(&after);
	assert_true(after.moved >= before.moved + 400);
	assert_int_equal(0, mm_check());
	verify_all();
	memset(page_address(pfn_to_page(start_pfn)), 0xaa, 700 * PAGE_SIZE);
	verify_all();
	assert_int_equal(0, free_contig_range(start_pfn, 700));

	/* pinned */
	pinned = frame_of(handle[2000]);
	(void)mhandle_pin(handle[2000]);
	hash = mm_state_hash();
	port_host_log_clear();
	assert_int_equal(-EBUSY,
			 alloc_contig_range(pinned, pinned + 1, MIGRATE_MOVABLE, GFP_KERNEL));
	snprintf(text, sizeof(text), "page 0x%llx is in use", (unsigned long long)PFN_PHYS(pinned));
	assert_non_null(strstr(port_host_log_text, text));
	assert_int_equal(0, mm_check());
	drain_all_pages();
	(void)hash;
	assert_int_equal(0, mhandle_unpin(handle[2000]));
	assert_int_equal(0, alloc_contig_range(pinned, pinned + 1, MIGRATE_MOVABLE, GFP_KERNEL));
	assert_true(frame_of(handle[2000]) != pinned);
	assert_int_equal(0, free_contig_range(pinned, 1));

	/* somebody else holds it */
	pinned = frame_of(handle[2500]);
	get_page(pfn_to_page(pinned));
	assert_int_equal(-EBUSY, alloc_contig_range(pinned, pinned + 1, MIGRATE_MOVABLE,
						    GFP_KERNEL | __GFP_NOWARN));
	put_page(pfn_to_page(pinned));
	/* who may not wait moves nothing */
	assert_int_equal(-EBUSY, alloc_contig_range(pinned, pinned + 1, MIGRATE_MOVABLE,
						    GFP_ATOMIC | __GFP_NOWARN));
	assert_int_equal(0, alloc_contig_range(pinned, pinned + 1, MIGRATE_MOVABLE, GFP_KERNEL));
	assert_int_equal(0, free_contig_range(pinned, 1));
	verify_all();
	while (nr_handles)
		drop_handle(0);
	assert_int_equal(0, mm_check());
	machine_drop();
	port_host_log_hook = NULL;
}

/* ---- an owner that says no, at each step ----------------------------------------------------- */

static int refuse_at, put_back;

#define OTHER_ORDER (pageblock_order << PAGE_ORDER_SHIFT)

/* At 3 it is another block, which does not move, by the time its owner is asked. */
static bool stub_isolate(struct page *page)
{
	if (refuse_at == 3)
		page->word |= OTHER_ORDER;
	return refuse_at != 1;
}

static int stub_migrate(struct page *dst, struct page *src)
{
	assert_int_equal(1, page_count(dst));
	assert_int_equal(movable_note(src), movable_note(dst));
	return refuse_at == 2 ? -EAGAIN : 0;
}

static void stub_putback(struct page *page)
{
	assert_int_equal(1, page_count(page)); /* as it was */
	put_back++;
	if (refuse_at == 3)
		page->word &= ~(uint32_t)OTHER_ORDER;
}

static const struct movable_operations stub = {
	.holders = 1,
	.isolate_page = stub_isolate,
	.migrate_page = stub_migrate,
	.putback_page = stub_putback,
};

static void owner_says_no(void **state)
{
	static const struct movable_operations none = {.holders = 1, .isolate_page = stub_isolate};
	struct page *page;
	uint64_t raw;
	int number;
	pfn_t pfn;

	(void)state;
	start();
	assert_int_equal(-EINVAL, mm_register_movable(&none));
	number = mm_register_movable(&stub);
	assert_true(number > 0);
	page = alloc_page(GFP_KERNEL | __GFP_MOVABLE);
	pfn = page_to_pfn(page);
	assert_int_equal(-EBUSY, alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE,
						    GFP_KERNEL | __GFP_NOWARN));
	set_page_movable(page, number, 4711);
	raw = page->raw;
	for (refuse_at = 1; refuse_at <= 3; refuse_at++) {
		put_back = 0;
		assert_int_equal(-EBUSY, alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE,
							    GFP_KERNEL | __GFP_NOWARN));
		assert_int_equal(raw, page->raw);
		assert_int_equal(refuse_at >= 2, put_back > 0);
		assert_int_equal(0, mm_check());
	}
	assert_int_equal(0, alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE, GFP_KERNEL));
	assert_int_equal(0, mm_check());
	machine_drop();
}

/* ---- compaction ------------------------------------------------------------------------------ */

static unsigned long whole_blocks(void)
{
	unsigned long whole = 0;

	for (uint32_t s = 0; s < mm.nr_spans; s++) {
		for (unsigned long n = mm.spans[s].first * 2UL; n < mm.spans[s].opened * 2UL; n++)
			whole += mm.pageblocks[n].nr_free == pageblock_nr_pages;
		whole += (mm.spans[s].end - mm.spans[s].opened) * 2UL;
	}
	return whole;
}

static void compaction(void **state)
{
	static struct page *fixed[600];
	static bool has_fixed[32];

	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		const unsigned int left = 50 - 20 * round; /* per cent of the pool */
		unsigned long before, after, blocks = 0, fixed_blocks = 0, pages, most,
					     nr_fixed = 0;

		start();
		drain_all_pages();
		before = whole_blocks();
		while (add_handle(below(20) ? 0 : 3))
			;
		while (nr_handles * 100 > MOST * left)
			drop_handle(below(nr_handles));
		/* pages that cannot move, in holes among them, in a few pageblocks */
		while (nr_fixed < 600 && (fixed[nr_fixed] = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
			nr_fixed++;
		memset(has_fixed, 0, sizeof(has_fixed));
		for (unsigned long i = 0; i < nr_fixed; i++)
			has_fixed[(page_to_pfn(fixed[i]) - PFN_DOWN(BASE)) / pageblock_nr_pages] =
				true;
		for (int i = 0; i < 32; i++)
			fixed_blocks += has_fixed[i];
		assert_true(compact_memory() > 100);
		assert_int_equal(0, mm_check());
		verify_all();
		drain_all_pages();
		after = whole_blocks();
		pages = nr_fixed;
		for (unsigned long i = 0; i < nr_handles; i++)
			pages += 1UL << handle_order[i];
		blocks = (pages + pageblock_nr_pages - 1) / pageblock_nr_pages;
		if (blocks < fixed_blocks)
			blocks = fixed_blocks;
		most = before > blocks ? before - blocks : 0;
		assert_true(after + 2 >= most);
		/* nothing is left to do */
		compact_memory();
		assert_int_equal(0, mm_check());
		drain_all_pages();
		assert_true(whole_blocks() >= after);
		while (nr_fixed)
			assert_int_equal(0, __free_page(fixed[--nr_fixed]));
		while (nr_handles)
			drop_handle(0);
		machine_drop();
	}
}

/* ---- no number is left ------------------------------------------------------------------------ */

static bool never(struct page *page)
{
	(void)page;
	return false;
}

static int never_moves(struct page *dst, struct page *src)
{
	(void)dst;
	(void)src;
	return -EBUSY;
}

static void nothing(struct page *page)
{
	(void)page;
}

static uint64_t free_pages_now(void)
{
	struct zone_info info;
	uint64_t free = 0;

	drain_all_pages();
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		free += info.free;
	}
	return free;
}

/* In a process of its own: a number is never given back. */
static void all_numbers_taken(void **state)
{
	static const struct movable_operations others = {1, never, never_moves, nothing};
	int status = -1;
	pid_t child;

	(void)state;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		uint64_t free;

		start();
		while (mm_register_movable(&others) > 0)
			;
		free = free_pages_now();
		_exit(mhandle_alloc(100, GFP_KERNEL | __GFP_NOWARN) || free != free_pages_now());
	}
	assert_true(child > 0);
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_int_equal(0, status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_numbers_taken), /* first: no handle has taken one */
		cmocka_unit_test(handles),	     cmocka_unit_test(handles_stay_low),
		cmocka_unit_test(ranges_make_room),  cmocka_unit_test(owner_says_no),
		cmocka_unit_test(compaction),
	};

	return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
