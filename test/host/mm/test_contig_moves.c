/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_contig_moves.c: alloc_contig_pages() and alloc_contig_range() among pages that move, in random
 * states, against a model that knows frames only: a range is had if and only if nothing in it has to stay
 * and what is in it has somewhere to go. A refusal changes nothing but places; contents follow their pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/errno.h>

#include "machine.h"
#include "mm/state.h"
#include "test/host/port_host.h"

#define MIB    (1UL << 20)
#define GIB    (1UL << 30)
#define PAGES  (64 * 256)
#define ROUNDS 36

static const struct layout boards[] = {
	{"one bank", 0, {{0x80000000, 32 * MIB}}, {{0x80a00000, MIB}}, 1},
	{"no caches", 0, {{0x80000000, 24 * MIB}}, {{0}}, 0},
	{"both zones", 0, {{4 * GIB - 12 * MIB, 28 * MIB}}, {{0}}, 1},
	{"odd banks",
	 0,
	 {{0x80003000, 13 * MIB + PAGE_SIZE}, {0x81200000, 9 * MIB}, {0x82001000, 4 * MIB}},
	 {{0x81280000, 3 * PAGE_SIZE}},
	 1},
};

static struct moving {
	struct page *page;
	unsigned int order;
	bool pinned;
} block[PAGES];
static struct page *fixed[PAGES];
static unsigned long nr_blocks, nr_fixed, in_flight;
static unsigned int orders; /* blocks that move are of these */
static int number;
static unsigned long leaves = PAGES; /* the block that is freed as soon as it is asked to move */
static uint64_t seed = 4242;

static unsigned long below(unsigned long n)
{
	return (unsigned long)(host_random(&seed) % n);
}

/* ---- the owner of what moves ----------------------------------------------------------------- */

static void drop(unsigned long n);

static bool isolate_page(struct page *page)
{
	assert_ptr_equal(page, block[movable_note(page)].page);
	assert_false(block[movable_note(page)].pinned);
	if (movable_note(page) == leaves) {
		drop(leaves);
		leaves = PAGES;
		return false;
	}
	in_flight++;
	return true;
}

static int migrate_page(struct page *dst, struct page *src)
{
	struct moving *moving = &block[movable_note(src)];

	memcpy(page_address(dst), page_address(src), PAGE_SIZE << moving->order);
	moving->page = dst;
	in_flight--;
	return 0;
}

static void putback_page(struct page *page)
{
	(void)page;
	in_flight--;
}

static const struct movable_operations owner = {.holders = 1,
						.isolate_page = isolate_page,
						.migrate_page = migrate_page,
						.putback_page = putback_page};

static uint64_t *word_of(unsigned long n, bool last)
{
	return (uint64_t *)page_address(block[n].page) +
	       (last ? (PAGE_SIZE << block[n].order) / sizeof(uint64_t) - 1 : 0);
}

static void write_block(unsigned long n)
{
	set_page_movable(block[n].page, number, (uint32_t)n);
	*word_of(n, false) = n;
	*word_of(n, true) = ~n;
}

static void verify(void)
{
	assert_int_equal(0, mm_check());
	assert_int_equal(0, in_flight);
	for (unsigned long n = 0; n < nr_blocks; n++) {
		assert_int_equal(n, movable_note(block[n].page));
		assert_int_equal(n, *word_of(n, false));
		assert_int_equal(~n, *word_of(n, true));
	}
}

static bool add(void)
{
	unsigned int order = (unsigned int)below(orders);
	struct page *page =
		alloc_pages(GFP_NOWAIT | __GFP_MOVABLE | __GFP_MEMALLOC | __GFP_NOWARN, order);

	if (!page || nr_blocks == PAGES)
		return false;
	block[nr_blocks] = (struct moving){page, order, false};
	write_block(nr_blocks++);
	return true;
}

static void drop(unsigned long n)
{
	if (block[n].pinned)
		assert_int_equal(0, put_page(block[n].page));
	clear_page_movable(block[n].page);
	assert_int_equal(0, __free_pages(block[n].page, block[n].order));
	block[n] = block[--nr_blocks];
	if (n < nr_blocks)
		write_block(n);
}

static void pin(unsigned long n)
{
	if (!block[n].pinned)
		get_page(block[n].page);
	block[n].pinned = true;
}

/* ---- states ---------------------------------------------------------------------------------- */

/*
 * All memory is taken, by single pages that move or do not; then some are free again, in part in caches:
 * so many per cent of each kind stay.
 */
static void fill(unsigned long fixed_percent, unsigned long left, unsigned long fixed_left)
{
	nr_blocks = nr_fixed = 0;
	for (;;) {
		struct page *page;

		if (below(100) >= fixed_percent) {
			if (!add())
				break;
			continue;
		}
		page = alloc_page(GFP_NOWAIT | __GFP_MEMALLOC | __GFP_NOWARN);
		if (!page)
			break;
		fixed[nr_fixed++] = page;
	}
	while (add())
		;
	for (unsigned long n = nr_blocks; n--;)
		if (below(100) >= left)
			drop(below(nr_blocks));
	for (unsigned long n = nr_fixed; n--;)
		if (below(100) >= fixed_left) {
			assert_int_equal(0, __free_page(fixed[n]));
			fixed[n] = fixed[--nr_fixed];
		}
}

static void empty(void)
{
	while (nr_blocks)
		drop(nr_blocks - 1);
	while (nr_fixed)
		assert_int_equal(0, __free_page(fixed[--nr_fixed]));
}

/* ---- the model ------------------------------------------------------------------------------- */

enum place {
	PLACE_FREE,
	PLACE_MOVES,
	PLACE_STAYS
};
static unsigned char *place; /* of each frame of the machine */
static unsigned long model_free;

static void look(void)
{
	unsigned long nr = (unsigned long)(machine.end - machine.first);

	place = realloc(place, nr);
	assert_non_null(place);
	model_free = 0;
	for (unsigned long n = 0; n < nr; n++)
		place[n] = machine.frame[n] == FRAME_FREE ? PLACE_FREE : PLACE_STAYS;
	for (unsigned long n = 0; n < nr_fixed; n++)
		place[page_to_pfn(fixed[n]) - machine.first] = PLACE_STAYS;
	for (unsigned long n = 0; n < nr_blocks; n++)
		memset(&place[page_to_pfn(block[n].page) - machine.first],
		       block[n].pinned ? PLACE_STAYS : PLACE_MOVES, 1UL << block[n].order);
	for (unsigned long n = 0; n < nr; n++)
		model_free += place[n] == PLACE_FREE;
}

/* Nothing of it stays, and what moves has as many free frames outside. */
static bool can_be_had(pfn_t start, unsigned long pages)
{
	unsigned long inside = 0, moves = 0;

	if (start < machine.first || start + pages > machine.end)
		return false;
	for (pfn_t pfn = start; pfn < start + pages; pfn++) {
		unsigned char what = place[pfn - machine.first];

		if (what == PLACE_STAYS)
			return false;
		inside += what == PLACE_FREE;
		moves += what == PLACE_MOVES;
	}
	return moves <= model_free - inside;
}

/*
 * Of the largest blocks that there are as many are free outside as blocks have to go: then they have
 * somewhere to go in whatever order they do. Of single pages these are as many.
 */
static bool is_roomy(pfn_t start, unsigned long pages)
{
	unsigned long size = 1UL << (orders - 1), room = 0, moves = 0;

	for (pfn_t at = ALIGN_UP(machine.first, size); at + size <= machine.end; at += size) {
		unsigned long n = 0;

		while (n < size && place[at + n - machine.first] == PLACE_FREE)
			n++;
		room += n == size && (at >= start + pages || at + size <= start);
	}
	for (unsigned long n = 0; n < nr_blocks; n++)
		moves += page_to_pfn(block[n].page) < start + pages &&
			 page_to_pfn(block[n].page) + (1UL << block[n].order) > start;
	return moves <= room;
}

/* In one zone, at a multiple of the power of two above its size, a pageblock at most. */
static bool some_can_be_had(unsigned long pages)
{
	unsigned long step = 1;

	while (step < pages && step < pageblock_nr_pages)
		step *= 2;
	for (pfn_t pfn = ALIGN_UP(machine.first, step); pfn + pages <= machine.end; pfn += step)
		if ((pfn < machine.boundary) == (pfn + pages - 1 < machine.boundary) &&
		    can_be_had(pfn, pages))
			return true;
	return false;
}

/* ---- requests -------------------------------------------------------------------------------- */

static unsigned long had, refused;

/* The range is the caller's: nothing else lies in it, now that pages have moved. */
static void use(pfn_t start, unsigned long pages)
{
	for (unsigned long n = 0; n < nr_blocks; n++)
		assert_true(page_to_pfn(block[n].page) >= start + pages ||
			    page_to_pfn(block[n].page) + (1UL << block[n].order) <= start);
	for (unsigned long n = 0; n < nr_fixed; n++)
		assert_false(page_to_pfn(fixed[n]) - start < pages);
	memset(page_address(pfn_to_page(start)), 0xaa, pages * PAGE_SIZE);
	verify();
	assert_int_equal(0, free_contig_range(start, pages));
	had++;
}

static void anywhere(unsigned long pages)
{
	uint64_t before = mm_state_hash_moved();
	struct page *page;
	bool can;

	look();
	can = some_can_be_had(pages);
	page = alloc_contig_pages(pages, GFP_KERNEL | __GFP_NOWARN);
	if (can != (page != NULL) && (page || orders == 1))
		fail_msg("%lu pages, %lu free: model %d", pages, model_free, can);
	if (page)
		use(page_to_pfn(page), pages);
	else
		refused++;
	assert_int_equal(before, mm_state_hash_moved());
}

static void at_an_address(unsigned long pages)
{
	uint64_t before = mm_state_hash_moved();
	pfn_t start = machine.first + below((unsigned long)(machine.end - machine.first));
	int error;
	bool can, roomy;

	look();
	can = pfn_to_index(start) != NIL32 && pfn_to_index(start + pages - 1) != NIL32 &&
	      can_be_had(start, pages);
	roomy = can && is_roomy(start, pages);
	error = alloc_contig_range(start, start + pages, MIGRATE_MOVABLE,
				   GFP_KERNEL | __GFP_NOWARN);
	if (can != !error && (!error || roomy))
		fail_msg("%lu pages at 0x%llx, %lu free: model %d, error %d", pages,
			 (unsigned long long)start, model_free, can, error);
	if (!error)
		use(start, pages);
	else
		refused++;
	assert_int_equal(before, mm_state_hash_moved());
}

static void random_states(void **state)
{
	static const unsigned long levels[] = {3, 40, 70, 90, 98, 100};
	static const unsigned long sizes[] = {1, 3, 64, 100, 512, 513, 700, 1024, 1500, 2048, 4096};

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		machine_start(&boards[round % 4]);
		orders = round % 3 ? 1 : 4;
		fill((unsigned long[]){0, 0, 1, 10}[below(4)], levels[below(6)],
		     (unsigned long[]){5, 50, 100}[below(3)]);
		for (unsigned int i = 0; i < 12; i++) {
			unsigned long pages = sizes[below(sizeof(sizes) / sizeof(sizes[0]))];

			if (below(4) == 0)
				drain_all_pages();
			if (nr_blocks && below(3) == 0)
				pin(below(nr_blocks));
			if (nr_blocks && below(2) == 0)
				drop(below(nr_blocks));
			if (below(2))
				anywhere(pages);
			else
				at_an_address(pages);
		}
		verify();
		empty();
		assert_int_equal(0, mm_check());
		machine_drop();
	}
	print_message("%lu ranges had, %lu refused\n", had, refused);
	assert_true(had >= 200 && refused >= 100);
}

/* The only room is what the range leaves of its own pageblock, or of those that it ends in. */
static void room_beside(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		const unsigned long pages = round == 2 ? 600 : 200;
		unsigned long kept = 0, n = 0;
		pfn_t start;

		machine_start(&boards[1]);
		orders = 1;
		fill(0, 100, 100);
		start = ALIGN_UP(machine.first, pageblock_nr_pages) + 4 * pageblock_nr_pages +
			(round == 1 ? 312 : 100);
		/* as many frames free as the range has, before it (round 0: behind it) */
		while (n < nr_blocks) {
			pfn_t at = page_to_pfn(block[n].page);
			bool beside = round == 1   ? at < start && at >= start - 200
				      : round == 0 ? at >= start + 200 && at < start + 400
						   : (at < start && at >= start - 100) ||
							     (at >= start + 600 &&
							      at < start + 600 + 324);

			if (beside)
				drop(n);
			else
				n++;
			kept += beside;
		}
		if (round == 2)
			while (kept < pages) {
				drop(below(nr_blocks));
				kept++;
			}
		drain_all_pages();
		look();
		assert_true(can_be_had(start, pages));
		assert_int_equal(0, alloc_contig_range(start, start + pages, MIGRATE_MOVABLE,
						       GFP_KERNEL | __GFP_NOWARN));
		use(start, pages);
		empty();
		assert_int_equal(0, mm_check());
		machine_drop();
	}
}

/* As on another CPU: the owner of a block frees it when it is about to move. The others go on. */
static void freed_meanwhile(void **state)
{
	pfn_t start;

	(void)state;
	for (unsigned int which = 0; which < 3; which++) {
		machine_start(&boards[which & 1]);
		orders = 1;
		fill(0, 50, 100);
		start = ALIGN_UP(machine.first, pageblock_nr_pages) + 4 * pageblock_nr_pages;
		for (leaves = 0; page_to_pfn(block[leaves].page) - start >= 100; leaves++)
			;
		assert_int_equal(0, alloc_contig_range(start, start + 300, MIGRATE_MOVABLE,
						       GFP_KERNEL | __GFP_NOWARN));
		assert_int_equal(PAGES, leaves);
		use(start, 300);
		empty();
		assert_int_equal(0, mm_check());
		machine_drop();
	}
}

static int setup(void **state)
{
	(void)state;
	number = mm_register_movable(&owner);
	return number > 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_beside),
		cmocka_unit_test(freed_meanwhile),
		cmocka_unit_test(random_states),
	};

	return cmocka_run_group_tests_name("contig_moves", tests, setup, NULL);
}
