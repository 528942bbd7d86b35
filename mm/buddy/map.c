/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c: where free blocks are in the map of a pageblock (../free_map.h), and changes of many of
 * its pages at once.
 */
#include "buddy_internal.h"

const uint64_t map_starts[7] = {
	~(uint64_t)0,
	0x5555555555555555,
	0x1111111111111111,
	0x0101010101010101,
	0x0001000100010001,
	0x0000000100000001,
	1,
};

#if defined(__riscv) && !defined(__riscv_zbb) && FOR_SPEED
const uint8_t map_bit_position[64] = {
	0,  1,	2,  53, 3,  7,	54, 27, 4,  38, 41, 8,	34, 55, 48, 28, 62, 5,	39, 46, 44, 42,
	22, 9,	24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
	23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
};
#endif

/*
 * The byte of the pageblock's first word that a free block of this order starts in; NULL: none is
 * free. One byte after the other: where speed counts they are looked at together.
 */
static const uint8_t *pb_first(unsigned long index, unsigned long order)
{
	const uint8_t *at = map_order(index & ~(pageblock_nr_pages - 1)), *end = at + PB_WORDS;
	unsigned long words = order < WORD_ORDER ? 1 : 1UL << (order - WORD_ORDER), n;

	if (order > WORD_ORDER)
		order = WORD_ORDER;
	for (; at < end; at += words) {
		for (n = 0; n < words && at[n] > order; n++)
			;
		if (n == words)
			return at;
	}
	return NULL;
}

long pb_largest(unsigned long index, long most)
{
	uint64_t orders;

	if (!MAP_AT_ONCE) {
		while (most >= 0 && !pb_first(index, (unsigned long)most))
			most--;
		return most;
	}
	orders = *pb_orders(index);
	if (most >= (long)WORD_ORDER) {
		uint64_t full = bytes_from(orders, WORD_ORDER + 1), pairs = FULL_PAIRS(full);

		if (full)
			return (long)WORD_ORDER + !!pairs + !!FULL_FOURS(pairs);
		most = (long)WORD_ORDER - 1;
	}
	while (most >= 0 && !bytes_from(orders, (unsigned long)most + 1))
		most--;
	return most;
}

extern unsigned int word_largest(uint64_t bits);

void map_change(unsigned long index, unsigned long pages, bool free)
{
	while (pages) {
		unsigned long here = WORD_PAGES - (index & (WORD_PAGES - 1));

		if (here > pages)
			here = pages;
		if (here == WORD_PAGES) {
			uint64_t *word = map_word(index), bits = free ? WORD_FULL : 0;
			uint8_t *largest = map_order(index);

			if (FOR_SPEED)
				here = pages & ~(WORD_PAGES - 1);
			for (const uint64_t *end = word + (here >> WORD_ORDER); word < end;) {
				VM_BUG_ON(*word != (bits ^ WORD_FULL));
				*word++ = bits;
				*largest++ = free ? WORD_ORDER + 1 : 0;
			}
		} else {
			word_change(index,
				    WORD_FULL >> (WORD_PAGES - here) << (index & (WORD_PAGES - 1)),
				    free);
		}
		index += here;
		pages -= here;
	}
}

unsigned long pb_pick(unsigned long index, unsigned long order)
{
	uint64_t fit, runs;

	index &= ~(pageblock_nr_pages - 1);
	if (!MAP_AT_ONCE) {
		index = (unsigned long)(pb_first(index, order) - mm.map_order) << WORD_ORDER;
	} else if (order < WORD_ORDER) {
		index += lowest_bit(bytes_from(*pb_orders(index), order + 1)) >> 3 << WORD_ORDER;
	} else {
		fit = bytes_from(*pb_orders(index), WORD_ORDER + 1);
		if (order > WORD_ORDER)
			fit = FULL_PAIRS(fit);
		if (order > WORD_ORDER + 1)
			fit = FULL_FOURS(fit);
		index += lowest_bit(fit) >> 3 << WORD_ORDER;
	}
	if (order >= WORD_ORDER)
		return index;
	runs = *map_word(index);
	UNROLL(6)
	for (unsigned long o = 0; !FOR_SPEED || o < WORD_ORDER; o++) {
		if (o == order)
			break;
		runs = map_pairs(runs, o);
	}
	return index + lowest_bit(runs);
}
