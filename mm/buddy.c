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
#include "internal.h"

/* The lowest bit set in mask (not 0, 16 bits): a de Bruijn multiplication where there is no ctz. */
unsigned int lowest_order(unsigned int mask)
{
#if defined(__riscv) && !defined(__riscv_zbb)
	static const uint8_t position[16] = {0, 1, 2, 5, 3, 9, 6, 11, 15, 4, 8, 10, 14, 7, 13, 12};

	return position[(((mask & -mask) * 0x09afU) & 0xffff) >> 12];
#else
	return (unsigned int)__builtin_ctz(mask);
#endif
}

/* ---- a zone's lists of pageblocks ---------------------------------------------------------- */

/* Only HIGHATOMIC pageblocks keep their type when they are free as a whole. */
static inline bool list_is_typed(const struct pageblock *pb, int order)
{
	return order < pageblock_order || pb->type == MIGRATE_HIGHATOMIC;
}

static inline uint32_t *list_of(struct zone *zone, const struct pageblock *pb, int order)
{
	return list_is_typed(pb, order) ? &zone->list[pb->type][order]
					: &zone->whole[order - pageblock_order];
}

void pb_link(struct zone *zone, struct pageblock *pb, int order)
{
	uint32_t number = (uint32_t)(pb - mm.pageblocks);
	uint32_t *head = list_of(zone, pb, order);

	pb->list = (int8_t)order;
	pb->prev = NIL32;
	pb->next = *head;
	if (*head != NIL32)
		mm.pageblocks[*head].prev = number;
	*head = number;
	if (list_is_typed(pb, order))
		zone->nonempty[pb->type] |= (uint16_t)(1U << order);
}

void pb_unlink(struct zone *zone, struct pageblock *pb)
{
	int order = pb->list;

	if (pb->next != NIL32)
		mm.pageblocks[pb->next].prev = pb->prev;
	if (pb->prev != NIL32) {
		mm.pageblocks[pb->prev].next = pb->next;
	} else {
		*list_of(zone, pb, order) = pb->next;
		if (pb->next == NIL32 && list_is_typed(pb, order))
			zone->nonempty[pb->type] &= (uint16_t)~(1U << order);
	}
	pb->list = PB_OFF_LIST;
}

/* Put the pageblock on the list of its largest free order, if it is not there already. */
static void pb_relist(struct zone *zone, struct pageblock *pb, int largest)
{
	if (pb->list == largest)
		return;
	if (pb->list != PB_OFF_LIST)
		pb_unlink(zone, pb);
	if (largest != PB_OFF_LIST)
		pb_link(zone, pb, largest);
}

/* ---- a pageblock's lists of blocks --------------------------------------------------------- */

static inline struct page *pb_base(const struct pageblock *pb)
{
	return &mm.memmap[(unsigned long)(pb - mm.pageblocks) << pageblock_order];
}

/*
 * Is there a free block of this order at a descriptor that is believed? It may be a page that its
 * holder, or the CPU in whose cache it lies, is just writing without a lock: then its state says
 * so, before and after.
 */
static inline RACY bool is_free_block(const struct page *page, unsigned int order)
{
	return __atomic_load_n(&page->word, __ATOMIC_RELAXED) == PAGE_FREE_WORD(order);
}

/* Write the head of a free block and put it first on its list. */
static inline void block_add(struct pageblock *pb, unsigned long local, unsigned int order)
{
	struct page *base = pb_base(pb);
	uint16_t next = NIL16;

	if (pb->free_orders >> order & 1) {
		next = pb->head[order];
		base[next].prev = (uint16_t)local;
	}
	base[local].raw = PAGE_FREE_WORD(order) | (uint64_t)NIL16 << 32 | (uint64_t)next << 48;
	pb->head[order] = (uint16_t)local;
	pb->free_orders |= (uint16_t)(1U << order);
}

static inline void block_del(struct pageblock *pb, unsigned long local, unsigned int order)
{
	struct page *base = pb_base(pb);
	uint16_t prev = base[local].prev, next = base[local].next;

	if (next != NIL16)
		base[next].prev = prev;
	if (prev != NIL16)
		base[prev].next = next;
	else if (next != NIL16)
		pb->head[order] = next;
	else
		pb->free_orders &= (uint16_t)~(1U << order);
}

/*
 * Split the block of order `from` at local down to `to`; the upper halves go on the pageblock's
 * lists, which are empty for these orders. The head at local is the caller's to write, and to make
 * trustworthy.
 */
static inline void block_split(struct pageblock *pb, struct page *block, unsigned long local,
			       unsigned int from, unsigned int to)
{
	unsigned long half = 1UL << from, end = 1UL << to, group = end;
	int8_t *trust = &mm.trust[(unsigned long)(block - mm.memmap) >> GROUP_SHIFT];
	uint16_t *head = &pb->head[from];
	uint64_t raw = PAGE_FREE_ALONE(from);

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
		      unsigned int lowest, int largest)
{
	unsigned int have = lowest + lowest_order((unsigned int)pb->free_orders >> lowest);
	unsigned long local = pb->head[have];
	struct page *block = pb_base(pb) + local;

	block_del(pb, local, have);
	if (have > *order) {
		trust_head((unsigned long)(block - mm.memmap), *order);
		block_split(pb, block, local, have, *order);
	} else {
		*order = have;
	}
	pb->nr_free = (uint16_t)(pb->nr_free - (1U << *order));
	zone->nr_free -= 1UL << *order;
	if (pb->type == MIGRATE_HIGHATOMIC)
		zone->nr_free_highatomic -= 1UL << *order;
	while (largest >= 0 && !(pb->free_orders >> largest & 1))
		largest--;
	pb_relist(zone, pb, largest);
	return (unsigned long)(block - mm.memmap);
}

/* ---- whole pageblocks ---------------------------------------------------------------------- */

static void whole_add(struct zone *zone, unsigned long index, unsigned int order)
{
	struct pageblock *pb = &mm.pageblocks[index >> pageblock_order];

	mm.memmap[index].word = PAGE_FREE_WORD(order);
	pb_link(zone, pb, (int)order);
}

/*
 * Take a block of order 9 or 10: one that is free, a half of a pair, or a section not touched
 * yet.
 */
static unsigned long whole_take(struct zone *zone, unsigned int order)
{
	uint32_t number = order == pageblock_order && !FAULT_POINT() ? zone->whole[0] : NIL32;
	unsigned long index;

	zone->nr_free -= 1UL << order;
	if (number != NIL32) {
		pb_unlink(zone, &mm.pageblocks[number]);
		return (unsigned long)number << pageblock_order;
	}
	number = FAULT_POINT() ? NIL32 : zone->whole[1];
	if (number != NIL32) {
		pb_unlink(zone, &mm.pageblocks[number]);
		index = (unsigned long)number << pageblock_order;
	} else {
		unsigned long section = section_take(zone);

		if (section == NIL32) {
			zone->nr_free += 1UL << order;
			return NIL32;
		}
		index = section << SECTION_SHIFT;
	}
	if (order == pageblock_order) {
		trust_head(index + pageblock_nr_pages, pageblock_order);
		whole_add(zone, index + pageblock_nr_pages, pageblock_order);
	}
	return index;
}

/* Cut a block of `order` from a pageblock that is free as a whole and on no list any more. */
unsigned long pb_cut(struct zone *zone, struct pageblock *pb, unsigned int order)
{
	unsigned long index = (unsigned long)(pb - mm.pageblocks) << pageblock_order;

	trust_head(index, order);
	block_split(pb, &mm.memmap[index], 0, pageblock_order, order);
	pb->nr_free = (uint16_t)(pageblock_nr_pages - (1UL << order));
	zone->nr_free -= 1UL << order;
	if (pb->type == MIGRATE_HIGHATOMIC)
		zone->nr_free_highatomic -= 1UL << order;
	pb_link(zone, pb, pageblock_order - 1);
	return index;
}

/* The same from a pageblock of no type, which gets this one. */
static unsigned long whole_cut(struct zone *zone, unsigned int order, enum migratetype type)
{
	unsigned long index = whole_take(zone, pageblock_order);
	struct pageblock *pb;

	if (index == NIL32)
		return NIL32;
	pb = &mm.pageblocks[index >> pageblock_order];
	pb->type = (uint8_t)type;
	zone->nr_free += pageblock_nr_pages; /* whole_take() took them off, pb_cut() counts anew */
	return pb_cut(zone, pb, order);
}

/* ---- what the rest of mm/ calls ------------------------------------------------------------ */

/*
 * With any_smaller a call that cuts a whole pageblock or borrows from another type's serves at most
 * this order, and one that takes a pageblock over a single page, so that no call does two expensive
 * things.
 */
#define SMALL_BATCH_ORDER 2

unsigned long buddy_alloc(struct zone *zone, unsigned int *order, enum migratetype type,
			  bool any_smaller)
{
	unsigned int lowest = any_smaller ? 0 : *order;
	unsigned int mask;
	unsigned long index;

	if (*order >= pageblock_order)
		return whole_take(zone, *order);
	mask = (unsigned int)zone->nonempty[type] >> lowest;
	if (mask && !FAULT_POINT()) {
		uint32_t number = zone->list[type][lowest + lowest_order(mask)];

		struct pageblock *pb = &mm.pageblocks[number];

		return pb_take(zone, pb, order, lowest, pb->list);
	}
	if (any_smaller && *order > SMALL_BATCH_ORDER)
		*order = SMALL_BATCH_ORDER;
	if ((zone->whole[0] & zone->whole[1]) != NIL32 || zone->nr_untouched) {
		index = whole_cut(zone, *order, type);
		if (index != NIL32)
			return index;
	}
	return buddy_fallback(zone, order, type, lowest);
}

void buddy_add(struct zone *zone, unsigned long index, unsigned int order)
{
	struct pageblock *pb = &mm.pageblocks[index >> pageblock_order];

	zone->nr_free += 1UL << order;
	if (order >= pageblock_order) {
		whole_add(zone, index, order);
		return;
	}
	block_add(pb, index & (pageblock_nr_pages - 1), order);
	pb->nr_free = (uint16_t)(pb->nr_free + (1U << order));
}

void buddy_added(struct zone *zone, unsigned long section)
{
	struct pageblock *pb = &mm.pageblocks[section << (SECTION_SHIFT - pageblock_order)];

	for (int i = 0; i < 2; i++, pb++) {
		int largest = pageblock_order - 1;

		if (!pb->free_orders)
			continue;
		while (!(pb->free_orders >> largest & 1))
			largest--;
		pb_link(zone, pb, largest);
	}
}

unsigned int buddy_free(struct zone *zone, unsigned long index, unsigned int order)
{
	struct pageblock *pb = &mm.pageblocks[index >> pageblock_order];
	struct page *base = pb_base(pb);
	unsigned long local = index & (pageblock_nr_pages - 1);
	unsigned int freed = order;

	zone->nr_free += 1UL << order;
	if (pb->type == MIGRATE_HIGHATOMIC)
		zone->nr_free_highatomic += 1UL << order;
	if (order < pageblock_order) {
		unsigned int nr = 1U << order;

		for (; order < pageblock_order; order++) {
			unsigned long buddy = local ^ (1UL << order);

			if (!is_free_block(&base[buddy], order))
				break;
			block_del(pb, buddy, order);
			base[local | buddy].word =
				PAGE_NONE; /* the upper half is no head any more */
			local &= buddy;
		}
		if (order < pageblock_order) {
			block_add(pb, local, order);
			pb->nr_free = (uint16_t)(pb->nr_free + nr);
			if ((int)order > pb->list)
				pb_relist(zone, pb, (int)order);
			return order - freed;
		}
		if (pb->list != PB_OFF_LIST)
			pb_unlink(zone, pb);
		pb->nr_free = 0;
	}
	index = (index & ~(pageblock_nr_pages - 1)) | local;
	if (order == pageblock_order && pb->type != MIGRATE_HIGHATOMIC) {
		unsigned long buddy = index ^ pageblock_nr_pages;

		if (is_free_block(&mm.memmap[buddy], pageblock_order) &&
		    mm.pageblocks[buddy >> pageblock_order].type != MIGRATE_HIGHATOMIC) {
			pb_unlink(zone, &mm.pageblocks[buddy >> pageblock_order]);
			mm.memmap[index | buddy].word = PAGE_NONE;
			index &= buddy;
			order++;
		}
	}
	whole_add(zone, index, order);
	return order - freed;
}

void buddy_free_tails(struct zone *zone, unsigned long index, unsigned int order,
		      unsigned long pages, enum migratetype type)
{
	struct pageblock *pb;
	unsigned long local, freed;
	int largest;

	pageblock_set_type(index, type);
	if (order > pageblock_order) { /* a pair: the cut lies in one of the two */
		unsigned long second = index + pageblock_nr_pages;

		pageblock_set_type(second, type);
		order = pageblock_order;
		if (pages > pageblock_nr_pages) {
			index = second;
			pages -= pageblock_nr_pages;
		} else {
			if (HOOKS)
				hook_free_part(second, order, type);
			trust_head(second, order);
			buddy_free(zone, second, order);
		}
	}
	pb = &mm.pageblocks[index >> pageblock_order];
	local = index & (pageblock_nr_pages - 1);
	freed = (1UL << order) - pages;
	zone->nr_free += freed;
	pb->nr_free = (uint16_t)(pb->nr_free + freed);
	if (pb->type == MIGRATE_HIGHATOMIC)
		zone->nr_free_highatomic += freed;
	largest = pb->list;
	if (pages == 1 && !pb->free_orders && !HOOKS) { /* as always when it was all of it */
		largest = (int)order - 1;
		trust_head(index, 0);
		block_split(pb, pb_base(pb) + local, local, order, 0);
		order = 0;
	}
	while (pages <
	       1UL << order) { /* no part has a free buddy: that holds a page which is kept */
		unsigned long half = 1UL << --order;

		if (pages > half) {
			local += half;
			pages -= half;
			continue;
		}
		index = (unsigned long)(pb_base(pb) - mm.memmap) + local + half;
		if (HOOKS)
			hook_free_part(index, order, type);
		trust_head(index, order);
		block_add(pb, local + half, order);
		if ((int)order > largest)
			largest = (int)order;
	}
	pb_relist(zone, pb, largest);
}

RACY int buddy_largest(const struct zone *zone, bool highatomic)
{
	unsigned int mask = 0, types = highatomic ? MIGRATE_TYPES : MIGRATE_PCPTYPES;
	int order = pageblock_order;

	if (zone->whole[1] != NIL32 || zone->nr_untouched)
		return MAX_PAGE_ORDER;
	if (zone->whole[0] != NIL32)
		return pageblock_order;
	for (unsigned int type = 0; type < types; type++)
		mask |= zone->nonempty[type];
	while (order >= 0 && !(mask >> order & 1))
		order--;
	return order;
}
