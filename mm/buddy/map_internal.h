/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_internal.h: the map of one pageblock (free_map.h), all of its words at once.
 */
#ifndef QUARRY_MM_BUDDY_MAP_INTERNAL_H
#define QUARRY_MM_BUDDY_MAP_INTERNAL_H

#include "../free_map.h"

#pragma GCC visibility push(hidden)

/*
 * The bytes of a pageblock of eight words or fewer are read at once; of a larger one (geometries that
 * few choose) one after the other.
 */
#define MAP_AT_ONCE  (FOR_SPEED && PB_WORDS <= 8)
#define ORDERS_BYTES (PB_WORDS < 8 ? PB_WORDS : 8)

/* The same byte in each of the words of a pageblock. */
#define EACH_BYTE(n) ((uint64_t)(n) * (0x0101010101010101U >> (64 - 8 * ORDERS_BYTES)))

#if pageblock_order - WORD_ORDER >= 3
typedef uint64_t __attribute__((may_alias)) map_orders;
#elif pageblock_order - WORD_ORDER == 2
typedef uint32_t __attribute__((may_alias)) map_orders;
#elif pageblock_order - WORD_ORDER == 1
typedef uint16_t __attribute__((may_alias)) map_orders;
#else
typedef uint8_t map_orders;
#endif
static_assert(sizeof(map_orders) == ORDERS_BYTES, "one read has the bytes of all words");

/* The largest orders of a pageblock's words, plus one, a byte each; of its first eight words. */
static inline map_orders *pb_orders(unsigned long index)
{
	return (map_orders *)(void *)map_order(index & ~(pageblock_nr_pages - 1));
}

/* Is any page of it free? By the map: its count may be of before. */
static inline bool pb_has_free(unsigned long index)
{
	for (unsigned long i = 1; PB_WORDS > 8 && i < PB_WORDS / ORDERS_BYTES; i++)
		if (pb_orders(index)[i])
			return true;
	return *pb_orders(index);
}

/* Of these bytes, those that are n (1 or more) at least, as a bit 7 of each. */
static inline uint64_t bytes_from(uint64_t orders, unsigned long n)
{
	return (orders + EACH_BYTE(0x80 - n)) & EACH_BYTE(0x80);
}

/* Full words that start a free block of 2, and of 4 words. */
#define FULL_PAIRS(full)  ((full) & (full) >> 8 & 0x0080008000800080)
#define FULL_FOURS(pairs) ((pairs) & (pairs) >> 16 & 0x0000008000000080)

/* The pages `mask` of the word at index become free, or not; which all were the other. */
static inline void word_change(unsigned long index, uint64_t mask, bool free)
{
	uint64_t *word = map_word(index);

	VM_BUG_ON(!mask || (*word & mask) != (free ? 0 : mask));
	*word = free ? *word | mask : *word & ~mask;
	*map_order(index) = (uint8_t)word_largest(*word);
}

/* map.c */
/* The largest free order of a pageblock that is not free as a whole, `most` or less; -1: none. */
long pb_largest(unsigned long index, long most);
/*
 * A block of this order that is free in the pageblock at index, which has one: the first of the
 * first word that has one, so that what is taken lies close together. Returns its first page.
 */
unsigned long pb_pick(unsigned long index, unsigned long order);
/* Pages of a pageblock become free, or not; which all were the other. */
void map_change(unsigned long index, unsigned long pages, bool free);

/* All pages of a pageblock are free, or none is. */
static inline void map_fill(unsigned long index, bool free)
{
	uint64_t *word = map_word(index), bits = free ? WORD_FULL : 0;

	UNROLL(8)
	for (unsigned long i = 0; i < PB_WORDS; i++)
		word[i] = bits;
	*pb_orders(index) = (map_orders)(free ? EACH_BYTE(WORD_ORDER + 1) : 0);
	for (unsigned long i = 1; PB_WORDS > 8 && i < PB_WORDS / ORDERS_BYTES; i++)
		pb_orders(index)[i] = *pb_orders(index);
}

#pragma GCC visibility pop
#endif
