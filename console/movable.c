/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * movable.c: see movable.h. Another CPU may move a block at any time: whoever changes an entry's state from
 * HERE has the block until it says HERE again.
 */
#include "console/movable.h"

#include <errno.h>
#include <inttypes.h>
#include <quarry/port.h>
#include <stdio.h>
#include <string.h>

#include "mm/spinlock.h"

#define MOVABLE_BLOCKS 32

enum {
	NONE,
	HERE,
	TAKEN, /* it is being moved, or freed */
};

static struct block {
	uint32_t state; /* atomic */
	struct page *page;
	unsigned int order, moves, damaged;
	uint64_t seed;
} blocks[MOVABLE_BLOCKS];

static int owner; /* of mm_register_movable() */
static uint64_t seeds;

static uint64_t word_at(const struct block *block, size_t i)
{
	return (block->seed + i) * 0x9e3779b97f4a7c15U;
}

static bool is_whole(const struct block *block, const struct page *page)
{
	const uint64_t *at = page_address(page);

	for (size_t i = 0; i < (PAGE_SIZE << block->order) / sizeof(*at); i++)
		if (at[i] != word_at(block, i))
			return false;
	return true;
}

static bool take(struct block *block)
{
	uint32_t here = HERE;

	return __atomic_compare_exchange_n(&block->state, &here, TAKEN, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void put(struct block *block, uint32_t state)
{
	__atomic_store_n(&block->state, state, __ATOMIC_RELEASE);
}

/* ---- what moves it asks -------------------------------------------------------------------------- */

static bool isolate_page(struct page *page)
{
	uint32_t n = movable_note(page);

	if (n >= MOVABLE_BLOCKS || !take(&blocks[n]))
		return false;
	if (blocks[n].page == page)
		return true;
	put(&blocks[n], HERE);
	return false;
}

static int migrate_page(struct page *dst, struct page *src)
{
	struct block *block = &blocks[movable_note(src)];

	memcpy(page_address(dst), page_address(src), PAGE_SIZE << block->order);
	block->damaged += !is_whole(block, dst);
	block->moves++;
	block->page = dst;
	put(block, HERE);
	return 0;
}

static void putback_page(struct page *page)
{
	put(&blocks[movable_note(page)], HERE);
}

static const struct movable_operations operations = {
	.holders = 1,
	.isolate_page = isolate_page,
	.migrate_page = migrate_page,
	.putback_page = putback_page,
};

/* ---- the console's ------------------------------------------------------------------------------- */

struct page *movable_alloc(unsigned int order, const char **why)
{
	struct block *block = blocks;
	uint64_t *at;

	if (!owner)
		owner = mm_register_movable(&operations);
	while (block < blocks + MOVABLE_BLOCKS && block->state != NONE)
		block++;
	*why = order >= pageblock_order		  ? "movable blocks are of orders 0 to 8"
	       : block == blocks + MOVABLE_BLOCKS ? "there are 32 movable blocks"
	       : owner < 0			  ? "no owner can be registered"
						  : NULL;
	if (*why)
		return NULL;
	block->page = alloc_pages(GFP_KERNEL | __GFP_MOVABLE | __GFP_NOWARN, order);
	*why = "no memory";
	if (!block->page)
		return NULL;
	block->order = order;
	block->moves = block->damaged = 0;
	block->seed = ++seeds << 32;
	at = page_address(block->page);
	for (size_t i = 0; i < (PAGE_SIZE << order) / sizeof(*at); i++)
		at[i] = word_at(block, i);
	put(block, HERE);
	set_page_movable(block->page, owner, (uint32_t)(block - blocks));
	return block->page;
}

/* Waits while it is being moved: where it is then, is what counts. */
static struct block *take_at(const struct page *page)
{
	unsigned int spins = 0;

	for (struct block *block = blocks; block < blocks + MOVABLE_BLOCKS; block++) {
		while (__atomic_load_n(&block->state, __ATOMIC_ACQUIRE) != NONE) {
			if (take(block)) {
				if (block->page == page)
					return block;
				put(block, HERE);
				break;
			}
			mm_ipi(); /* who moves it may be waiting for this CPU's caches */
			spin_relax(&spins);
		}
	}
	return NULL;
}

int movable_free(struct page *page, int order)
{
	struct block *block = take_at(page);

	if (!block)
		return 0;
	if (order >= 0 && (unsigned int)order != block->order) {
		put(block, HERE);
		return -EINVAL;
	}
	if (block->damaged || !is_whole(block, page))
		printf("free: 0x%" PRIx64 ": its contents have changed\n", page_to_phys(page));
	clear_page_movable(page);
	__free_pages(page, block->order);
	put(block, NONE);
	return 1;
}

int movable_list(void)
{
	bool bad = false;

	for (struct block *block = blocks; block < blocks + MOVABLE_BLOCKS; block++) {
		if (__atomic_load_n(&block->state, __ATOMIC_ACQUIRE) == NONE)
			continue;
		printf("0x%" PRIx64 " order %u moved %u times%s\n", page_to_phys(block->page),
		       block->order, block->moves, block->damaged ? ", contents have changed" : "");
		bad |= block->damaged != 0;
	}
	return bad;
}
