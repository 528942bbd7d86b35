/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * used_walk.h: the walk over what is not free, for ranges, areas and compaction.
 */
#ifndef QUARRY_MM_USED_WALK_H
#define QUARRY_MM_USED_WALK_H

#include "free_map.h"

/*
 * Past the free pages from `index` on, to the end of their word at most: `index` itself where that page is
 * not free. Without the lock the answer is of a moment.
 */
static inline RACY unsigned long map_skip_free(unsigned long index)
{
	unsigned long place = index % WORD_PAGES;
	uint64_t bits = READ_ONCE(*map_word(index)) >> place;

	if (!(bits & 1))
		return index;
	bits = ~bits & WORD_FULL >> place;
	return bits ? index + lowest_bit(bits) : (index | (WORD_PAGES - 1)) + 1;
}

/*
 * A walk over what is not free of open sections, block by block. Without the lock each step is of a
 * moment; it leads on whatever happens meanwhile.
 */
struct used_walk {
	unsigned long next; /* set before: where the walk begins, or goes on */
	unsigned long at;   /* the page that was come to */
	unsigned long
		head;  /* of the block in use or cached that it lies in; NIL32: it has none now */
	uint32_t word; /* the head's first word; 0: there is none */
};

static inline unsigned long word_pages(uint32_t word)
{
	return 1UL << ((word & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT);
}

/*
 * false: nothing more is in use before `end`. `search`: of a page that is no head, the block it lies in is
 * looked for; else it has none. Bound: 20 a word of the map that is free, and 30, or 230 if it searches.
 */
static inline __attribute__((always_inline)) RACY bool
used_walk_next(struct used_walk *walk, unsigned long end, bool search)
{
	unsigned long at = walk->next;

	while (at < end) {
		unsigned long next = map_skip_free(at);

		if (next != at) {
			at = next;
			continue;
		}
		walk->at = walk->head = at;
		walk->word = trusted(at) ? READ_ONCE(mm.memmap[at].word) : 0;
		walk->next = at + word_pages(walk->word);
		if (walk->word & PAGE_STATE_MASK)
			return true;
		walk->head = search ? block_head(at) : NIL32;
		walk->word = walk->head == NIL32 ? 0 : READ_ONCE(mm.memmap[walk->head].word);
		walk->next = walk->head + word_pages(walk->word);
		if (walk->head == NIL32 || walk->next <= at) /* it has become smaller meanwhile */
			walk->next = at + 1;
		return true;
	}
	return false;
}

#endif
