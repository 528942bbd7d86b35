/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_campaign_moves.c: the campaign of failures (test_campaign.c) for what moves pages: direct
 * compaction, ranges, areas, handles, blocks that go offline and come back, compaction on demand and
 * ahead. Each place where a step can fail is failed, the owner's callbacks among them. After a
 * refusal all but the places of movable pages must be as it was: mm_state_hash_moved(); the same after
 * what was served is given back. Contents have to follow their pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/errno.h>
#include <quarry/memblock.h>

#include "campaign.h"
#include "machine.h"
#include "mm/alloc/alloc.h"
#include "mm/buddy/buddy.h"
#include "mm/debug/hooks.h"
#include "mm/state.h"
#include "test/host/port_host.h"

#define BASE  0x80000000UL
#define MIB   (1UL << 20)
#define AREA  (BASE + 8 * MIB)	/* 4 MiB, of devices */
#define HOT   (BASE + 12 * MIB) /* 8 MiB that may go */
#define PAGES (24 * 256)
#define BLOCK SECTION_PAGES

/* ---- the owner of what moves ----------------------------------------------------------------- */

static struct moving {
	struct page *page; /* NULL: none */
	unsigned int order;
} block[PAGES], kept[PAGES];
static unsigned long nr_blocks, in_flight, moves;
static int number;
static struct page *fixed[PAGES];
static unsigned long nr_fixed;
static struct cma *area;

static bool isolate_page(struct page *page)
{
	if (campaign_fault.at && fail_here(__func__, __LINE__))
		return false;
	assert_ptr_equal(page, block[movable_note(page)].page);
	in_flight++;
	return true;
}

static int migrate_page(struct page *dst, struct page *src)
{
	struct moving *moving = &block[movable_note(src)];

	assert_ptr_equal(src, moving->page);
	memcpy(page_address(dst), page_address(src), PAGE_SIZE << moving->order);
	if (campaign_fault.at && fail_here(__func__, __LINE__))
		return -EAGAIN;
	moving->page = dst;
	in_flight--;
	moves++;
	return 0;
}

static void putback_page(struct page *page)
{
	assert_ptr_equal(page, block[movable_note(page)].page);
	in_flight--;
}

static const struct movable_operations owner = {.holders = 1,
						.isolate_page = isolate_page,
						.migrate_page = migrate_page,
						.putback_page = putback_page};

static uint64_t *word_of(unsigned long n, unsigned long page, bool last)
{
	return (uint64_t *)page_address(block[n].page + page) + (last ? 511 : 0);
}

static void write_all(void)
{
	for (unsigned long n = 0; n < nr_blocks; n++)
		for (unsigned long i = 0; block[n].page && i >> block[n].order == 0; i++) {
			*word_of(n, i, false) = n << 16 | i;
			*word_of(n, i, true) = ~(n << 16 | i);
		}
}

static bool verify_all(void)
{
	for (unsigned long n = 0; n < nr_blocks; n++)
		for (unsigned long i = 0; block[n].page && i >> block[n].order == 0; i++)
			if (*word_of(n, i, false) != (n << 16 | i) ||
			    *word_of(n, i, true) != ~(n << 16 | i) ||
			    (!i && movable_note(block[n].page) != n))
				return false;
	return in_flight == 0;
}

static bool add(unsigned int order)
{
	struct page *page =
		alloc_pages(GFP_NOWAIT | __GFP_MOVABLE | __GFP_MEMALLOC | __GFP_NOWARN, order);

	if (!page)
		return false;
	block[nr_blocks] = (struct moving){page, order};
	set_page_movable(page, number, (uint32_t)nr_blocks++);
	return true;
}

static void drop(unsigned long n)
{
	clear_page_movable(block[n].page);
	assert_int_equal(0, __free_pages(block[n].page, block[n].order));
	block[n].page = NULL;
}

static bool add_fixed(void)
{
	return (fixed[nr_fixed] = alloc_page(GFP_NOWAIT | __GFP_NOWARN)) && ++nr_fixed;
}

/* ---- states ---------------------------------------------------------------------------------- */

/* Single pages that move, as many as there are, the area too; of each eight `left` stay. */
static void fill(unsigned long left)
{
	while (add(0))
		;
	for (unsigned long n = 0; n < nr_blocks; n++)
		if (page_to_pfn(block[n].page) % 8 >= left)
			drop(n);
	drain_all_pages();
}

static void state_half(void)
{
	fill(4);
}

/* Nothing has anywhere to go but the caches. */
static void state_full(void)
{
	fill(8);
	for (unsigned long n = 5; n < 40; n += 7)
		drop(n);
}

/* Blocks of several orders between pages that do not move, on two CPUs, some held by others too. */
static void state_between(void)
{
	struct mm_pcpu *self = port_pcpu();
	uint64_t seed = 5;

	start_other_cpu();
	while (add((unsigned int)(host_random(&seed) % 4)))
		if (host_random(&seed) % 16 == 0)
			add_fixed();
	for (unsigned long n = 0; n < nr_blocks; n++) {
		port_set_pcpu(host_random(&seed) % 8 ? self : &second_cpu);
		if (host_random(&seed) % 2)
			drop(n);
		else if (n % 32 == 0)
			get_page(block[n].page);
	}
	port_set_pcpu(self);
}

/* As after boot: few pages, in their caches and out of them. */
static void state_new(void)
{
	for (int i = 0; i < 100; i++)
		add(i % 8 == 0);
	for (unsigned long n = 0; n < 100; n += 3)
		drop(n);
}

static const struct {
	const char *name;
	void (*make)(void);
} moving_states[] = {
	{"half", state_half}, {"full", state_full}, {"between", state_between}, {"new", state_new}};

static void name_ranges(void)
{
	assert_int_equal(0, hotplug_declare(HOT, 8 * MIB));
}

static void begin(unsigned int state)
{
	static const struct layout layout = {.name = "moves",
					     .bank = {{BASE, 24 * MIB}},
					     .reserved = {{BASE, 2 * MIB}, {AREA, 4 * MIB}},
					     .caches = 1};

	port_host_log_hook = port_host_quiet;
	hotplug_forget();
	mhandle_forget();
	cma_forget();
	machine_named = name_ranges;
	machine_start(&layout);
	assert_int_equal(0, cma_init_reserved_mem(AREA, 4 * MIB, "video", &area));
	assert_int_equal(1, cma_init_reserved_areas());
	assert_int_equal(1, hotplug_init_ranges());
	if (!number)
		number = mm_register_movable(&owner);
	assert_true(number > 0);
	nr_blocks = nr_fixed = in_flight = 0;
	moving_states[state].make();
	memcpy(kept, block, sizeof(kept));
	keep_all();
}

static void end(void)
{
	keep_none();
	port_host_kick = NULL;
	mm.pcpu[1] = NULL;
	machine_drop();
	machine_named = NULL;
	port_host_log_hook = NULL;
}

/* ---- requests: true if refused; what is served is given back ------------------------------------ */

typedef bool request_fn(gfp_t gfp, unsigned long size);

static bool request_pages(gfp_t gfp, unsigned long order)
{
	struct page *page = alloc_pages(gfp, (unsigned int)order);

	if (page)
		assert_int_equal(0, __free_pages(page, (unsigned int)order));
	return !page;
}

/* Across the border of two pageblocks, of two sections, of an area, in what may go offline. */
static bool request_range(gfp_t gfp, unsigned long pages)
{
	static const unsigned long at[] = {6 * MIB - 5 * PAGE_SIZE, 13 * MIB, 4 * MIB};
	pfn_t pfn = PFN_DOWN(BASE + at[pages % 3]);

	if (alloc_contig_range(pfn, pfn + pages, MIGRATE_MOVABLE, gfp) != 0)
		return true;
	assert_int_equal(0, free_contig_range(pfn, pages));
	return false;
}

static bool request_contig(gfp_t gfp, unsigned long pages)
{
	struct page *page = alloc_contig_pages(pages, gfp);

	if (page)
		assert_int_equal(0, free_contig_range(page_to_pfn(page), pages));
	return !page;
}

static bool request_area(gfp_t gfp, unsigned long pages)
{
	struct page *page = cma_alloc(area, pages, pages > 500 ? 9 : 0, true);

	(void)gfp;
	if (page)
		assert_true(cma_release(area, page, pages));
	return !page;
}

static bool request_handle(gfp_t gfp, unsigned long order)
{
	mhandle_t handle = mhandle_alloc(PAGE_SIZE << order, gfp);

	if (handle)
		assert_int_equal(0, mhandle_free(handle));
	return !handle;
}

/* One that was refused leaves it online, and one that cannot come back leaves it offline: once more, then. */
static bool request_offline(gfp_t gfp, unsigned long blocks)
{
	const pfn_t pfn = PFN_DOWN(HOT);
	int error;

	(void)gfp;
	if (offline_pages(pfn, blocks * BLOCK) != 0) {
		assert_int_equal(MEM_ONLINE, memory_block_state(HOT));
		return true;
	}
	assert_int_equal(MEM_OFFLINE, memory_block_state(HOT));
	for (int tries = 0; (error = online_pages(pfn, blocks * BLOCK)) != 0; tries++) {
		assert_int_equal(-ENOMEM, error);
		assert_int_equal(MEM_OFFLINE, memory_block_state(HOT));
		assert_int_equal(0, mm_check());
		campaign_fault.at = 0;
		assert_int_equal(0, tries);
	}
	return false;
}

static bool request_compact(gfp_t gfp, unsigned long unused)
{
	(void)gfp;
	(void)unused;
	compact_memory();
	return true;
}

static bool request_balance(gfp_t gfp, unsigned long unused)
{
	(void)gfp;
	(void)unused;
	mm.compaction.skip = 0;
	mm_balance();
	return true;
}

/* ---- the campaign ---------------------------------------------------------------------------- */

struct outside { /* of mm/'s metadata */
	phys_addr_t memory, reserved;
	unsigned long regions;
};

static struct outside look_outside(void)
{
	return (struct outside){memblock.memory.total_size, memblock.reserved.total_size,
				memblock.memory.cnt << 16 | memblock.reserved.cnt};
}

static bool try_place(request_fn *request, gfp_t gfp, unsigned long size)
{
	uint64_t before = mm_state_hash_moved();
	struct outside outside = look_outside(), now;
	bool refused;

	campaign_fault.seen = 0;
	mm_fault_point = fail_here;
	refused = request(gfp, size);
	mm_fault_point = NULL;
	assert_int_equal(0, mm_fault_certain);
	now = look_outside();
	campaign_total.tries++;
	campaign_total.refused += refused;
	if (campaign_fault.seen > campaign_total.most)
		campaign_total.most = campaign_fault.seen;
	return mm_state_hash_moved() == before && !mm_check() && verify_all() &&
	       !memcmp(&outside, &now, sizeof(now));
}

static void restore(void)
{
	put_back();
	memcpy(block, kept, sizeof(kept));
	write_all();
}

/* Place 1, 2, 3, .., and of the many that follow, where one page moves like another, ever fewer. */
static void try_all_places(unsigned int state, request_fn *request, gfp_t gfp, unsigned long size)
{
	for (int all = 0; all < 2; all++) {
		for (unsigned int n = 1;; n += 1 + n / 8) {
			restore();
			campaign_fault.at = n;
			campaign_fault.and_all_after = all;
			if (!try_place(request, gfp, size)) {
				campaign_total.differences++;
				print_error("%s: gfp 0x%x size %lu: place %u%s left a difference\n",
					    moving_states[state].name, (unsigned int)gfp, size, n,
					    all ? " and all after" : "");
			}
			if (campaign_fault.seen < n)
				break;
		}
	}
	campaign_fault.at = 0;
}

static void in_every_state(const char *what, request_fn *request, const gfp_t gfp[],
			   unsigned int nr_gfp, const unsigned long sizes[], unsigned int nr_sizes)
{
	unsigned long before = moves;

	for (unsigned int s = 0; s < sizeof(moving_states) / sizeof(moving_states[0]); s++) {
		begin(s);
		for (unsigned int k = 0; k < nr_gfp; k++)
			for (unsigned int i = 0; i < nr_sizes; i++)
				try_all_places(s, request, gfp[k] | __GFP_NOWARN, sizes[i]);
		end();
	}
	print_message("# %lu blocks moved\n", moves - before);
	assert_true(moves > before);
	campaign_finish(what);
}

static const gfp_t waits[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE,
			      GFP_KERNEL | __GFP_RETRY_MAYFAIL, GFP_KERNEL | __GFP_NORETRY};

static void campaign_direct(void **state)
{
	static const unsigned long orders[] = {1, 3, 5, 9, 10};

	(void)state;
	in_every_state("direct compaction", request_pages, waits, 4, orders, 5);
}

static void campaign_range(void **state)
{
	static const unsigned long pages[] = {60, 301, 1025};

	(void)state;
	in_every_state("alloc_contig_range", request_range, waits, 1, pages, 3);
}

static void campaign_contig(void **state)
{
	static const unsigned long pages[] = {5, 300, 700};

	(void)state;
	in_every_state("alloc_contig_pages", request_contig, waits, 1, pages, 3);
}

static void campaign_area(void **state)
{
	static const unsigned long pages[] = {10, 512};

	(void)state;
	in_every_state("cma_alloc", request_area, waits, 1, pages, 2);
}

static void campaign_handle(void **state)
{
	static const unsigned long orders[] = {0, 2, 7};

	(void)state;
	in_every_state("mhandle_alloc", request_handle, waits, 2, orders, 3);
}

static void campaign_offline(void **state)
{
	static const unsigned long blocks[] = {1, 2};

	(void)state;
	in_every_state("offline_pages, online_pages", request_offline, waits, 1, blocks, 2);
}

static void campaign_compact(void **state)
{
	static const unsigned long none[] = {0};

	(void)state;
	in_every_state("compact_memory", request_compact, waits, 1, none, 1);
	in_every_state("mm_balance", request_balance, waits, 1, none, 1);
}

/*
 * The table of handles is full: the next one needs a page for it, and a block. What is served goes back, but for
 * the table's page.
 */
static void campaign_last_handle(void **state)
{
	static mhandle_t handle[PAGE_SIZE / 16 - 1];
	const unsigned long n = sizeof(handle) / sizeof(handle[0]);

	(void)state;
	for (int all = 0; all < 2; all++) {
		unsigned long refused;

		begin(3);
		for (unsigned long i = 0; i < n; i++)
			assert_true((handle[i] = mhandle_alloc(PAGE_SIZE, GFP_KERNEL)) != 0);
		write_all();
		campaign_fault.and_all_after = all;
		campaign_fault.at = 0;
		do {
			bool same;

			campaign_fault.at++;
			refused = campaign_total.refused;
			same = try_place(request_handle, GFP_KERNEL | __GFP_NOWARN, 3);
			assert_int_equal(same, campaign_total.refused > refused);
		} while (campaign_total.refused > refused);
		for (unsigned long i = 0; i < n; i++)
			assert_int_equal(0, mhandle_free(handle[i]));
		assert_int_equal(0, mm_check());
		end();
	}
	assert_true(campaign_total.refused > 2);
	campaign_fault.at = 0;
	campaign_finish("mhandle_alloc with a full table");
}

/* Ranges that are named at boot. */
static void campaign_declare(void **state)
{
	(void)state;
	memblock_init();
	assert_non_null(host_ram_map(BASE, 64 * MIB));
	assert_int_equal(0, memblock_add(BASE, 32 * MIB));
	for (int present = 0; present < 2; present++) {
		for (campaign_fault.at = 1;; campaign_fault.at++) {
			struct outside before = look_outside(), now;
			int error;

			hotplug_forget();
			campaign_fault.seen = 0;
			mm_fault_point = fail_here;
			error = hotplug_declare(BASE + (present ? 16 : 32) * MIB, 8 * MIB);
			mm_fault_point = NULL;
			now = look_outside();
			campaign_total.tries++;
			campaign_total.refused += error != 0;
			campaign_total.most = campaign_fault.seen;
			if (!error)
				break;
			assert_int_equal(-ENOMEM, error);
			assert_memory_equal(&before, &now, sizeof(now));
		}
		assert_int_equal(present ? 3 : 4, campaign_fault.at);
	}
	campaign_finish("hotplug_declare");
	campaign_fault.at = 0;
	hotplug_forget();
	host_ram_unmap();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(campaign_direct),  cmocka_unit_test(campaign_range),
		cmocka_unit_test(campaign_contig),  cmocka_unit_test(campaign_area),
		cmocka_unit_test(campaign_handle),  cmocka_unit_test(campaign_last_handle),
		cmocka_unit_test(campaign_offline), cmocka_unit_test(campaign_compact),
		cmocka_unit_test(campaign_declare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
