/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * free_map.h: the bitmap of free pages.
 *
 * One bit a page says that the page is free in the buddy; a free block of an order below
 * pageblock_order is an aligned run of set bits and needs no head, no link and no merging. Beside
 * each word of the map one byte holds the largest order that is free within the word, plus one (0:
 * nothing is free there), so that a pageblock's eight bytes, read at once, answer where a block of
 * an order is. The map of an open section is always true: a pageblock that is free as a whole has
 * all its bits set, one that is allocated as a whole none. Written by buddy/, with the zone's lock.
 */
#ifndef QUARRY_MM_FREE_MAP_H
#define QUARRY_MM_FREE_MAP_H

#include "state.h"

/* A word's pages: 64, or all of a smaller pageblock. */
#define WORD_ORDER (pageblock_order < 6 ? pageblock_order : 6)
#define WORD_PAGES (1UL << WORD_ORDER)
#define WORD_FULL  (~(uint64_t)0 >> (64 - WORD_PAGES))
#define PB_WORDS   (1UL << (pageblock_order - WORD_ORDER))

/* The largest free block is so many pageblocks: 1, 2 (a pair) or more. */
#define SECTION_PAGEBLOCKS (1UL << (SECTION_SHIFT - pageblock_order))

/* The bits of a block of this order, WORD_ORDER at most, at the lowest position of a word. */
static inline uint64_t map_mask(unsigned long order)
{
	return ((uint64_t)2 << ((1UL << order) - 1)) - 1;
}

static inline uint64_t *map_word(unsigned long index)
{
	return &mm.map[index >> WORD_ORDER];
}

static inline uint8_t *map_order(unsigned long index)
{
	return &mm.map_order[index >> WORD_ORDER];
}

static inline unsigned int map_test(unsigned long index)
{
	return (unsigned int)(*map_word(index) >> (index & (WORD_PAGES - 1))) & 1;
}

#pragma GCC visibility push(hidden)

/* buddy/map.c */
/* Positions of a word that blocks of an order start at. */
extern const uint64_t map_starts[7];

/*
 * From the starts of free aligned runs of 2^order pages to those of twice as many.
 */
#define map_pairs(runs, order) ((runs) & (runs) >> (1UL << (order)) & map_starts[(order) + 1])

/* The largest order that is free in a word of the map, plus one; 0: nothing is. Bound 40. */
MM_SHARED_INLINE unsigned int word_largest(uint64_t bits)
{
	if (!bits)
		return 0;
	if (FOR_SPEED && bits == WORD_FULL)
		return WORD_ORDER + 1;
	UNROLL(6)
	for (unsigned int order = 0; order < WORD_ORDER; order++) {
		bits = map_pairs(bits, order);
		if (!bits)
			return order + 1;
	}
	return WORD_ORDER + 1;
}

/* Where lowest_bit() finds a single bit, by its de Bruijn number. */
extern const uint8_t map_bit_position[64];

#pragma GCC visibility pop

/* The position of the only bit that is set. */
static inline unsigned long bit_number(uint64_t bit)
{
#if !defined(__riscv) || defined(__riscv_zbb) || !FOR_SPEED
	return (unsigned long)__builtin_ctzll(bit);
#else
	return map_bit_position[(bit * 0x022fdd63cc95386d) >> 58]; /* de Bruijn */
#endif
}

/* The position of the lowest bit set in a word of the map (not 0). */
static inline unsigned long lowest_bit(uint64_t bits)
{
#if !defined(__riscv) || defined(__riscv_zbb) || FOR_SPEED
	return bit_number(bits & -bits);
#else
	unsigned long n = 0;

	while (!(bits >> n & 1))
		n++;
	return n;
#endif
}

#endif
