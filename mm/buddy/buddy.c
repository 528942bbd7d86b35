/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy.c: the buddy allocator proper: blocks are taken. buddy_free.c has the way back. The caller
 * holds the zone's lock with interrupts masked.
 *
 * Each 2 MiB pageblock has a bitmap of its free pages (../free_map.h): blocks of orders 0 to 8 are
 * aligned runs of set bits, so a free sets bits and a split clears some, and nothing is linked or
 * merged. The zone lists pageblocks by mobility type and largest free order; so changing a
 * pageblock's type moves one list entry, whatever it holds. Whole free pageblocks (order 9) and
 * pairs of them (order 10) have a head, no type yet, and get one when they are cut. Sections nobody
 * cut yet are opened only when nothing else is left.
 *
 * Pages that are not free are covered by blocks with heads, reserved ones too, and their bits are
 * clear: what is next to a free block needs no look.
 */
#include "../debug/hooks.h"
#include "buddy_internal.h"

/*
 * The lowest bit set in mask (not 0, 16 bits): where there is no ctz, a loop, or a de Bruijn
 * multiplication where speed counts.
 */
unsigned int lowest_order(unsigned int mask)
{
	VM_BUG_ON(!mask || mask >> 16);
#if !defined(__riscv) || defined(__riscv_zbb)
	return (unsigned int)__builtin_ctz(mask);
#elif FOR_SPEED
	static const uint8_t position[16] = {0, 1, 2, 5, 3, 9, 6, 11, 15, 4, 8, 10, 14, 7, 13, 12};

	return position[(((mask & -mask) * 0x09afU) & 0xffff) >> 12];
#else
	unsigned int order = 0;

	while (!(mask >> order & 1))
		order++;
	return order;
#endif
}

extern void trust_head(unsigned long index, unsigned int order);

#if !FOR_SPEED
void count_free(struct zone *zone, struct pageblock *pb, long pages)
{
	count_free_inline(zone, pb, pages);
}
#endif

extern struct pageblock *pb_find(const struct zone *zone, unsigned int type, unsigned int order);

void pb_relist(struct zone *zone, struct pageblock *pb, long order)
{
	VM_BUG_ON(order < PB_OFF_LIST || order > MAX_PAGE_ORDER);
	if (pb->list == order)
		return;
	if (pb->list != PB_OFF_LIST)
		pb_unlink(zone, pb);
	if (order != PB_OFF_LIST)
		pb_link(zone, pb, order);
}

void pb_settle(struct zone *zone, struct pageblock *pb, long most)
{
	VM_BUG_ON(most < PB_OFF_LIST || most >= pageblock_order);
	VM_BUG_ON(pb_is_whole(pb));
	VM_BUG_ON(!pb_has_free(pb_index(pb)) != !pb->nr_free);
	VM_BUG_ON(pb_largest(pb_index(pb), most) != pb_largest(pb_index(pb), pageblock_order - 1));
	pb_relist(zone, pb, pb_largest(pb_index(pb), most));
}

/* It is of this type from now on; the largest order it may have is returned. */
static inline long pb_open(struct zone *zone, struct pageblock *pb, enum migratetype type)
{
	long most = pb->list;

	if (pb->type != type) {
		pb_relist(zone, pb, PB_OFF_LIST);
		pb->type = (uint8_t)type;
	}
	if (pb_is_whole(pb)) {
		mm.memmap[pb_index(pb)].word = PAGE_NONE; /* no head of a whole one any more */
		most = pageblock_order - 1;
	}
	return most;
}

/*
 * Was a word's largest free order, before some of it was taken, that of its pageblock? A full word
 * may have been part of it. If not, the pageblock stays on its list.
 */
static inline bool may_be_largest(const struct pageblock *pb, long order)
{
	return order >= WORD_ORDER || order >= pb->list;
}

unsigned long pb_take(struct zone *zone, struct pageblock *pb, unsigned int *order,
		      unsigned int lowest, enum migratetype type)
{
	unsigned long index = pb_index(pb), have = *order;
	long most, touched;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(zone != zone_of(index));
	VM_BUG_ON(lowest > have || have >= pageblock_order);
	VM_BUG_ON((unsigned int)type >= MIGRATE_TYPES);
	VM_BUG_ON(!pb_is_whole(pb) && pb->list < (long)lowest);
	most = pb_open(zone, pb, type);
	if (!pb_is_whole(pb)) {
		if (lowest < have && (long)have > most)
			have = (unsigned long)most;
		index = pb_pick(index, have);
	}
	*order = (unsigned int)have;
	if (FOR_SPEED && pb_is_whole(pb)) { /* its first pages: the other half stays free */
		if (have < WORD_ORDER) {
			*map_word(index) = WORD_FULL & WORD_FULL << (1UL << have);
			*map_order(index) = WORD_ORDER;
		} else {
			map_change(index, 1UL << have, false);
		}
		count_free(zone, pb, -(1L << have));
		trust_head(index, (unsigned int)have);
		pb_relist(zone, pb, pageblock_order - 1);
		return index;
	}
	touched = (long)*map_order(index) - 1;
	if (FOR_SPEED && have < WORD_ORDER)
		word_change(index, map_mask(have) << (index & (WORD_PAGES - 1)), false);
	else
		map_change(index, 1UL << have, false);
	count_free(zone, pb, -(1L << have));
	trust_head(index, (unsigned int)have);
	if (may_be_largest(pb, touched))
		pb_settle(zone, pb, most);
	return index;
}

/* ---- single pages, several at once ----------------------------------------------------------- */

/* A refill is done when it has so many. */
#define ENOUGH_PAGES   (((1UL << CONFIG_PCP_BATCH_ORDER) + 1) / 2)
#define REFILL_WORDS   2 /* or has looked at so many words of the map */
#define BORROWED_PAGES 4 /* or so many of another type's pageblock */
#define RUN_ORDER      3 /* runs of so many pages are taken at once */

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
	left = writable_pages(index, *bits, !got);
	if (!left)
		return 0;
	taken = left;
	most -= got;
	top += got;
	if (!FOR_SPEED || *order <= RUN_ORDER || most < 8) {
		struct page **slot = top; /* no run of eight, or too long */

		do {
			struct page *page = &base[lowest_bit(left)];

			left ^= left & -left;
			page->raw = raw;
			*++slot = page;
		} while (left && slot != top + enough);
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

/*
 * The same where the pageblock is free as a whole, its first pages: what stays free is known. It
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

/* ---- whole pageblocks ---------------------------------------------------------------------- */

void whole_add(struct zone *zone, struct pageblock *pb, unsigned long order)
{
	unsigned long index = pb_index(pb);

	VM_BUG_ON(order < pageblock_order || order > MAX_PAGE_ORDER);
	VM_BUG_ON(!pb_is_whole(pb) || pb->list != PB_OFF_LIST);
	VM_BUG_ON(index & ((1UL << order) - 1));
	VM_BUG_ON(order > pageblock_order &&
		  (pb_twin(pb)->list != PB_OFF_LIST || !pb_is_whole(pb_twin(pb))));
	trust_head(index, pageblock_order);
	mm.memmap[index].word = PAGE_FREE_WORD(order);
	pb_on(zone, pb, (long)order);
}

/*
 * A block of order 9 or 10, by its first pageblock: one that is free, a half of a pair, or a
 * section not touched yet. It is on no list any more, but still counted. NULL: there is none.
 */
static struct pageblock *whole_take(struct zone *zone, unsigned int order)
{
	const uint32_t *head = zone->list[PB_WHOLE];
	unsigned int have = order;
	struct pageblock *pb;

	while (have < MAX_PAGE_ORDER && head[have] == NIL32)
		have++;
	if (head[have] != NIL32 && !FAULT_POINT()) {
		pb = &mm.pageblocks[head[have]];
		VM_BUG_ON(mm.memmap[pb_index(pb)].word != PAGE_FREE_WORD(have));
		VM_BUG_ON(pb_is_kept(pb));
		pb_off(zone, pb);
	} else {
		pb = section_take(zone);
		if (!pb)
			return NULL;
		have = MAX_PAGE_ORDER;
	}
	if (SECTION_PAGEBLOCKS > 2)
		while (have-- > order)
			whole_add(zone, pb_buddy(pb, have), have);
	else if (have > order)
		whole_add(zone, pb + 1, pageblock_order);
	return pb;
}

/* ---- what the rest of mm/ calls ------------------------------------------------------------ */

/*
 * Where a smaller block will do, a call that cuts a whole pageblock or borrows from another type's
 * serves at most this order, and one that takes a pageblock over a single page, so that no call
 * does two expensive things.
 */
#define SMALL_BATCH_ORDER 2

/* One of this type that has such a block. NULL: there is none. */
static inline struct pageblock *pb_own(const struct zone *zone, enum migratetype type,
				       unsigned int lowest)
{
	struct pageblock *pb = pb_find(zone, type, lowest);

	return pb && !FAULT_POINT() ? pb : NULL;
}

/*
 * The pageblock for a request that none of its own type serves: a whole one, or another type's;
 * *owner is the type it has from now on. NULL: there is none.
 */
static inline struct pageblock *pb_rare(struct zone *zone, enum migratetype type,
					unsigned int lowest, enum migratetype *owner)
{
	struct pageblock *pb = NULL;

	*owner = type;
	if (zone->nonempty[PB_WHOLE] || zone->nr_untouched)
		pb = whole_take(zone, pageblock_order);
	return pb ? pb : buddy_fallback(zone, type, lowest, owner);
}

/* A request of this type has taken a block of another's. */
static inline void note_fallback(unsigned long index, unsigned int order, enum migratetype type,
				 unsigned int victim)
{
	count_event(&mm.stats.extfrag);
	if (HOOKS & MM_HOOK_TRACE)
		trace_event(MM_TRACE_EXTFRAG, index, order, (uint32_t)type, victim);
}

unsigned long buddy_alloc(struct zone *zone, unsigned int *order, enum migratetype type,
			  unsigned int lowest)
{
	enum migratetype owner;
	struct pageblock *pb;
	unsigned long index;
	unsigned int victim;
	bool rare, foreign;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(*order > MAX_PAGE_ORDER || lowest > *order);
	VM_BUG_ON((unsigned int)type >= MIGRATE_PCPTYPES);
	if (*order >= pageblock_order) {
		pb = whole_take(zone, *order);
		if (!pb)
			return NIL32;
		index = pb_index(pb);
		zone->nr_free -= 1UL << *order;
		for (unsigned long at = index; at < index + (1UL << *order);
		     at += pageblock_nr_pages) {
			pb_of(at)->nr_free = 0;
			map_fill(at, false);
		}
		return index;
	}
	pb = pb_own(zone, type, lowest);
	owner = type;
	rare = !pb;
	if (rare)
		pb = pb_rare(zone, type, lowest, &owner);
	if (!pb)
		return NIL32;
	victim = pb->type;
	foreign = rare && !pb_is_whole(pb);
	if (rare && lowest < *order)
		*order = foreign && owner == type     ? lowest
			 : *order > SMALL_BATCH_ORDER ? SMALL_BATCH_ORDER
						      : *order;
	index = pb_take(zone, pb, order, lowest, owner);
	if (foreign)
		note_fallback(index, *order, type, victim);
	return index;
}

/*
 * As buddy_alloc_pages(), from this pageblock of the type, its word at index first; NULL: none has
 * any. Where speed counts each of the two has a copy.
 */
static inline __attribute__((always_inline)) unsigned long
take_pages(struct zone *zone, unsigned long most, enum migratetype type, uint64_t raw,
	   struct page **top, struct pageblock *pb, unsigned long index)
{
	enum migratetype owner = type;
	bool rare = !pb, foreign;
	unsigned long got = 0, before;
	unsigned int victim, words = REFILL_WORDS;
	long largest, touched = PB_OFF_LIST;

	if (rare)
		pb = pb_rare(zone, type, 0, &owner);
	if (!pb)
		return 0;
	victim = pb->type;
	foreign = rare && !pb_is_whole(pb);
	if (rare && most > ENOUGH_PAGES)
		most = ENOUGH_PAGES;
	if (most <= ENOUGH_PAGES)
		words = 1;
	if (foreign && most > BORROWED_PAGES)
		most = BORROWED_PAGES;
	if (foreign && owner == type)
		most = 1;
	if (FOR_SPEED && rare && !foreign) {
		pb->type = (uint8_t)owner;
		return take_from_whole(zone, pb, most, raw, top);
	}
	if (FOR_SPEED && foreign && owner == type) { /* a takeover: one page */
		unsigned int order = 0;

		index = pb_take(zone, pb, &order, 0, owner);
		mm.memmap[index].raw = raw;
		top[1] = &mm.memmap[index];
		note_fallback(index, 0, type, victim);
		return 1;
	}
	largest = FOR_SPEED && !rare ? pb->list : pb_open(zone, pb, owner);
	do {
		if (!FOR_SPEED || rare || got)
			index = first_free_word(pb);
		before = got;
		got += take_from_word(index, most, got, raw, top, &touched);
	} while (got > before && got < most && got < ENOUGH_PAGES && pb_has_free(index) && --words);
	VM_BUG_ON(!got);
	count_free(zone, pb, -(long)got);
	if (may_be_largest(pb, touched))
		pb_settle(zone, pb, largest);
	if (foreign)
		note_fallback((unsigned long)(top[1] - mm.memmap), 0, type, victim);
	return got;
}

#if FOR_SPEED
static __attribute__((noinline)) unsigned long take_rare(struct zone *zone, unsigned long most,
							 enum migratetype type, uint64_t raw,
							 struct page **top)
{
	return take_pages(zone, most, type, raw, top, NULL, 0);
}

static __attribute__((noinline)) unsigned long
take_from_words(struct zone *zone, unsigned long most, unsigned long index, uint64_t raw,
		struct page **top, struct pageblock *pb)
{
	if (!pb)
		__builtin_unreachable();
	return take_pages(zone, most, pb->type, raw, top, pb, index);
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
	if (!pb)
		return take_rare(zone, most, type, raw, top);
	index = first_free_word(pb);
	bits = *map_word(index);
	/* The usual refill: all is free from a multiple of a run on. */
	if (WORD_PAGES == 64 && GROUP_PAGES >= LONG_RUN && most >= LONG_RUN &&
	    !(bits + (bits & -bits)) && lowest_bit(bits) % LONG_RUN == 0)
		return take_long_run(zone, pb, index + lowest_bit(bits), raw, top);
	if (*map_order(index) <= RUN_ORDER && pb_trusted(index))
		return take_scattered(zone, most, index, raw, top, pb);
	return take_from_words(zone, most, index, raw, top, pb);
}
#else
unsigned long buddy_alloc_pages(struct zone *zone, unsigned long most, enum migratetype type,
				uint64_t raw, struct page **top)
{
	return take_pages(zone, most, type, raw, top, pb_own(zone, type, 0), 0);
}
#endif
