/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_array.c: where memblock's own two arrays are, and their moves.
 *
 * The arrays start out static. One that is full moves to a larger place in the memory that memblock
 * itself describes, twice as large if there is room and as large as it must be if not; one whose
 * memory is about to go moves as well. A move is planned in full before the first word is written
 * (moving `memory` may have to move `reserved` too, because the new array is a reservation), so a
 * call that fails has changed nothing.
 */
#include <quarry/errno.h>
#include "memblock_internal.h"
#include <quarry/port.h>

struct memblock_region memblock_array(const struct memblock_type *type)
{
	return (struct memblock_region){
		.base = type->array_size ? virt_to_phys(type->regions) : 0,
		.size = type->array_size,
	};
}

/* ---- the limits ---- */

/*
 * The highest end below which a place might keep to the limits where this one, in memory, does not;
 * the place's own end if it does.
 */
static phys_addr_t fitting_end(phys_addr_t base, phys_addr_t end, const struct array_limits *limits)
{
	const struct memblock_type *memory = &memblock.memory;

	if (end > limits->high)
		return limits->high;
	if (base < limits->low)
		return 0;
	if (base < limits->end && limits->base < end)
		return limits->base;
	for (unsigned long i = memblock_search(memory, base);
	     i < memory->cnt && memory->regions[i].base < end; i++) {
		const struct memblock_region *r = &memory->regions[i];
		phys_addr_t start = ALIGN_UP(r->base, limits->align);
		phys_addr_t stop = ALIGN_DOWN(region_end(r), limits->align);

		if ((end < region_end(r) ? end : region_end(r)) > stop)
			return stop > r->base ? stop : r->base;
		if ((base > r->base ? base : r->base) < start)
			return r->base;
	}
	return end;
}

bool memblock_array_fits(phys_addr_t base, phys_addr_t size, const struct array_limits *limits)
{
	return fitting_end(base, base + size, limits) == base + size;
}

/* ---- planning ---- */

/* A move of an array, which has been decided on. */
struct move {
	struct memblock_type *type; /* NULL: there is none */
	unsigned long need;	    /* regions it must hold, */
	unsigned long max;	    /* and those it will */
	phys_addr_t base, size;
};

/* Find the highest place that keeps to the limits and away from the other move's. */
static bool find_place(struct move *move, bool whole_pages, const struct array_limits *limits,
		       const struct move *other)
{
	phys_addr_t align = whole_pages ? PAGE_SIZE : _Alignof(struct memblock_region);
	phys_addr_t high = memblock.current_limit, end;

	move->size = ALIGN_UP(move->max * sizeof(struct memblock_region), align);
	for (;;) {
		move->base = memblock_find_top_down(limits->low, high, move->size, align);
		if (!move->base)
			return false;
		end = move->base + move->size;
		high = fitting_end(move->base, end, limits);
		if (high == end &&
		    memblock_addrs_overlap(move->base, move->size, other->base, other->size))
			high = other->base;
		if (high == end)
			return true;
	}
}

/*
 * Places for all moves. The larger array is the first: where it is at home the other is too, so
 * that no order of trying would find more.
 */
static bool find_places(struct move move[2], bool whole_pages, const struct array_limits *limits)
{
	int first = move[1].max > move[0].max;

	for (int i = 0; i < 2; i++)
		move[i].base = move[i].size = 0;
	for (int i = 0; i < 2; i++) {
		struct move *this = &move[i ^ first];

		if (this->type && !find_place(this, whole_pages, limits, &move[!(i ^ first)]))
			return false;
	}
	return true;
}

/* Halve what the moves have more than they need; false if they had nothing more. */
static bool ask_for_less(struct move move[2])
{
	bool less = false;

	for (int i = 0; i < 2; i++) {
		if (!move[i].type || move[i].max == move[i].need)
			continue;
		move[i].max = move[i].need + (move[i].max - move[i].need) / 2;
		less = true;
	}
	return less;
}

static int plan_moves(struct move move[2], const struct array_limits *limits)
{
	for (int i = 0; i < 2; i++)
		if (move[i].type)
			for (move[i].max = move[i].type->max; move[i].max < move[i].need;)
				move[i].max *= 2;
	do {
		/* Whole pages keep the map tidy, odd places are better than none. */
		if (find_places(move, true, limits) || find_places(move, false, limits))
			return 1;
	} while (ask_for_less(move));
	return -ENOMEM;
}

/* ---- moving ---- */

/*
 * It cannot fail: `reserved` has room for the new array's reservation, and for the region more that
 * giving back the old array may leave.
 */
static void do_move(const struct move *move)
{
	struct memblock_type *type = move->type;
	struct memblock_region old = memblock_array(type);
	struct memblock_region *new = phys_to_virt(move->base);

	VM_BUG_ON(!move->base || move->max < type->cnt || move->size < move->max * sizeof(*new));
	VM_BUG_ON(move->base % _Alignof(struct memblock_region));
	VM_BUG_ON(memblock_is_region_reserved(move->base, move->size));
	memcpy(new, type->regions, type->cnt * sizeof(*new));
	type->regions = new;
	type->max = move->max;
	type->array_size = move->size;
	memblock_reserve_array(move->base, move->size);
	if (old.size)
		memblock_release_array(old.base, old.size);
}

/* Does it have to move, to hold so many regions or to keep to the limits? */
static bool must_move(const struct memblock_type *type, unsigned long need,
		      const struct array_limits *limits, bool leave)
{
	struct memblock_region array = memblock_array(type);

	return need > type->max ||
	       (leave && array.size && !memblock_array_fits(array.base, array.size, limits));
}

int memblock_make_room(struct memblock_type *type, unsigned long extra,
		       const struct array_limits *limits, bool leave)
{
	struct memblock_type *reserved = &memblock.reserved, *memory = &memblock.memory;
	struct move move[2] = {{.need = reserved->cnt}, {.need = memory->cnt}};
	int err;

	VM_BUG_ON(type != memory && type != reserved);
	if (!leave && type->cnt + extra <= type->max)
		return 0;
	move[type == memory].need += extra;
	/* A move adds up to two regions to `reserved`: see do_move(). */
	if (must_move(memory, move[1].need, limits, leave)) {
		move[1].type = memory;
		move[0].need += memory->array_size ? 2 : 1;
	}
	if (must_move(reserved, move[0].need, limits, leave)) {
		move[0].type = reserved;
		move[0].need += reserved->array_size ? 2 : 1;
	}
	if (!move[0].type && !move[1].type)
		return 0;
	if (!memblock.can_resize)
		return -ENOMEM;
	err = plan_moves(move, limits);
	for (int i = 0; err > 0 && i < 2; i++)
		if (move[i].type)
			do_move(&move[i]);
	return err;
}
