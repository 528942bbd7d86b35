/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy.c: the buddy allocator proper. The caller holds the zone's lock with interrupts masked.
 *
 * Each 2 MiB pageblock has a small buddy of its own for orders 0 to 8, and the zone lists
 * pageblocks by mobility type and largest free order; so changing a pageblock's type moves one
 * list entry, whatever it holds. Whole free pageblocks (order 9) and pairs of them (order 10)
 * have no type and get one when they are cut. Sections nobody cut yet are opened only when
 * nothing else is left.
 *
 * Within an open section every block has a head, reserved ones too, so the frame at (index ^
 * 2^order) is the head of a block or lies inside a smaller-aligned one, and merging needs no
 * range test.
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
extern struct pageblock *pb_find(const struct zone *zone, unsigned int type, unsigned int order);

static inline struct pageblock *pb_of(unsigned long index)
{
	return &mm.pageblocks[index >> pageblock_order];
}

/*
 * So many pages of the pageblock, or of the two it starts, are free now that were not, or the other
 * way round. Its own count is of the blocks on its lists: 0 when it is free as a whole, and so it
 * is kept modulo the pages of a pageblock.
 */
MM_OUTLINE_SHARED void count_free(struct zone *zone, struct pageblock *pb, long pages)
{
	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(zone != zone_of(pb_index(pb)));
	VM_BUG_ON(pages < 0 && zone->nr_free < (uint64_t)-pages);
	VM_BUG_ON(pages > 0 && zone->nr_free + (uint64_t)pages > zone->end - zone->start);
	VM_BUG_ON(pages < 0 && pb->type == MIGRATE_HIGHATOMIC &&
		  zone->nr_free_highatomic < (uint64_t)-pages);
	zone->nr_free += (uint64_t)pages;
	pb->nr_free = (uint16_t)((pb->nr_free + pages) & (long)(pageblock_nr_pages - 1));
	if (pb->type == MIGRATE_HIGHATOMIC)
		zone->nr_free_highatomic += (uint64_t)pages;
}

/* ---- a zone's lists of pageblocks ---------------------------------------------------------- */

/* Only HIGHATOMIC pageblocks keep their type when they are free as a whole. */
static inline unsigned long list_type(const struct pageblock *pb, long order)
{
	return order < pageblock_order || pb->type == MIGRATE_HIGHATOMIC ? pb->type : PB_WHOLE;
}

static inline void pb_link(struct zone *zone, struct pageblock *pb, long order)
{
	unsigned long type = list_type(pb, order);
	uint32_t number = (uint32_t)(pb - mm.pageblocks);
	uint32_t *head = &zone->list[type][order];

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(pb->list != PB_OFF_LIST);
	VM_BUG_ON(order < 0 || order > MAX_PAGE_ORDER);
	VM_BUG_ON(type >= NR_PB_LISTS);
	VM_BUG_ON(!(zone->nonempty[type] >> order & 1) != (*head == NIL32));
	VM_BUG_ON(*head != NIL32 && *head >= mm.nr_pages >> pageblock_order);
	VM_BUG_ON(*head != NIL32 && mm.pageblocks[*head].list != order);
	VM_BUG_ON(*head != NIL32 && mm.pageblocks[*head].prev != NIL32);
	VM_BUG_ON(*head == number);
	pb->list = (int8_t)order;
	pb->prev = NIL32;
	pb->next = *head;
	if (*head != NIL32)
		mm.pageblocks[*head].prev = number;
	*head = number;
	zone->nonempty[type] |= (uint16_t)(1U << order);
}

static inline void pb_unlink(struct zone *zone, struct pageblock *pb)
{
	long order = pb->list;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(order < 0 || order > MAX_PAGE_ORDER);
	VM_BUG_ON(!(zone->nonempty[list_type(pb, order)] >> order & 1));
	VM_BUG_ON(pb->next != NIL32 && &mm.pageblocks[mm.pageblocks[pb->next].prev] != pb);
	VM_BUG_ON(pb->next != NIL32 && mm.pageblocks[pb->next].list != order);
	VM_BUG_ON(pb->prev != NIL32 && &mm.pageblocks[mm.pageblocks[pb->prev].next] != pb);
	VM_BUG_ON(pb->prev == NIL32 &&
		  &mm.pageblocks[zone->list[list_type(pb, order)][order]] != pb);
	pb->list = PB_OFF_LIST;
	if (pb->next != NIL32)
		mm.pageblocks[pb->next].prev = pb->prev;
	if (pb->prev != NIL32) {
		mm.pageblocks[pb->prev].next = pb->next;
	} else {
		unsigned long type = list_type(pb, order);

		zone->list[type][order] = pb->next;
		if (pb->next == NIL32)
			zone->nonempty[type] ^= (uint16_t)(1U << order);
	}
}

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

/* The same where it is certain that it is on a list, or on none: no tests where speed counts. */
static inline void pb_off(struct zone *zone, struct pageblock *pb)
{
	if (FOR_SPEED)
		pb_unlink(zone, pb);
	else
		pb_relist(zone, pb, PB_OFF_LIST);
}

static inline void pb_on(struct zone *zone, struct pageblock *pb, long order)
{
	if (FOR_SPEED)
		pb_link(zone, pb, order);
	else
		pb_relist(zone, pb, order);
}

void pb_settle(struct zone *zone, struct pageblock *pb, long most)
{
	unsigned int orders = (unsigned int)pb->free_orders << 1 | 1;

	VM_BUG_ON(most < PB_OFF_LIST || most >= pageblock_order);
	VM_BUG_ON(pb->free_orders >> (most + 1));
	VM_BUG_ON(!pb->free_orders != !pb->nr_free);
	while (!(orders >> (most + 1) & 1))
		most--;
	pb_relist(zone, pb, most);
}

/* ---- a pageblock's lists of blocks --------------------------------------------------------- */

/*
 * Is there a free block of this order at a descriptor that is believed? It may be a page that its
 * holder, or the CPU in whose cache it lies, is just writing without a lock: then its state says
 * so, before and after.
 */
static inline RACY bool is_free_block(const struct page *page, unsigned long order)
{
	return __atomic_load_n(&page->word, __ATOMIC_RELAXED) == PAGE_FREE_WORD(order);
}

/* Write the head of a free block and put it first on its list. */
MM_OUTLINE void block_add(struct pageblock *pb, struct page *base, unsigned long local,
			  unsigned long order)
{
	struct page *block = &base[local];

	VM_BUG_ON(order >= pageblock_order);
	VM_BUG_ON(local >= pageblock_nr_pages || local & ((1UL << order) - 1));
	VM_BUG_ON(!trusted((unsigned long)(block - mm.memmap)));
	VM_BUG_ON(pb->free_orders >> order & 1 && pb->head[order] >= pageblock_nr_pages);
	VM_BUG_ON(pb->free_orders >> order & 1 && base[pb->head[order]].prev != NIL16);
	VM_BUG_ON(pb->free_orders >> order & 1 && pb->head[order] == local);
	block->raw = PAGE_FREE_ALONE(0) + (order << PAGE_ORDER_SHIFT);
	if (pb->free_orders >> order & 1) {
		block->next = pb->head[order];
		base[block->next].prev = (uint16_t)local;
	}
	pb->head[order] = (uint16_t)local;
	pb->free_orders |= (uint16_t)(1U << order);
}

MM_OUTLINE_SHARED void block_del(struct pageblock *pb, struct page *base, unsigned long local,
				 unsigned long order)
{
	uint16_t prev = base[local].prev, next = base[local].next;

	VM_BUG_ON(order >= pageblock_order);
	VM_BUG_ON(local >= pageblock_nr_pages || local & ((1UL << order) - 1));
	VM_BUG_ON(base[local].word != PAGE_FREE_WORD(order));
	VM_BUG_ON(!(pb->free_orders >> order & 1));
	VM_BUG_ON(next != NIL16 && (next >= pageblock_nr_pages || base[next].prev != local));
	VM_BUG_ON(prev != NIL16 && (prev >= pageblock_nr_pages || base[prev].next != local));
	VM_BUG_ON(prev == NIL16 && pb->head[order] != local);
	if (next != NIL16)
		base[next].prev = prev;
	if (prev != NIL16)
		base[prev].next = next;
	else if (next != NIL16)
		pb->head[order] = next;
	else
		pb->free_orders ^= (uint16_t)(1U << order);
}

/*
 * All but the first `pages` (1 at least) of the block at index go on the lists of its pageblock.
 * What heads the rest is the caller's to write, and to make trustworthy.
 */
static void block_tails(struct pageblock *pb, unsigned long index, unsigned long order,
			unsigned long pages)
{
	unsigned long local = index & (pageblock_nr_pages - 1);

	VM_BUG_ON(!pages || pages > 1UL << order);
	VM_BUG_ON(order > pageblock_order || index & ((1UL << order) - 1));
	index -= local;
	while (pages < 1UL << order) {
		unsigned long half = 1UL << --order;

		if (pages > half) {
			local += half;
			pages -= half;
			continue;
		}
		trust_head(index + local + half, (unsigned int)order);
		block_add(pb, &mm.memmap[index], local + half, order);
	}
}

/*
 * The same for the first 2^to pages where the lists of the parts are empty: written out, as most
 * requests come to this.
 */
static inline void block_split(struct pageblock *pb, unsigned long index, unsigned long from,
			       unsigned long to)
{
	unsigned long half = 1UL << from, end = 1UL << to, group = end;
	unsigned long local = index & (pageblock_nr_pages - 1);
	struct page *block = &mm.memmap[index];
	int8_t *trust = &mm.trust[index >> GROUP_SHIFT];
	uint16_t *head = &pb->head[from];
	uint64_t raw = PAGE_FREE_ALONE(0) + (from << PAGE_ORDER_SHIFT);

	VM_BUG_ON(from <= to || from > pageblock_order || index & (half - 1));
	VM_BUG_ON(pb->free_orders & (half - end));
	VM_BUG_ON(to < GROUP_SHIFT && *trust != TRUST_ALL);
	if (!FOR_SPEED) {
		block_tails(pb, index, from, end);
		return;
	}
	pb->free_orders |= (uint16_t)(half - end);
	if (group < GROUP_PAGES)
		group = GROUP_PAGES;
	while (half > group) {
		int8_t *t = trust + ((half >>= 1) >> GROUP_SHIFT);

		raw -= 1UL << PAGE_ORDER_SHIFT;
		if (*t == TRUST_NONE)
			*t = TRUST_HEAD;
		block[half].raw = raw;
		*--head = (uint16_t)(local + half);
	}
	while (half > end) { /* all in one group, which the caller has seen to */
		half >>= 1;
		raw -= 1UL << PAGE_ORDER_SHIFT;
		block[half].raw = raw;
		*--head = (uint16_t)(local + half);
	}
}

unsigned long pb_take(struct zone *zone, struct pageblock *pb, unsigned int *order,
		      unsigned int lowest, enum migratetype type)
{
	unsigned long index = pb_index(pb), have = pageblock_order, want = *order;
	long most = pb->list;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(zone != zone_of(index));
	VM_BUG_ON(lowest > want || want >= pageblock_order);
	VM_BUG_ON((unsigned int)type >= MIGRATE_TYPES);
	VM_BUG_ON(pb->free_orders && !(pb->free_orders >> lowest));
	VM_BUG_ON(pb->free_orders && pb->list < (long)lowest);
	if (pb->type != type) {
		pb_relist(zone, pb, PB_OFF_LIST);
		pb->type = (uint8_t)type;
	}
	if (pb->free_orders) {
		unsigned long local;

		have = lowest + lowest_order((unsigned int)pb->free_orders >> lowest);
		local = pb->head[have];
		block_del(pb, &mm.memmap[index], local, have);
		index += local;
	} else {
		most = pageblock_order - 1;
	}
	if (have > want) {
		trust_head(index, (unsigned int)want);
		block_split(pb, index, have, want);
		have = want;
	}
	*order = (unsigned int)have;
	count_free(zone, pb, -(1L << have));
	pb_settle(zone, pb, most);
	return index;
}

/* ---- whole pageblocks ---------------------------------------------------------------------- */

static void whole_add(struct zone *zone, struct pageblock *pb, unsigned long order)
{
	unsigned long index = pb_index(pb);

	VM_BUG_ON(order != pageblock_order && order != MAX_PAGE_ORDER);
	VM_BUG_ON(pb->free_orders || pb->nr_free || pb->list != PB_OFF_LIST);
	VM_BUG_ON(index & ((1UL << order) - 1));
	VM_BUG_ON(order == MAX_PAGE_ORDER && pb_twin(pb)->list != PB_OFF_LIST);
	VM_BUG_ON(order == MAX_PAGE_ORDER && pb_twin(pb)->free_orders);
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
		VM_BUG_ON(pb->type == MIGRATE_HIGHATOMIC);
		pb_off(zone, pb);
	} else {
		pb = section_take(zone);
		if (!pb)
			return NULL;
		have = MAX_PAGE_ORDER;
	}
	if (have > order)
		whole_add(zone, pb + 1, pageblock_order);
	return pb;
}

/* ---- what the rest of mm/ calls ------------------------------------------------------------ */

/*
 * Where a smaller block will do, a call that cuts a whole pageblock or borrows from another type's serves at most
 * this order, and one that takes a pageblock over a single page, so that no call does two expensive
 * things.
 */
#define SMALL_BATCH_ORDER 2

unsigned long buddy_alloc(struct zone *zone, unsigned int *order, enum migratetype type,
			  unsigned int lowest)
{
	struct pageblock *pb;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(*order > MAX_PAGE_ORDER || lowest > *order);
	VM_BUG_ON((unsigned int)type >= MIGRATE_PCPTYPES);
	if (*order >= pageblock_order) {
		pb = whole_take(zone, *order);
		if (!pb)
			return NIL32;
		count_free(zone, pb, -(1L << *order));
		return pb_index(pb);
	}
	pb = pb_find(zone, type, lowest);
	if (!pb || FAULT_POINT()) {
		if (lowest < *order && *order > SMALL_BATCH_ORDER)
			*order = SMALL_BATCH_ORDER;
		pb = zone->nonempty[PB_WHOLE] || zone->nr_untouched
			     ? whole_take(zone, pageblock_order)
			     : NULL;
		if (!pb)
			return buddy_fallback(zone, order, type, lowest);
	}
	return pb_take(zone, pb, order, lowest, type);
}

void buddy_add(struct zone *zone, unsigned long index, unsigned int order)
{
	unsigned long local = index & (pageblock_nr_pages - 1);
	struct pageblock *pb = pb_of(index);

	VM_BUG_ON(order > MAX_PAGE_ORDER || index & ((1UL << order) - 1));
	VM_BUG_ON(index < zone->start || index + (1UL << order) > zone->end);
	count_free(zone, pb, 1L << order);
	if (order >= pageblock_order)
		whole_add(zone, pb, order);
	else
		block_add(pb, &mm.memmap[index - local], local, order);
}

/*
 * The block merges with its buddy while that is free and of the same order, up to its pageblock; two
 * pageblocks that are free as a whole become one block of order 10 if neither is HIGHATOMIC.
 */
unsigned int buddy_free(struct zone *zone, unsigned long index, unsigned int freed)
{
	unsigned long local = index & (pageblock_nr_pages - 1), order = freed;
	struct pageblock *pb = pb_of(index), *twin;
	struct page *base = &mm.memmap[index - local];

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(order > MAX_PAGE_ORDER || index & ((1UL << order) - 1));
	VM_BUG_ON(index < zone->start || index + (1UL << order) > zone->end);
	VM_BUG_ON(!section_is_open(index >> SECTION_SHIFT));
	VM_BUG_ON(order < pageblock_order && trusted(index) &&
		  page_state(&mm.memmap[index]) == PAGE_FREE);
	count_free(zone, pb, 1L << order);
	for (; order < pageblock_order; order++) {
		unsigned long buddy = local ^ 1UL << order;

		if (!is_free_block(&base[buddy], order)) {
			block_add(pb, base, local, order);
			if ((long)order > pb->list)
				pb_relist(zone, pb, (long)order);
			return (unsigned int)order - freed;
		}
		block_del(pb, base, buddy, order);
		base[local | buddy].word = PAGE_NONE; /* the upper half is no head any more */
		local &= buddy;
	}
	pb_relist(zone, pb, PB_OFF_LIST);
	twin = pb_twin(pb);
	if (order == pageblock_order && pb->type != MIGRATE_HIGHATOMIC &&
	    twin->list == pageblock_order && twin->type != MIGRATE_HIGHATOMIC) {
		pb_off(zone, twin);
		pb = twin < pb ? twin : pb;
		mm.memmap[pb_index(pb + 1)].word = PAGE_NONE;
		order++;
	}
	whole_add(zone, pb, order);
	return (unsigned int)order - freed;
}

/* A block that may have been a whole pageblock falls apart: what is freed of it is of this type. */
static inline void pageblock_set_type(struct pageblock *pb, enum migratetype type)
{
	VM_BUG_ON(pb->list >= pageblock_order || type >= MIGRATE_PCPTYPES);
	if (!pb->free_orders && pb->type != MIGRATE_HIGHATOMIC)
		pb->type = (uint8_t)type;
}

/* What the debug options do besides to all but the first `pages` of a block. */
static void hook_free_tails(unsigned long index, unsigned int order, unsigned long pages,
			    enum migratetype type)
{
	while (pages < 1UL << order) {
		unsigned long half = 1UL << --order;

		if (pages > half) {
			index += half;
			pages -= half;
		} else {
			hook_free_part(index + half, order, type);
		}
	}
}

void buddy_free_tails(struct zone *zone, unsigned long index, unsigned int order,
		      unsigned long pages, enum migratetype type)
{
	struct pageblock *pb = pb_of(index);
	long most = pb->list;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(!pages || pages > 1UL << order || order > MAX_PAGE_ORDER);
	VM_BUG_ON(index & ((1UL << order) - 1));
	VM_BUG_ON(trusted(index) && page_state(&mm.memmap[index]) == PAGE_FREE);
	pageblock_set_type(pb, type);
	if (pages > pageblock_nr_pages) { /* of a pair: all of the first */
		buddy_free_tails(zone, index + pageblock_nr_pages, pageblock_order,
				 pages - pageblock_nr_pages, type);
		return;
	}
	if (HOOKS)
		hook_free_tails(index, order, pages, type);
	if (order > pageblock_order) /* all of the second */
		buddy_free(zone, index + pageblock_nr_pages, --order);
	count_free(zone, pb, (long)((1UL << order) - pages));
	/* No part has a free buddy: that holds a page which is kept. */
	if (FOR_SPEED && pages == 1 && !pb->free_orders) { /* as always when it was all of it */
		trust_head(index, 0);
		block_split(pb, index, order, 0);
	} else {
		block_tails(pb, index, order, pages);
	}
	pb_settle(zone, pb, most < (long)order ? (long)order - 1 : most);
}
