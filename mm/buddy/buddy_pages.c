/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy_pages.c: single pages are taken, several at once: a refill of a cache. They are of one
 * pageblock, the lowest free ones of a word of its map or of a few. The caller holds the zone's lock
 * with interrupts masked.
 */
#include "buddy_internal.h"

#if FOR_SPEED
/* A refill is done when it has so many. */
#define ENOUGH_PAGES   (((1UL << CONFIG_PCP_BATCH_ORDER) + 1) / 2)
#define REFILL_WORDS   2 /* or has looked at so many words of the map */
#define BORROWED_PAGES 2 /* or so many of another type's pageblock */
#define MIXED_PAGES    4 /* or, if it is a small one, so many that do not lie in a run */
#define RUN_ORDER      3 /* runs of so many pages are taken at once */
#define RUN_PAGES      (1UL << RUN_ORDER)

/*
 * Of the free pages of a word at this index, those that may be taken now: of its groups of
 * descriptors the first that has some is written if it was not, and alone then, so that a call
 * writes one; none if this is not the first word of the call.
 */
static inline uint64_t writable_pages(unsigned long index, uint64_t bits, bool first)
{
	const int8_t *trust = &mm.trust[index >> GROUP_SHIFT];
	unsigned long at;

	if (WORD_PAGES <= GROUP_PAGES) {
		trust_head(index, 0);
		return bits;
	}
	if (WORD_PAGES == 2 * GROUP_PAGES && (trust[0] & trust[1]) == TRUST_ALL)
		return bits;
	if (!first)
		return 0;
	at = lowest_bit(bits) & ~(GROUP_PAGES - 1);
	trust_head(index + at, 0);
	return bits & map_mask(GROUP_SHIFT) << at;
}

/* Of them, those of the group of descriptors that the page at this offset is of. */
static inline uint64_t pages_of_group(uint64_t bits, unsigned long at)
{
	return WORD_PAGES <= GROUP_PAGES
		       ? bits
		       : bits & map_mask(GROUP_SHIFT) << (at & ~(GROUP_PAGES - 1));
}

/* Are the lowest free pages an aligned run of eight? */
static inline bool starts_run(uint64_t bits)
{
	unsigned long at = lowest_bit(bits);

	return !(at & 7) && !(~(bits >> at) & 0xff);
}

/* Pages of an aligned run, page to page + n; the lowest goes out first. */
static inline void push_run(struct page *page, unsigned long n, uint64_t raw, struct page **top)
{
	top += n;
	UNROLL(4)
	for (struct page *end = page + n; page < end; page++) {
		page->raw = raw;
		*top-- = page;
	}
}

/* The first page of the pageblock's lowest word that has some free. */
static inline unsigned long first_free_word(const struct pageblock *pb)
{
	unsigned long index = pb_index(pb);

	if (MAP_AT_ONCE)
		return index + (lowest_bit(bytes_from(*pb_orders(index), 1)) >> 3 << WORD_ORDER);
	while (!*map_order(index))
		index += WORD_PAGES;
	return index;
}

/*
 * Takes free pages of the word at index, from the lowest on: aligned runs of 16 and 8 together, others
 * one by one. With those that the call has `got` they are ENOUGH_PAGES or a few more, `most` at
 * most. Returns how many. *touched becomes the largest order that was free in the word, if it was
 * less.
 */
static inline __attribute__((always_inline)) unsigned long
take_from_word(unsigned long index, unsigned long most, unsigned long got, uint64_t raw,
	       struct page **top, long *touched)
{
	unsigned long enough = (most < ENOUGH_PAGES ? most : ENOUGH_PAGES) - got, n = 0, run;
	uint64_t *bits = map_word(index), left, taken;
	uint8_t *order = map_order(index);
	struct page *base = &mm.memmap[index];

	if ((long)*order - 1 > *touched)
		*touched = (long)*order - 1;
	left = *bits;
	most -= got;
	top += got;
	left = writable_pages(index, left, !got);
	if (!left)
		return 0;
	taken = left;
	if (*order <= RUN_ORDER || most < 8) {
		struct page **slot = top; /* no run of eight, or too long */
		struct page *const *end = top + enough;

		do {
			uint64_t low = left & -left;
			struct page *page = &base[bit_number(low)];

			__asm__("" : "+r"(low)); /* it is at hand: no other way to clear it */
			left ^= low;
			page->raw = raw;
			*++slot = page;
		} while (left && slot != end);
		n = (unsigned long)(slot - top);
	} else {
		do {
			unsigned long at = lowest_bit(left);
			uint64_t here = left >> at;

			if ((at & 7) || (~here & 0xff) || most - n < 8) {
				left &= left - 1;
				base[at].raw = raw;
				top[++n] = &base[at];
				continue;
			}
			run = !(at & 15) && !(~here & 0xffff) && most - n >= 16 ? 16 : 8;
			left &= ~((((uint64_t)1 << run) - 1) << at);
			push_run(base + at, run, raw, top + n);
			n += run;
		} while (left && n < enough);
	}
	left = *bits ^ taken ^ left;
	*bits = left;
	*order = (uint8_t)word_largest(left);
	return n;
}

#define LONG_RUN 16

/*
 * Takes the LONG_RUN pages from index on, where these and all behind them in their word are free.
 * The pageblock is of the type asked for. What stays free is one run to the end of the word: its
 * largest order, plus one, is a byte of a constant.
 */
MM_APART unsigned long take_long_run(struct zone *zone, struct pageblock *pb, unsigned long index,
				     uint64_t raw, struct page **top)
{
	struct page *page = &mm.memmap[index];
	uint8_t *order = map_order(index);
	unsigned long at = index % WORD_PAGES;
	long touched = (long)*order - 1;

	VM_BUG_ON(pb_is_whole(pb) || pb_is_kept(pb));
	trust_head(index, 0);
	*map_word(index) ^= (uint64_t)((1UL << LONG_RUN) - 1) << at;
	*order = (uint8_t)(0x0000000500060006 >> at);
	VM_BUG_ON(*order != word_largest(*map_word(index)));
	UNROLL(16)
	for (int i = 0; i < LONG_RUN; i++) { /* the lowest goes out first */
		page[i].raw = raw;
		top[LONG_RUN - i] = &page[i];
	}
	count_free(zone, pb, -LONG_RUN);
	if (may_be_largest(pb, touched))
		pb_settle(zone, pb, pb->list);
	return LONG_RUN;
}

/* Pages from this pageblock of the type, its word at index first: more than ENOUGH_PAGES may come. */
static __attribute__((noinline)) unsigned long
take_from_words(struct zone *zone, unsigned long most, unsigned long index, uint64_t raw,
		struct page **top, struct pageblock *pb)
{
	unsigned long got = 0, before;
	unsigned int words = REFILL_WORDS;
	long touched = PB_OFF_LIST;

	VM_BUG_ON(most <= ENOUGH_PAGES);
	do {
		if (got)
			index = first_free_word(pb);
		before = got;
		got += take_from_word(index, most, got, raw, top, &touched);
	} while (got > before && got < ENOUGH_PAGES && pb_has_free(index) && --words);
	VM_BUG_ON(!got);
	count_free(zone, pb, -(long)got);
	if (may_be_largest(pb, touched))
		pb_settle(zone, pb, pb->list);
	return got;
}

/*
 * A small refill, of ENOUGH_PAGES or less, from the word at index: a run of RUN_PAGES if that is
 * what comes first, else not so many, as each costs more, and one where it writes a group.
 */
static __attribute__((noinline)) unsigned long take_few(struct zone *zone, unsigned long most,
							unsigned long index, uint64_t raw,
							struct page **top, struct pageblock *pb)
{
	uint64_t *word = map_word(index), bits = *word, left;
	uint8_t *order = map_order(index);
	struct page *base = &mm.memmap[index];
	long touched = (long)*order - 1;
	unsigned long at = lowest_bit(bits), n = 0;

	VM_BUG_ON(!most || most > ENOUGH_PAGES);
	if (mm.trust[(index + at) >> GROUP_SHIFT] != TRUST_ALL) {
		trust_head(index + at, 0);
		most = 1;
	}
	left = pages_of_group(bits, at); /* it is written */
	if (most >= RUN_PAGES && starts_run(left)) {
		n = RUN_PAGES;
		bits ^= map_mask(RUN_ORDER) << at;
		push_run(base + at, RUN_PAGES, raw, top);
	} else {
		if (most > MIXED_PAGES)
			most = MIXED_PAGES;
		do {
			uint64_t low = left & -left;
			struct page *page = &base[bit_number(low)];

			left ^= low;
			bits ^= low;
			page->raw = raw;
			top[++n] = page;
		} while (left && n < most);
	}
	*word = bits;
	*order = (uint8_t)word_largest(bits);
	count_free(zone, pb, -(long)n);
	if (may_be_largest(pb, touched))
		pb_settle(zone, pb, pb->list);
	return n;
}

/*
 * The first pages of a pageblock that is free as a whole: what stays free is known. It
 * goes to the list of the order below its own.
 */
static unsigned long take_from_whole(struct zone *zone, struct pageblock *pb, unsigned long most,
				     uint64_t raw, struct page **top)
{
	unsigned long index = pb_index(pb), n = most < ENOUGH_PAGES ? most : ENOUGH_PAGES;

	if (n > WORD_PAGES / 2) /* half a word stays free, */
		n = WORD_PAGES / 2;
	if (n > GROUP_PAGES) /* and one group is written */
		n = GROUP_PAGES;
	VM_BUG_ON(!pb_is_whole(pb) || pb->list != PB_OFF_LIST);
	trust_head(index, 0);
	*map_word(index) = WORD_FULL & WORD_FULL << n;
	*map_order(index) = WORD_ORDER;
	count_free(zone, pb, -(long)n);
	pb_on(zone, pb, pageblock_order - 1);
	push_run(&mm.memmap[index], n, raw, top);
	return n;
}

/*
 * The pageblock is of another type from now on, and its first free page is taken. So it goes to
 * another list in any case.
 */
static __attribute__((noinline)) unsigned long take_over(struct zone *zone, struct pageblock *pb,
							 enum migratetype type, uint64_t raw,
							 struct page **top)
{
	unsigned long index = first_free_word(pb);
	long largest = pb->list, touched;

	VM_BUG_ON(pb_is_whole(pb) || type >= MIGRATE_PCPTYPES);
	index += lowest_bit(*map_word(index));
	trust_head(index, 0); /* first, and what is known is written at once: few registers */
	mm.memmap[index].raw = raw;
	top[1] = &mm.memmap[index];
	pb_off(zone, pb);
	pb->type = (uint8_t)type;
	zone->nr_free--;
	pb->nr_free--;
	touched = (long)*map_order(index) - 1;
	word_change(index, (uint64_t)1 << (index & (WORD_PAGES - 1)), false);
	if (touched >= (long)WORD_ORDER || touched >= largest)
		largest = pb_largest(index, largest);
	if (largest != PB_OFF_LIST)
		pb_link(zone, pb, largest);
	return 1;
}

/* Up to BORROWED_PAGES of the first word that has some, of another type's pageblock, which keeps its type. */
static __attribute__((noinline)) unsigned long take_borrowed(struct zone *zone,
							     struct pageblock *pb,
							     unsigned long most, uint64_t raw,
							     struct page **top)
{
	unsigned long index = first_free_word(pb), n = 0, at;
	uint64_t *bits = map_word(index), left = *bits, taken;
	struct page *base = &mm.memmap[index];
	uint8_t *order = map_order(index);
	long touched = (long)*order - 1;

	VM_BUG_ON(pb_is_whole(pb) || !most);
	if (most > BORROWED_PAGES)
		most = BORROWED_PAGES;
	at = lowest_bit(left);
	if (mm.trust[(index + at) >> GROUP_SHIFT] != TRUST_ALL) {
		trust_head(index + at, 0);
		most = 1; /* to write a group is work enough */
	}
	left = taken = pages_of_group(left, at); /* it is written */
	do {
		uint64_t low = left & -left;
		struct page *page = &base[bit_number(low)];

		left ^= low;
		page->raw = raw;
		top[++n] = page;
	} while (left && n < most);
	left ^= *bits ^ taken;
	*bits = left;
	*order = (uint8_t)word_largest(left);
	count_free(zone, pb, -(long)n);
	if (may_be_largest(pb, touched))
		pb_settle(zone, pb, pb->list);
	return n;
}

/* From a pageblock of another type, with or without the type. */
static inline __attribute__((always_inline)) unsigned long
take_foreign(struct zone *zone, struct pageblock *pb, unsigned long most, enum migratetype type,
	     uint64_t raw, struct page **top)
{
	if (fallback_owner(pb, type) == type)
		return take_over(zone, pb, type, raw, top);
	return take_borrowed(zone, pb, most, raw, top);
}

static __attribute__((noinline)) unsigned long
take_foreign_traced(struct zone *zone, struct pageblock *pb, unsigned long most,
		    enum migratetype type, uint64_t raw, struct page **top)
{
	unsigned int victim = pb->type;

	most = take_foreign(zone, pb, most, type, raw, top);
	note_fallback((unsigned long)(top[1] - mm.memmap), 0, type, victim);
	return most;
}

/* Where there is nothing to cut either. */
static __attribute__((noinline)) unsigned long take_fallback(struct zone *zone, unsigned long most,
							     enum migratetype type, uint64_t raw,
							     struct page **top)
{
	struct pageblock *pb = buddy_fallback(zone, type, 0);

	if (!pb)
		return 0;
	if (HOOKS & MM_HOOK_TRACE)
		return take_foreign_traced(zone, pb, most, type, raw, top);
	count_event(&zone->extfrag);
	return take_foreign(zone, pb, most, type, raw, top);
}

/* Where no pageblock of the type has a free page: pb_rare(), each of whose ways has one of these. */
static __attribute__((noinline)) unsigned long take_rare(struct zone *zone, unsigned long most,
							 enum migratetype type, uint64_t raw,
							 struct page **top)
{
	struct pageblock *pb = whole_take(zone, pageblock_order);

	if (!pb)
		return take_fallback(zone, most, type, raw, top);
	pb->type = (uint8_t)type;
	return take_from_whole(zone, pb, most, raw, top);
}

/* Are all descriptors of the pageblock written? */
static inline bool pb_trusted(unsigned long index)
{
	const uint64_t __attribute__((may_alias)) *trust =
		(const void *)&mm.trust[(index & ~(pageblock_nr_pages - 1)) >> GROUP_SHIFT];

	static_assert((uint8_t)TRUST_ALL == 0xff, "all bits are set");
	return pageblock_nr_pages >> GROUP_SHIFT == 16 && !~(trust[0] & trust[1]);
}

#define SCATTERED_PAGES 15
#define SCATTERED_WORDS 3

/*
 * The usual refill in a pool of holes, where the first word has no run of eight: one page after the
 * other, SCATTERED_PAGES at most from SCATTERED_WORDS words. It needs a few registers only.
 */
static __attribute__((noinline)) unsigned long take_scattered(struct zone *zone, unsigned long most,
							      unsigned long index, uint64_t raw,
							      struct page **top,
							      struct pageblock *pb)
{
	unsigned int words = SCATTERED_WORDS;
	struct page **slot = top, *const * end;
	unsigned long got;
	uint64_t left;

	if (most >= SCATTERED_PAGES)
		most = SCATTERED_PAGES;
	else
		words = 1;
	end = top + most;
	for (;; index = first_free_word(pb)) {
		struct page *base = &mm.memmap[index];

		__asm__("" : "+r"(base)); /* one register */
		left = *map_word(index);
		do {
			uint64_t low = left & -left;
			struct page *page = &base[bit_number(low)];

			__asm__("" : "+r"(low)); /* it is at hand: no other way to clear it */
			left ^= low;
			page->raw = raw;
			*++slot = page;
		} while (left && slot != end);
		if (left)
			break;
		*map_word(index) = 0;
		*map_order(index) = 0;
		if (slot == end || !--words || !pb_has_free(index))
			break;
	}
	if (left) {
		*map_word(index) = left;
		*map_order(index) = (uint8_t)word_largest(left);
	}
	got = (unsigned long)(slot - top);
	count_free(zone, pb, -(long)got);
	if (!MAP_AT_ONCE || pb->list >= (long)WORD_ORDER ||
	    !bytes_from(*pb_orders(index), (unsigned long)pb->list + 1))
		pb_settle(zone, pb, pb->list);
	return got;
}

unsigned long buddy_alloc_pages(struct zone *zone, unsigned long most, enum migratetype type,
				uint64_t raw, struct page **top)
{
	struct pageblock *pb = pb_own(zone, type, 0);
	unsigned long index;
	uint64_t bits;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(!most || (raw & PAGE_STATE_MASK) != PAGE_INFO(PAGE_ALLOC, 0));
	if (!pb && (zone->nonempty[PB_WHOLE] || zone->nr_untouched))
		return take_rare(zone, most, type, raw, top);
	if (!pb)
		return take_fallback(zone, most, type, raw, top);
	index = first_free_word(pb);
	bits = *map_word(index);
	/* The usual refill: all is free from a multiple of a run on. */
	if (WORD_PAGES == 64 && GROUP_PAGES >= LONG_RUN && most >= LONG_RUN &&
	    !(bits + (bits & -bits)) && lowest_bit(bits) % LONG_RUN == 0)
		return take_long_run(zone, pb, index + lowest_bit(bits), raw, top);
	if (*map_order(index) <= RUN_ORDER && pb_trusted(index))
		return take_scattered(zone, most, index, raw, top, pb);
	if (most <= ENOUGH_PAGES)
		return take_few(zone, most, index, raw, top, pb);
	return take_from_words(zone, most, index, raw, top, pb);
}
#else
/* Those of one block, of the order that is at hand. */
unsigned long buddy_alloc_pages(struct zone *zone, unsigned long most, enum migratetype type,
				uint64_t raw, struct page **top)
{
	unsigned int order = 0;
	unsigned long index, n;

	/* One group of descriptors is written at most. */
	while (order < CONFIG_PCP_BATCH_ORDER && order < GROUP_SHIFT && 2UL << order <= most)
		order++;
	index = buddy_alloc(zone, &order, type, 0);
	if (index == NIL32)
		return 0;
	trust_head(index, 0);
	n = 1UL << order;
	for (struct page *page = &mm.memmap[index]; n;
	     n--, page++) { /* the lowest goes out first */
		page->raw = raw;
		top[n] = page;
	}
	return 1UL << order;
}
#endif
