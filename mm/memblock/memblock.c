/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock.c: the two sorted arrays of regions, and every change that can be made to them.
 *
 * The arrays start out static. An array that is full moves to one twice as large, which comes from
 * the memory that memblock itself describes. Such a move is planned in full before the first word
 * is written (moving `memory` may have to move `reserved` too, because the new array is a
 * reservation), so a call that fails has changed nothing.
 *
 * Invariant after every call (memblock_check() tests it): regions are sorted, disjoint and
 * not empty, no two neighbours that touch have the same flags, and total_size is the sum.
 */
#include <errno.h>
#include <string.h>

#include "memblock_internal.h"
#include <quarry/port.h>

static struct memblock_region memory_init_regions[CONFIG_MEMBLOCK_REGIONS];
static struct memblock_region reserved_init_regions[CONFIG_MEMBLOCK_REGIONS];

_Static_assert(CONFIG_MEMBLOCK_REGIONS >= 4, "growing needs room for the array's own reservation");

struct memblock memblock = {
	.bottom_up = false,
	.current_limit = MEMBLOCK_ALLOC_ANYWHERE,
	.memory = {.max = CONFIG_MEMBLOCK_REGIONS,
		   .regions = memory_init_regions,
		   .name = "memory"},
	.reserved = {.max = CONFIG_MEMBLOCK_REGIONS,
		     .regions = reserved_init_regions,
		     .name = "reserved"},
};

bool memblock_handed_over;

void memblock_init(void)
{
	memblock_handed_over = false;
	memset(memory_init_regions, 0, sizeof(memory_init_regions));
	memset(reserved_init_regions, 0, sizeof(reserved_init_regions));
	memblock.bottom_up = false;
	memblock.current_limit = MEMBLOCK_ALLOC_ANYWHERE;
	memblock.memory = (struct memblock_type){
		.max = CONFIG_MEMBLOCK_REGIONS, .regions = memory_init_regions, .name = "memory"};
	memblock.reserved = (struct memblock_type){.max = CONFIG_MEMBLOCK_REGIONS,
						   .regions = reserved_init_regions,
						   .name = "reserved"};
}

unsigned long memblock_search(const struct memblock_type *type, phys_addr_t addr)
{
	unsigned long low = 0, high = type->cnt;

	while (low < high) {
		unsigned long mid = low + (high - low) / 2;

		if (region_end(&type->regions[mid]) > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* Both move the tail of the array; the caller has made sure of the room. */
static void insert_region(struct memblock_type *type, unsigned long i, phys_addr_t base,
			  phys_addr_t size, enum memblock_flags flags)
{
	struct memblock_region *r = &type->regions[i];

	memmove(r + 1, r, (type->cnt - i) * sizeof(*r));
	*r = (struct memblock_region){.base = base, .size = size, .flags = flags};
	type->cnt++;
}

static void delete_regions(struct memblock_type *type, unsigned long i, unsigned long n)
{
	struct memblock_region *r = &type->regions[i];

	memmove(r, r + n, (type->cnt - i - n) * sizeof(*r));
	type->cnt -= n;
}

/* ---- adding ---- */

/* One stretch of a range to add that no region covers yet, and how it meets its neighbours. */
struct gap {
	unsigned long i; /* index the gap's own region would get */
	phys_addr_t start;
	phys_addr_t end;
	bool joins_left; /* touches regions[i - 1], same flags */
	bool joins_right;
};

/* Find the first gap of [from, end) that `type` leaves; false if there is none. */
static bool next_gap(const struct memblock_type *type, phys_addr_t from, phys_addr_t end,
		     enum memblock_flags flags, struct gap *gap)
{
	const struct memblock_region *r = type->regions;
	unsigned long i = memblock_search(type, from);

	while (i < type->cnt && r[i].base <= from)
		from = region_end(&r[i++]);
	if (from >= end)
		return false;

	gap->i = i;
	gap->start = from;
	gap->end = i < type->cnt && r[i].base < end ? r[i].base : end;
	gap->joins_left = i > 0 && region_end(&r[i - 1]) == from && r[i - 1].flags == flags;
	gap->joins_right = i < type->cnt && r[i].base == gap->end && r[i].flags == flags;
	return true;
}

static void fill_gap(struct memblock_type *type, const struct gap *gap, enum memblock_flags flags)
{
	struct memblock_region *r = &type->regions[gap->i];
	phys_addr_t size = gap->end - gap->start;

	type->total_size += size;
	if (gap->joins_left) {
		r[-1].size += size;
		if (gap->joins_right) {
			r[-1].size += r->size;
			delete_regions(type, gap->i, 1);
		}
	} else if (gap->joins_right) {
		r->base = gap->start;
		r->size += size;
	} else {
		insert_region(type, gap->i, gap->start, size, flags);
	}
}

static int grow(struct memblock_type *type, unsigned long extra, phys_addr_t base,
		phys_addr_t size);

static int add_range(struct memblock_type *type, phys_addr_t base, phys_addr_t size,
		     enum memblock_flags flags)
{
	phys_addr_t end;
	struct gap gap;
	long more = 0, peak = 0;

	size = memblock_cap_size(base, size);
	end = base + size;

	/* How many more regions will there be, at the worst moment? */
	for (phys_addr_t at = base; next_gap(type, at, end, flags, &gap); at = gap.end) {
		more += 1 - gap.joins_left - gap.joins_right;
		peak = more > peak ? more : peak;
	}
	if (type->cnt + (unsigned long)peak > type->max) {
		int err = grow(type, (unsigned long)peak, base, size);

		if (err)
			return err;
	}
	for (phys_addr_t at = base; next_gap(type, at, end, flags, &gap); at = gap.end)
		fill_gap(type, &gap, flags);
	return 0;
}

/* ---- removing ---- */

static int remove_range(struct memblock_type *type, phys_addr_t base, phys_addr_t size)
{
	phys_addr_t end = base + memblock_cap_size(base, size);
	unsigned long i = memblock_search(type, base), first;
	struct memblock_region *r = &type->regions[i];

	if (base >= end || i == type->cnt)
		return 0;

	/* The range lies inside one region: that becomes two. */
	if (r->base < base && region_end(r) > end) {
		if (type->cnt == type->max) {
			int err = grow(type, 1, base, end - base);

			if (err)
				return err;
			i = memblock_search(type, base);
			r = &type->regions[i];
		}
		insert_region(type, i + 1, end, region_end(r) - end, r->flags);
		r->size = base - r->base;
		type->total_size -= end - base;
		return 0;
	}

	if (r->base < base) {
		type->total_size -= region_end(r) - base;
		r->size = base - r->base;
		i++;
	}
	first = i;
	for (; i < type->cnt && region_end(&type->regions[i]) <= end; i++)
		type->total_size -= type->regions[i].size;
	if (i < type->cnt && type->regions[i].base < end) {
		r = &type->regions[i];
		type->total_size -= end - r->base;
		r->size = region_end(r) - end;
		r->base = end;
	}
	delete_regions(type, first, i - first);
	return 0;
}

/* ---- growing ---- */

/* A move of one array that has been decided, or none (new_max 0). */
struct move {
	struct memblock_type *type;
	unsigned long new_max;
	phys_addr_t addr;
	phys_addr_t size;
};

static bool overlap(phys_addr_t a, phys_addr_t a_size, phys_addr_t b, phys_addr_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* Find a place for `cnt` regions that touches neither [base, base + size) nor the other move's. */
static int plan_move(struct move *move, struct memblock_type *type, unsigned long cnt,
		     phys_addr_t base, phys_addr_t size, const struct move *other)
{
	phys_addr_t end = memblock.current_limit;

	move->type = type;
	move->new_max = type->max;
	while (move->new_max < cnt)
		move->new_max *= 2;
	move->size = ALIGN_UP(move->new_max * sizeof(struct memblock_region), PAGE_SIZE);

	for (;;) {
		move->addr = memblock_find_top_down(0, end, move->size, PAGE_SIZE);
		if (!move->addr)
			return -ENOMEM;
		if (overlap(move->addr, move->size, base, size))
			end = base;
		else if (overlap(move->addr, move->size, other->addr, other->size))
			end = other->addr;
		else
			return 0;
	}
}

/*
 * Carry a planned move out. It cannot fail: `reserved` has room for the new array's reservation,
 * and for the region more that giving back the old array may leave.
 */
static void do_move(const struct move *move)
{
	struct memblock_type *type = move->type;
	struct memblock_region *old = type->regions, *new = phys_to_virt(move->addr);
	phys_addr_t old_size =
		ALIGN_UP((phys_addr_t)type->max * sizeof(struct memblock_region), PAGE_SIZE);

	memcpy(new, old, type->cnt * sizeof(*old));
	type->regions = new;
	type->max = move->new_max;

	(void)add_range(&memblock.reserved, move->addr, move->size, MEMBLOCK_NONE);
	if (old != memory_init_regions && old != reserved_init_regions)
		(void)remove_range(&memblock.reserved, virt_to_phys(old), old_size);
}

/*
 * Make room for `extra` more regions in `type`, while [base, base + size) is being added to or
 * removed from it: the new array must not lie there. 0 or -ENOMEM, and then nothing has changed.
 */
static int grow(struct memblock_type *type, unsigned long extra, phys_addr_t base, phys_addr_t size)
{
	/* A move of either array adds up to two regions to `reserved`: see do_move(). */
	struct memblock_type *reserved = &memblock.reserved;
	struct move first = {.type = NULL}, second = {.type = NULL};
	int err;

	if (type == reserved) {
		err = plan_move(&first, reserved, reserved->cnt + extra + 2, base, size, &second);
		if (err)
			return err;
		do_move(&first);
		return 0;
	}

	if (reserved->cnt + 2 > reserved->max) {
		err = plan_move(&first, reserved, reserved->cnt + 4, base, size, &second);
		if (err)
			return err;
	}
	err = plan_move(&second, type, type->cnt + extra, base, size, &first);
	if (err)
		return err;
	if (first.type)
		do_move(&first);
	do_move(&second);
	return 0;
}

/* ---- flags ---- */

/* Does a boundary at addr cut a memory region whose flags would change? */
static bool cuts(phys_addr_t addr, enum memblock_flags flag, bool set)
{
	unsigned long i = memblock_search(&memblock.memory, addr);
	const struct memblock_region *r = &memblock.memory.regions[i];

	return i < memblock.memory.cnt && r->base < addr && !(r->flags & flag) == set;
}

static void split_at(phys_addr_t addr)
{
	unsigned long i = memblock_search(&memblock.memory, addr);
	struct memblock_region *r = &memblock.memory.regions[i];

	insert_region(&memblock.memory, i + 1, addr, region_end(r) - addr, r->flags);
	r->size = addr - r->base;
}

static void merge_memory(void)
{
	struct memblock_region *r = memblock.memory.regions;
	unsigned long to = 0;

	for (unsigned long i = 1; i < memblock.memory.cnt; i++) {
		if (region_end(&r[to]) == r[i].base && r[to].flags == r[i].flags)
			r[to].size += r[i].size;
		else
			r[++to] = r[i];
	}
	if (memblock.memory.cnt)
		memblock.memory.cnt = to + 1;
}

static int set_flag(phys_addr_t base, phys_addr_t size, enum memblock_flags flag, bool set)
{
	struct memblock_type *type = &memblock.memory;
	phys_addr_t end = base + memblock_cap_size(base, size);
	unsigned long extra;

	if (base >= end)
		return 0;
	extra = (unsigned long)cuts(base, flag, set) + (unsigned long)cuts(end, flag, set);
	if (type->cnt + extra > type->max) {
		int err = grow(type, extra, base, end - base);

		if (err)
			return err;
	}
	if (cuts(base, flag, set))
		split_at(base);
	if (cuts(end, flag, set))
		split_at(end);
	for (unsigned long i = memblock_search(type, base);
	     i < type->cnt && type->regions[i].base < end; i++) {
		struct memblock_region *r = &type->regions[i];

		/* Not wholly inside: its flag is right already, or it would have been cut. */
		if (r->base < base || region_end(r) > end)
			continue;
		r->flags = set ? r->flags | flag : r->flags & ~flag;
	}
	merge_memory();
	return 0;
}

/* ---- the public changes ---- */

int memblock_add_node(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags)
{
	if (nid != 0 && nid != NUMA_NO_NODE)
		return -EINVAL;
	return add_range(&memblock.memory, base, size, flags);
}

int memblock_add(phys_addr_t base, phys_addr_t size)
{
	return add_range(&memblock.memory, base, size, MEMBLOCK_NONE);
}

int memblock_remove(phys_addr_t base, phys_addr_t size)
{
	return remove_range(&memblock.memory, base, size);
}

int memblock_reserve(phys_addr_t base, phys_addr_t size)
{
	return add_range(&memblock.reserved, base, size, MEMBLOCK_NONE);
}

int memblock_phys_free(phys_addr_t base, phys_addr_t size)
{
	return remove_range(&memblock.reserved, base, size);
}

void memblock_free(void *ptr, size_t size)
{
	/* Like Linux's it returns nothing: a failure leaves the reservation, and is logged. */
	if (ptr && memblock_phys_free(virt_to_phys(ptr), size))
		port_log("memblock: no room to free 0x%llx bytes at 0x%llx: they stay reserved",
			 (unsigned long long)size, (unsigned long long)virt_to_phys(ptr));
}

int memblock_mark_nomap(phys_addr_t base, phys_addr_t size)
{
	return set_flag(base, size, MEMBLOCK_NOMAP, true);
}

int memblock_clear_nomap(phys_addr_t base, phys_addr_t size)
{
	return set_flag(base, size, MEMBLOCK_NOMAP, false);
}

int memblock_mark_hotplug(phys_addr_t base, phys_addr_t size)
{
	return set_flag(base, size, MEMBLOCK_HOTPLUG, true);
}

int memblock_clear_hotplug(phys_addr_t base, phys_addr_t size)
{
	return set_flag(base, size, MEMBLOCK_HOTPLUG, false);
}
