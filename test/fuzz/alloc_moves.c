/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_moves.c: blocks that move, ranges and compaction in fuzz_alloc. The owner is the model: it is told of each
 * move, looks whether the place is nobody's and copies; it may say no. A range is handed out if all of it
 * is free or moves, and must be if what moves are single pages that have somewhere to go; a refusal
 * changes nothing but places.
 */
#include "alloc_calls.h"

#include <errno.h>
#include <string.h>

static int number;
static unsigned int refuse_every, refuse_migration; /* 0: never */
static unsigned long nr_isolated, nr_moved;

/* ---- the owner ------------------------------------------------------------------------------ */

static bool isolate_page(struct page *page)
{
	struct block *block = model_block_at(page_to_pfn(page));

	nr_callbacks++;
	CHECK(block && block->movable && block->pfn == page_to_pfn(page),
	      "pfn 0x%lx is to move, and is none that moves", (unsigned long)page_to_pfn(page));
	if (block == model.busy || block->in_flight ||
	    (refuse_every && ++nr_isolated % refuse_every == 0))
		return false;
	block->in_flight = true;
	return true;
}

static int migrate_page(struct page *dst, struct page *src)
{
	struct block *block = model_block_at(page_to_pfn(src));

	nr_callbacks++;
	CHECK(block && block->in_flight && block->refs == 1, "pfn 0x%lx moves",
	      (unsigned long)page_to_pfn(src));
	CHECK(page_count(dst) == 1 && movable_note(dst) == movable_note(src), "where it moves to");
	if (refuse_migration && ++nr_moved % refuse_migration == 0)
		return -EAGAIN;
	model_verify(block);
	memcpy(page_address(dst), page_address(src), (size_t)block->pages << PAGE_SHIFT);
	model_move(block, page_to_pfn(dst));
	block->in_flight = false;
	return 0;
}

static void putback_page(struct page *page)
{
	struct block *block = model_block_at(page_to_pfn(page));

	CHECK(block && block->in_flight, "pfn 0x%lx is put back", (unsigned long)page_to_pfn(page));
	block->in_flight = false;
}

void moves_register(void)
{
	static const struct movable_operations owner = {.holders = 1,
							.isolate_page = isolate_page,
							.migrate_page = migrate_page,
							.putback_page = putback_page};

	number = mm_register_movable(&owner);
	CHECK(number > 0, "mm_register_movable(): %d", number);
}

void moves_start(void)
{
	refuse_every = refuse_migration = 0;
}

static void request_movable(gfp_t gfp, unsigned int order, unsigned int n)
{
	while (n--) {
		struct page *page = CALL(alloc_pages(
			(gfp & ~GFP_MOVABLE_MASK) | __GFP_MOVABLE | __GFP_NOWARN, order));
		struct block *block = page ? model_take(page, 1UL << order, order, gfp) : NULL;

		if (page && !block)
			CHECK(!__free_pages(page, order), "a block just handed out");
		if (!block)
			return;
		block->movable = true;
		set_page_movable(page, number, block->place);
	}
}

/* ---- ranges --------------------------------------------------------------------------------- */

/* The state but for places; or nothing, where an interrupt may change it. */
static uint64_t hash_moved(void)
{
	return !interrupt_period && may_walk() ? mm_state_hash_moved() : 0;
}

static void hash_is(uint64_t before, const char *call)
{
	if (before)
		CHECK(mm_state_hash_moved() == before, "%s changed more than places", call);
}

enum outcome {
	MUST_FAIL,
	MAY_BE,
	MUST_BE
};

/* One bank, one zone; free, or blocks that move; single ones must have room. */
static enum outcome foretell(pfn_t start, unsigned long pages)
{
	unsigned long inside = 0, moves = 0, free = model.nr_free[0] + model.nr_free[1];
	bool single = true;

	for (pfn_t pfn = start; pfn < start + pages; pfn++) {
		const struct block *block = model_block_at(pfn);

		if (model_frame(pfn) == FRAME_FREE) {
			inside++;
			continue;
		}
		if (!block || !block->movable || block->refs != 1)
			return MUST_FAIL;
		single &= block->pages == 1;
		moves++;
	}
	if (!moves && !interrupt_period)
		return MUST_BE;
	return single && moves <= free - inside && !interrupt_period && !refuse_every &&
			       !refuse_migration
		       ? MUST_BE
		       : MAY_BE;
}

static void take_range(struct page *page, unsigned long pages, gfp_t gfp)
{
	struct block *block = model_take(page, pages, 0, gfp);

	if (block)
		block->range = block->exact = true;
	else
		CHECK(!free_contig_range(page_to_pfn(page), pages), "a range just handed out");
}

static void range_at(pfn_t start, unsigned long pages)
{
	uint64_t before = hash_moved();
	enum outcome outcome = failing ? MAY_BE : foretell(start, pages);
	int error;

	if (model_zone(start) != model_zone(start + pages - 1))
		return;
	SAY("range 0x%lx, %lu pages\n", (unsigned long)start, pages);
	error = CALL(alloc_contig_range(start, start + pages, MIGRATE_MOVABLE,
					GFP_KERNEL | __GFP_NOWARN));
	CHECK(!error || error == -EBUSY || error == -EINVAL, "a range: %d", error);
	if (error) {
		CHECK(outcome != MUST_BE || error == -EINVAL, "%lu pages at 0x%lx: %d", pages,
		      (unsigned long)start, error);
		hash_is(before, "a range that was refused");
		return;
	}
	CHECK(outcome != MUST_FAIL || interrupt_period, "%lu pages at 0x%lx can be no range", pages,
	      (unsigned long)start);
	take_range(pfn_to_page(start), pages, 0);
}

static void range_anywhere(unsigned long pages, gfp_t gfp)
{
	uint64_t before = hash_moved();
	struct page *page;

	gfp |= __GFP_NOWARN;
	page = CALL(alloc_contig_pages(pages, gfp));
	if (page)
		take_range(page, pages, gfp);
	else
		hash_is(before, "a range that was refused");
}

/* The first range from the n-th block on; NULL: there is none. */
static struct block *pick_range(unsigned long n)
{
	for (unsigned long i = 0; i < model.nr_held && i < 64; i++) {
		struct block *block = model_pick(n + i);

		if (block && block->range)
			return block;
	}
	return NULL;
}

static void wrong_range(struct block *block, unsigned int how)
{
	struct before before = before_refusal();
	int error;

	model.busy = block;
	error = how & 1 ? CALL(free_contig_range(block->pfn, block->pages + 1 + how / 2))
			: CALL(free_contig_range(block->pfn + 1, block->pages));
	CHECK(error == -EINVAL || error == -EALREADY || error == -EPERM || error == -EFAULT,
	      "a wrong free of a range: %d", error);
	unchanged(&before, "a wrong free of a range");
	model.busy = NULL;
}

/* ---- what is called ------------------------------------------------------------------------- */

static void between(void)
{
	phys_addr_t first = PFN_PHYS(model.first + in16() % (model.end - model.first));
	phys_addr_t last = first + ((phys_addr_t)in16() << PAGE_SHIFT);
	unsigned int order = in_order();
	gfp_t gfp = in_gfp() | __GFP_NOWARN;
	struct page *page = CALL(alloc_pages_between(gfp, order, first, last));

	if (!page)
		return;
	CHECK(page_to_phys(page) >= first && page_to_phys(page) + (PAGE_SIZE << order) - 1 <= last,
	      "pfn 0x%lx is not between", (unsigned long)page_to_pfn(page));
	if (!model_take(page, 1UL << order, order, gfp))
		CHECK(!__free_pages(page, order), "a block just handed out");
}

void moves(unsigned int what)
{
	struct block *block;
	unsigned int a = in16();
	uint64_t before;
	gfp_t gfp;

	switch (what % 8) {
	case 0:
	case 1:
		gfp = in_gfp();
		request_movable(gfp, what & 8 ? a / 256 % 4 : 0, 1 + a % 256);
		break;
	case 2:
		range_at(model.first + a % (model.end - model.first), 1 + in16() % 1500);
		break;
	case 3:
		range_anywhere(1 + a % 2500, in_gfp());
		break;
	case 4:
		before = hash_moved();
		CALL(compact_memory());
		hash_is(before, "compaction");
		break;
	case 5:
		block = pick_range(a);
		if (block) {
			wrong_range(block, in());
			release(block, 0);
		}
		break;
	case 6:
		if (what & 8) {
			refuse_every = a % 8;
			refuse_migration = a / 8 % 8;
		} else {
			CALL(mm_balance());
		}
		break;
	case 7:
		between();
		break;
	}
}
