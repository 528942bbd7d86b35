/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_check.c: see memblock_check.h.
 */
#include "test/fuzz/memblock_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/memblock/memblock.h"
#include "test/host/port_host.h"

#define REGION sizeof(struct memblock_region)

struct model model;

/* [0] reserved, [1] memory, as they move */
static struct memblock_type *const types[2] = {&memblock.reserved, &memblock.memory};

static unsigned char ram[HIGH_SIZE + LOW_END]; /* a copy */
static struct {
	struct memblock memblock;
	struct memblock_region region[2][CELLS];
	struct model model;
} before;

/* What a call needs of the arrays. */
static struct {
	unsigned long need[2]; /* regions */
	bool moves[2];
	bool doubled; /* there is room for arrays twice as large */
} plan;

_Noreturn void wrong(const char *file, int line, const char *what)
{
	port_host_log_hook = NULL;
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	fprintf(stderr, "a call took %u + %u regions of memory and of reservations to:\n",
		(unsigned int)before.memblock.memory.cnt,
		(unsigned int)before.memblock.reserved.cnt);
	memblock_dump_all();
	abort();
}

static unsigned char *ram_now(void)
{
	return phys_to_virt((phys_addr_t)0 - HIGH_SIZE);
}

/* ---- the state ---- */

void check_begin(void)
{
	static const void *mapped;

	if (!mapped)
		mapped = host_ram_map((phys_addr_t)0 - HIGH_SIZE, sizeof(ram));
	MUST(mapped);
	memset(ram_now(), 0xa5, sizeof(ram));
	memblock_init();
	memset(&model, 0, sizeof(model));
}

void check_snapshot(void)
{
	before.memblock = memblock;
	before.model = model;
	for (int i = 0; i < 2; i++)
		memcpy(before.region[i], types[i]->regions, types[i]->max * REGION);
	memcpy(ram, ram_now(), sizeof(ram));
}

void check_unchanged(void)
{
	MUST(memcmp(&before.memblock, &memblock, sizeof(memblock)) == 0);
	for (int i = 0; i < 2; i++)
		MUST(memcmp(before.region[i], types[i]->regions, types[i]->max * REGION) == 0);
	MUST(memcmp(ram, ram_now(), sizeof(ram)) == 0);
}

static struct cells array_cells(const struct memblock_type *type)
{
	if (!type->array_size)
		return (struct cells){0, 0};
	return cells_of(virt_to_phys(type->regions), type->array_size);
}

/* The arrays list what the model says, and no byte was written that is neither theirs nor zeroed. */
static void compare(struct cells zeroed)
{
	static struct regions want;
	const char *broken = memblock_check();

	if (broken)
		wrong(__FILE__, __LINE__, broken);
	for (int i = 0; i < 2; i++) {
		phys_addr_t sum = 0;

		model_regions(&model, i ? MEMORY_BITS : RESERVED, &want);
		MUST(types[i]->cnt == want.cnt);
		for (unsigned int r = 0; r < want.cnt; r++) {
			MUST(types[i]->regions[r].base == want.region[r].base);
			MUST(types[i]->regions[r].size == want.region[r].size);
			MUST(types[i]->regions[r].flags == want.region[r].flags);
			sum += want.region[r].size;
		}
		MUST(types[i]->total_size == sum);
	}
	for (unsigned int c = zeroed.from; c < zeroed.to; c++)
		ram[addr_of(c) + HIGH_SIZE] = 0;
	for (int i = 0; i < 2; i++) {
		struct cells array = array_cells(types[i]);

		if (array.to)
			memcpy(ram + (phys_addr_t)(addr_of(array.from) + HIGH_SIZE),
			       types[i]->regions, types[i]->array_size);
	}
	MUST(memcmp(ram, ram_now(), sizeof(ram)) == 0);
}

/* ---- one change ---- */

struct call call_memory(enum what what, struct cells range, int flags)
{
	struct call call = {.type = &memblock.memory,
			    .what = what,
			    .range = range,
			    .flags = flags,
			    .bounds = {.high = PHYS_ADDR_MAX, .trim = 1}};

	/* An array lies in memory, and in memory that is mapped. */
	call.leave = what == REMOVE || (what == SET && flags == NOMAP);
	if (call.leave)
		call.bounds.avoid = range;
	return call;
}

struct call call_reserved(enum what what, struct cells range)
{
	return (struct call){.type = &memblock.reserved,
			     .what = what,
			     .range = range,
			     .bounds = {.high = PHYS_ADDR_MAX, .avoid = range, .trim = 1}};
}

static void set_array(struct model *map, const struct memblock_type *type, bool reserved)
{
	model_set(map, array_cells(type), reserved ? RESERVED : 0, reserved ? 0 : RESERVED, 0);
}

/* What the call does to the map, arrays left where they are. */
static void apply(const struct call *call, struct model *map)
{
	if (call->type == &memblock.reserved) {
		model_set(map, call->range, call->what == ADD ? RESERVED : 0,
			  call->what == ADD ? 0 : RESERVED, 0);
		for (int i = 0; i < 2; i++)
			set_array(map, types[i], true);
		return;
	}
	switch (call->what) {
	case ADD:
		for (unsigned int c = call->range.from; c < call->range.to; c++)
			if (!(map->cell[c] & MEMORY))
				map->cell[c] |= (unsigned char)(MEMORY | call->flags);
		break;
	case REMOVE:
		model_set(map, call->range, 0, MEMORY_BITS, 0);
		break;
	case SET:
		model_set(map, call->range, call->flags, 0, MEMORY);
		break;
	case CLEAR:
		model_set(map, call->range, 0, call->flags, MEMORY);
		break;
	}
}

/* Regions that the array must have room for besides those it has. */
static unsigned int extra_regions(const struct call *call)
{
	static struct regions old, new;
	static struct model after;
	int bits = call->type == &memblock.reserved ? RESERVED : MEMORY_BITS;

	after = model;
	apply(call, &after);
	model_regions(&model, bits, &old);
	model_regions(&after, bits, &new);
	if (call->type == &memblock.reserved && call->what == REMOVE) /* in parts, around arrays */
		return new.cnt > old.cnt ? new.cnt - old.cnt : 0;
	return most_ahead(&old, &new);
}

static bool array_must_leave(const struct memblock_type *type, const struct bounds *bounds)
{
	static unsigned int until[CELLS];
	struct cells array = array_cells(type);
	struct model map;

	if (!array.to)
		return false;
	/* Were it free, would all of it be within the bounds? */
	map = model;
	model_set(&map, array, 0, RESERVED, 0);
	model_free(&map, bounds, until);
	for (unsigned int c = array.from; c < array.to; c++)
		if (!until[c])
			return true;
	return false;
}

static phys_addr_t array_bytes(unsigned long regions, phys_addr_t align)
{
	return ALIGN_UP(regions * REGION, align);
}

/* 0, or -ENOMEM: arrays have to move, and may not or have no place. */
static int foresee(const struct bounds *bounds, bool leave, unsigned int type, unsigned int extra)
{
	static unsigned int until[CELLS];
	struct bounds limited = *bounds;
	unsigned long twice[2];

	plan.need[0] = memblock.reserved.cnt;
	plan.need[1] = memblock.memory.cnt;
	plan.need[type] += extra;
	for (int i = 2; i-- > 0;) {
		plan.moves[i] = plan.need[i] > types[i]->max ||
				(leave && array_must_leave(types[i], bounds));
		/* Its new place is a reservation; its old one may have been a part of one. */
		if (plan.moves[i])
			plan.need[0] += types[i]->array_size ? 2 : 1;
	}
	if (!plan.moves[0] && !plan.moves[1])
		return 0;
	if (!memblock.can_resize || memblock_handed_over.size)
		return -ENOMEM;
	if (limited.high > memblock.current_limit)
		limited.high = memblock.current_limit;
	model_free(&model, &limited, until);
	for (int i = 0; i < 2; i++)
		for (twice[i] = types[i]->max; twice[i] < plan.need[i];)
			twice[i] *= 2;
	for (int i = 0; i < 2; i++)
		if (!plan.moves[i])
			plan.need[i] = twice[i] = 0;
	plan.doubled = model_has_both(until, array_bytes(twice[0], PAGE_SIZE),
				      array_bytes(twice[1], PAGE_SIZE), PAGE_SIZE) ||
		       model_has_both(until, array_bytes(twice[0], 8), array_bytes(twice[1], 8), 8);
	return plan.doubled || model_has_both(until, array_bytes(plan.need[0], 8),
					      array_bytes(plan.need[1], 8), 8)
		       ? 0
		       : -ENOMEM;
}

int check_foresee(const struct call *call)
{
	return foresee(&call->bounds, call->leave, call->type == &memblock.memory,
		       extra_regions(call));
}

/* Arrays moved as planned, to places that were free and within the bounds; the map follows. */
static void follow_moves(const struct bounds *bounds)
{
	const struct memblock_type *old[2] = {&before.memblock.reserved, &before.memblock.memory};
	static unsigned int until[CELLS];
	struct bounds limited = *bounds;

	if (limited.high > memblock.current_limit)
		limited.high = memblock.current_limit;
	model_free(&before.model, &limited, until);
	for (int i = 0; i < 2; i++) {
		phys_addr_t at = virt_to_phys(types[i]->regions), size = types[i]->array_size;
		unsigned long twice = old[i]->max;

		if (!plan.moves[i]) {
			MUST(types[i]->regions == old[i]->regions && size == old[i]->array_size);
			MUST(types[i]->max == old[i]->max);
			continue;
		}
		while (twice < plan.need[i])
			twice *= 2;
		MUST(types[i]->regions != old[i]->regions);
		MUST(types[i]->max >= plan.need[i] && types[i]->max <= twice);
		MUST(!plan.doubled || types[i]->max == twice);
		MUST(size >= types[i]->max * REGION && until[cell_of(at)] >= size);
		/* Alone it has the highest place there is, of whole pages if there is one. */
		if (!plan.moves[!i]) {
			phys_addr_t page = array_bytes(types[i]->max, PAGE_SIZE);
			phys_addr_t best =
				model_find(until, page, PAGE_SIZE, 0, PHYS_ADDR_MAX, false);

			MUST(at == (best ? best
					 : model_find(until, array_bytes(types[i]->max, 8), 8, 0,
						      PHYS_ADDR_MAX, false)));
			MUST(size == (best ? page : array_bytes(types[i]->max, 8)));
		}
	}
	for (int i = 0; i < 2; i++)
		if (plan.moves[i])
			set_array(&model, old[i], false);
	for (int i = 0; i < 2; i++)
		if (plan.moves[i])
			set_array(&model, types[i], true);
}

void check_done(const struct call *call, int error, struct cells zeroed)
{
	if (error) {
		check_unchanged();
		return;
	}
	follow_moves(&call->bounds);
	apply(call, &model);
	compare(zeroed);
}

/* ---- cutting down ---- */

/* The cells within the bounds: from the first to the last. */
static struct cells kept(const struct bounds *bounds)
{
	return cells_of(bounds->low, bounds->high - bounds->low);
}

/* What rounding inward leaves of each region. */
static void apply_trim(struct model *map, phys_addr_t align)
{
	static struct regions regions;

	model_regions(map, MEMORY_BITS, &regions);
	for (unsigned int i = 0; i < regions.cnt; i++) {
		const struct memblock_region *r = &regions.region[i];
		struct cells all = cells_of(r->base, r->size);

		for (unsigned int c = all.from; c < all.to; c++) {
			phys_addr_t block = ALIGN_DOWN(addr_of(c), align);

			if (block < r->base || r->base + r->size - block < align)
				map->cell[c] &= (unsigned char)~MEMORY_BITS;
		}
	}
}

static void apply_cut(const struct cut *cut, struct model *map)
{
	struct cells in = kept(&cut->bounds);

	for (unsigned int c = 0; c < CELLS; c++) {
		if (c >= in.from && c < in.to)
			continue;
		if (!cut->nomap_stays || !(map->cell[c] & NOMAP))
			map->cell[c] &= (unsigned char)~MEMORY_BITS;
		if (cut->reservations)
			map->cell[c] &= (unsigned char)~RESERVED;
	}
	if (cut->bounds.trim > 1)
		apply_trim(map, cut->bounds.trim);
}

/* No place within the bounds: arrays stay, or at worst all does, and the model takes memblock's word. */
static void follow_stuck(const struct cut *cut)
{
	static struct model want;
	const char *broken = memblock_check();

	if (broken)
		wrong(__FILE__, __LINE__, broken);
	want = model;
	apply_cut(cut, &want);
	memset(&model, 0, sizeof(model));
	for (int i = 0; i < 2; i++)
		for (unsigned long r = 0; r < types[i]->cnt; r++) {
			const struct memblock_region *region = &types[i]->regions[r];

			model_set(&model, cells_of(region->base, region->size),
				  (i ? MEMORY : RESERVED) |
					  (region->flags & MEMBLOCK_HOTPLUG ? HOTPLUG : 0) |
					  (region->flags & MEMBLOCK_NOMAP ? NOMAP : 0),
				  0, 0);
		}
	for (unsigned int c = 0; c < CELLS; c++) {
		/* Nothing came, and nothing went that was to stay but where an array was. */
		MUST(!(model.cell[c] & ~before.model.cell[c] & MEMORY_BITS));
		MUST((model.cell[c] & want.cell[c] & MEMORY_BITS) == (want.cell[c] & MEMORY_BITS));
	}
}

void check_cut(const struct cut *cut, void (*call)(phys_addr_t, phys_addr_t), phys_addr_t a,
	       phys_addr_t b)
{
	int error = foresee(&cut->bounds, true, 1, 0);

	check_snapshot();
	call(a, b);
	if (error) {
		follow_stuck(cut);
		return;
	}
	follow_moves(&cut->bounds);
	apply_cut(cut, &model);
	compare((struct cells){0, 0});
}
