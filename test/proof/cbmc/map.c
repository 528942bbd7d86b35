/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c: the bitmap of free pages in its own geometry, a pageblock of 512 pages in eight words: for all contents.
 */
#include "mm/buddy/map.c"
#include "proof.h"

struct mm mm;
struct mm_pcpu *port_area;
static uint64_t words[2 * PB_WORDS]; /* of two pageblocks */
static uint8_t orders[2 * PB_WORDS];

/* Of pages [at, at + 2^order) of a word, is each free? */
static bool run_is_free(uint64_t bits, unsigned long at, unsigned long order)
{
	for (unsigned long i = 0; i < WORD_PAGES; i++)
		if (i >= at && i < at + (1UL << order) && !(bits >> i & 1))
			return false;
	return true;
}

/* The byte beside a word says which of its aligned runs is the largest. */
void prove_word_largest(void)
{
	uint64_t bits;
	unsigned long at, order;
	unsigned int largest = word_largest(bits);
	bool found = false;

	ASSERT(largest <= WORD_ORDER + 1);
	ASSERT(!largest == !bits);
	for (unsigned long i = 0; i < WORD_PAGES; i++)
		if (largest && !(i & ((1UL << (largest - 1)) - 1)) &&
		    run_is_free(bits, i, largest - 1))
			found = true;
	ASSERT(found == !!largest);
	/* and no run is larger */
	ASSUME(order <= WORD_ORDER && at < WORD_PAGES && !(at & ((1UL << order) - 1)));
	ASSERT(order < largest || !run_is_free(bits, at, order));
}

static void any_map(void)
{
	__CPROVER_havoc_object(words);
	__CPROVER_havoc_object(orders);
	mm.map = words;
	mm.map_order = orders;
	for (unsigned long i = 0; i < 2 * PB_WORDS; i++)
		ASSUME(orders[i] == word_largest(words[i]));
}

/* The largest free order of a pageblock that is not free as a whole, and a block of that order or any lower one. */
void prove_pb_pick(void)
{
	unsigned long first = pageblock_nr_pages, index, at, order;
	long most, largest;

	any_map();
	ASSUME(index >= first && index < 2 * pageblock_nr_pages);
	ASSUME(most >= 0 && most < pageblock_order);
	largest = pb_largest(index, most);
	ASSERT(largest >= -1 && largest <= (long)pageblock_order);
	ASSUME(order < pageblock_order && (long)order <= largest);
	at = pb_pick(index, order);
	ASSERT(at >= first && at + (1UL << order) <= 2 * pageblock_nr_pages);
	ASSERT(!(at & ((1UL << order) - 1)));
	for (unsigned long i = 0; i < PB_WORDS; i++) { /* whole words */
		unsigned long start = first + i * WORD_PAGES;

		ASSERT(order < WORD_ORDER || start < at || start >= at + (1UL << order) ||
		       words[PB_WORDS + i] == WORD_FULL);
	}
	if (order < WORD_ORDER)
		ASSERT(run_is_free(words[at >> WORD_ORDER], at & (WORD_PAGES - 1), order));
}

/* Is a block of this order free in the second pageblock? */
static bool has_free(unsigned long order)
{
	unsigned long words_of = order > WORD_ORDER ? 1UL << (order - WORD_ORDER) : 1;
	bool found = false;

	for (unsigned long word = 0; word < PB_WORDS; word += words_of) {
		bool free = true;

		for (unsigned long i = word; i < word + words_of; i++)
			free = free &&
			       orders[PB_WORDS + i] > (order > WORD_ORDER ? WORD_ORDER : order);
		found = found || free;
	}
	return found;
}

/* A block of that order is free and none that is larger, where none larger than `most` was. */
void prove_pb_largest(void)
{
	long most, largest;

	any_map();
	ASSUME(most >= 0 && most < pageblock_order);
	for (unsigned long order = 0; order < pageblock_order; order++)
		ASSUME((long)order <= most || !has_free(order));
	largest = pb_largest(pageblock_nr_pages, most);
	ASSERT(largest >= -1 && largest < (long)pageblock_order);
	for (unsigned long order = 0; order < pageblock_order; order++) {
		ASSERT((long)order <= largest || !has_free(order));
		ASSERT((long)order != largest || has_free(order));
	}
}

/* Pages become free, or not; all others stay what they were, and the bytes beside the words are right. */
void prove_map_change(void)
{
	unsigned long index, pages, other;
	unsigned int before, bit;
	bool free = bit & 1;

	any_map();
	ASSUME(index < pageblock_nr_pages && other < pageblock_nr_pages);
	ASSUME(pages > 0 && pages <= pageblock_nr_pages - index);
	for (unsigned long i = 0; i < PB_WORDS; i++) { /* all of them are the other */
		unsigned long start = i * WORD_PAGES, end = index + pages;
		unsigned long low = index > start ? index - start : 0;
		unsigned long high = end < start + WORD_PAGES ? start + WORD_PAGES - end : 0;

		if (low < WORD_PAGES && high < WORD_PAGES) {
			uint64_t mask = WORD_FULL << low & WORD_FULL >> high;

			ASSUME((words[i] & mask) == (free ? 0 : mask));
		}
	}
	before = map_test(other);
	map_change(index, pages, free);
	ASSERT(map_test(other) == (other >= index && other - index < pages ? free : before));
	ASSERT(*map_order(other) == word_largest(*map_word(other)));
}

void cover_map_change(void)
{
	any_map();
	COVER(words[3] == 0xff && orders[3] == 4);
	COVER(words[0] == WORD_FULL && words[7] == 0);
}
