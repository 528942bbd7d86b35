/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock.c: the two sorted arrays of regions, and every change that can be made to them.
 *
 * A change concerns the regions that touch its range. They are read once to count what it leaves,
 * so that it can be refused before a word is written, and once to write that: the cost is linear in
 * these regions, and the regions above are moved at most twice.
 *
 * Invariant after every call (memblock_check() tests it): regions are sorted, disjoint and
 * not empty, no two neighbours that touch have the same flags, total_size is the sum, and an array
 * that has moved lies in mapped memory and is reserved.
 */
#include <quarry/errno.h>
#include "memblock_internal.h"
#include <quarry/port.h>

#if QUARRY_INSTANCES == 1
static struct memblock_region memory_init_regions[CONFIG_MEMBLOCK_REGIONS];
static struct memblock_region reserved_init_regions[CONFIG_MEMBLOCK_REGIONS];
#else
static struct memblock_region first_regions[QUARRY_INSTANCES][2][CONFIG_MEMBLOCK_REGIONS];
#define memory_init_regions   first_regions[mm_instance()][0]
#define reserved_init_regions first_regions[mm_instance()][1]
#endif

_Static_assert(CONFIG_MEMBLOCK_REGIONS >= 4, "growing needs room for the array's own reservation");

#define MEMBLOCK_EMPTY                                         \
	{                                                      \
		.bottom_up = false,                            \
		.can_resize = true,                            \
		.current_limit = MEMBLOCK_ALLOC_ANYWHERE,      \
		.memory = {.max = CONFIG_MEMBLOCK_REGIONS,     \
			   .regions = memory_init_regions,     \
			   .name = "memory"},                  \
		.reserved = {.max = CONFIG_MEMBLOCK_REGIONS,   \
			     .regions = reserved_init_regions, \
			     .name = "reserved"},              \
	}

#if QUARRY_INSTANCES == 1
struct memblock memblock = MEMBLOCK_EMPTY;
#else
DEFINE_STATE(memblock); /* memblock_init() makes each */
#endif
DEFINE_STATE(memblock_handed_over);

void memblock_init(void)
{
	memblock_handed_over.size = 0;
	memset(memory_init_regions, 0, sizeof(memory_init_regions));
	memset(reserved_init_regions, 0, sizeof(reserved_init_regions));
	memblock = (__typeof__(memblock))MEMBLOCK_EMPTY;
}

unsigned long memblock_search(const struct memblock_type *type, phys_addr_t addr)
{
	unsigned long low = 0, high = type->cnt;

	/*@
	  loop invariant low <= high <= type->cnt;
	  loop invariant \forall integer i; 0 <= i < low ==> end_of(type, i) <= addr;
	  loop invariant \forall integer i; high <= i < type->cnt ==> end_of(type, i) > addr;
	  loop assigns low, high;
	  loop variant high - low;
	*/
	while (low < high) {
		unsigned long mid = low + (high - low) / 2;

		/*@ assert low <= mid < high; */
		/*@ assert end_of(type, mid) < 0x10000000000000000; */
		if (region_end(&type->regions[mid]) > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* ---- what a change leaves ---- */

enum change {
	ADD,	       /* what is no region yet; regions stay as they are */
	REMOVE,	       /* all */
	REMOVE_MAPPED, /* what is not MEMBLOCK_NOMAP */
	SET,	       /* a flag of all regions */
	CLEAR,
};

struct edit {
	struct memblock_type *type;
	phys_addr_t base, end;
	enum change change;
	enum memblock_flags flags; /* of what is added; the flag to set or to clear */
};

/* The regions of an edit, one after another. */
struct result {
	struct memblock_region *to;  /* where they are written; NULL: they are only counted */
	struct memblock_region last; /* not written yet: the next may join it; size 0: none */
	unsigned long from;	     /* index of the first old one */
	unsigned long written, read; /* new ones, old ones */
	unsigned long ahead;	     /* the most by which those written outran those read */
	phys_addr_t bytes;
};

static void flush(struct result *result)
{
	if (!result->last.size)
		return;
	VM_BUG_ON(result->written && result->to &&
		  region_end(&result->to[result->written - 1]) > result->last.base);
	if (result->to)
		result->to[result->written] = result->last;
	result->written++;
	if (result->written > result->read + result->ahead)
		result->ahead = result->written - result->read;
}

/* The next region, which joins the last one if it can; there is none if base >= end. */
static void put(struct result *result, phys_addr_t base, phys_addr_t end, enum memblock_flags flags)
{
	struct memblock_region *last = &result->last;

	if (base >= end)
		return;
	VM_BUG_ON(last->size && region_end(last) > base); /* in order */
	result->bytes += end - base;
	if (last->size && region_end(last) == base && last->flags == flags) {
		last->size += end - base;
		return;
	}
	flush(result);
	*last = (struct memblock_region){.base = base, .size = end - base, .flags = flags};
}

/* What becomes of the part of a region that lies in the range; false: it goes. */
static bool stays(const struct edit *edit, enum memblock_flags *flags)
{
	switch (edit->change) {
	case REMOVE:
		return false;
	case REMOVE_MAPPED:
		return *flags & MEMBLOCK_NOMAP;
	case SET:
		*flags |= edit->flags;
		return true;
	case CLEAR:
		*flags &= ~edit->flags;
		return true;
	case ADD:
		break;
	}
	return true;
}

/* Run through the regions that touch the range, which `old` holds. */
static void run(const struct edit *edit, const struct memblock_region *old, unsigned long n,
		struct result *result)
{
	phys_addr_t at = edit->base; /* regions cover the range up to here, or leave a gap there */

	for (unsigned long i = 0; i < n; i++) {
		const struct memblock_region r = old[i]; /* its place may be written from now on */
		phys_addr_t start = r.base > edit->base ? r.base : edit->base;
		phys_addr_t end = region_end(&r) < edit->end ? region_end(&r) : edit->end;
		enum memblock_flags flags = r.flags;

		result->read++;
		if (edit->change == ADD)
			put(result, at, r.base < edit->end ? r.base : edit->end, edit->flags);
		put(result, r.base, region_end(&r) < edit->base ? region_end(&r) : edit->base,
		    r.flags);
		if (stays(edit, &flags))
			put(result, start, end, flags);
		put(result, r.base > edit->end ? r.base : edit->end, region_end(&r), r.flags);
		at = end > at ? end : at;
	}
	if (edit->change == ADD)
		put(result, at, edit->end, edit->flags);
	flush(result);
}

/* Count what the edit leaves of the regions that touch its range. */
static struct result count(const struct edit *edit)
{
	const struct memblock_type *type = edit->type;
	struct result result = {.from = edit->base ? memblock_search(type, edit->base - 1) : 0};
	unsigned long to = memblock_search(type, edit->end);

	if (to < type->cnt && type->regions[to].base <= edit->end)
		to++;
	run(edit, type->regions + result.from, to - result.from, &result);
	return result;
}

static void move_regions(struct memblock_type *type, unsigned long to, unsigned long from)
{
	VM_BUG_ON(from > type->cnt || type->cnt + to - from > type->max);
	if (to != from)
		memmove(type->regions + to, type->regions + from,
			(type->cnt - from) * sizeof(*type->regions));
	type->cnt += to - from;
}

/* There is room for what it leaves, and for as many more as it runs ahead of what it reads. */
static void carry_out(const struct edit *edit, const struct result *plan)
{
	struct memblock_type *type = edit->type;
	struct memblock_region *first = type->regions + plan->from;
	struct result result = {.to = first};

	VM_BUG_ON(plan->from + plan->read > type->cnt);
	VM_BUG_ON(type->cnt + plan->ahead > type->max);
	for (unsigned long i = 0; i < plan->read; i++)
		type->total_size -= first[i].size;
	type->total_size += plan->bytes;
	/* What is read stays ahead of what is written. */
	move_regions(type, plan->from + plan->ahead, plan->from);
	run(edit, first + plan->ahead, plan->read, &result);
	VM_BUG_ON(result.written != plan->written || result.bytes != plan->bytes);
	move_regions(type, plan->from + result.written, plan->from + plan->ahead + plan->read);
}

static int change(struct edit edit, const struct array_limits *limits, bool leave)
{
	struct result plan;
	int moved;

	if (edit.base >= edit.end)
		return 0;
	do {
		plan = count(&edit);
		moved = memblock_make_room(edit.type, plan.ahead, limits, leave);
	} while (moved > 0);
	if (!moved)
		carry_out(&edit, &plan);
	return moved;
}

/* ---- removing around the arrays ---- */

/* The next part of the range, from its own end up to `end`, in which no array lies. */
static bool next_part(struct edit *part, phys_addr_t end)
{
	const struct memblock_region array[2] = {memblock_array(&memblock.memory),
						 memblock_array(&memblock.reserved)};

	part->base = part->end;
	part->end = end;
	for (int pass = 0; pass < 2; pass++) /* one array may begin where the other ends */
		for (int i = 0; i < 2; i++)
			if (array[i].base <= part->base && region_end(&array[i]) > part->base)
				part->base = region_end(&array[i]);
	for (int i = 0; i < 2; i++)
		if (array[i].base > part->base && array[i].base < part->end)
			part->end = array[i].base;
	return part->base < part->end;
}

int memblock_cut(struct memblock_type *type, phys_addr_t base, phys_addr_t end, bool mapped)
{
	struct array_limits limits = ARRAYS_ANYWHERE;
	struct edit part = {.type = type, .change = mapped ? REMOVE_MAPPED : REMOVE};
	struct result plan;
	int moved;

	limits.base = base;
	limits.end = end;
	do {
		unsigned long cnt = type->cnt;

		for (part.end = base; next_part(&part, end);) {
			plan = count(&part);
			cnt += plan.written - plan.read;
		}
		moved = memblock_make_room(type, cnt > type->cnt ? cnt - type->cnt : 0, &limits,
					   false);
	} while (moved > 0);
	if (moved)
		return moved;
	/* What splits a region comes last: the others may make room for it. */
	for (int splits = 0; splits < 2; splits++)
		for (part.end = base; next_part(&part, end);) {
			plan = count(&part);
			if ((plan.written > plan.read) == splits)
				carry_out(&part, &plan);
		}
	return 0;
}

static void change_reserved(phys_addr_t base, phys_addr_t size, enum change what)
{
	struct edit edit = {&memblock.reserved, base, base + size, what, MEMBLOCK_NONE};
	struct result plan = count(&edit);

	carry_out(&edit, &plan);
}

void memblock_reserve_array(phys_addr_t base, phys_addr_t size)
{
	change_reserved(base, size, ADD);
}

void memblock_release_array(phys_addr_t base, phys_addr_t size)
{
	change_reserved(base, size, REMOVE);
}

/* ---- the public changes ---- */

static int change_memory(phys_addr_t base, phys_addr_t size, enum change what,
			 enum memblock_flags flags)
{
	struct array_limits limits = ARRAYS_ANYWHERE;
	phys_addr_t end = base + memblock_cap_size(base, size);
	/* An array lies in memory, and in memory that is mapped. */
	bool leave = what == REMOVE || (what == SET && flags & MEMBLOCK_NOMAP);

	if (leave) {
		limits.base = base;
		limits.end = end;
	}
	return change((struct edit){&memblock.memory, base, end, what, flags}, &limits, leave);
}

int memblock_add_node(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags)
{
	if (nid != 0 && nid != NUMA_NO_NODE)
		return -EINVAL;
	return change_memory(base, size, ADD, flags);
}

int memblock_add(phys_addr_t base, phys_addr_t size)
{
	return change_memory(base, size, ADD, MEMBLOCK_NONE);
}

int memblock_remove(phys_addr_t base, phys_addr_t size)
{
	return change_memory(base, size, REMOVE, MEMBLOCK_NONE);
}

int memblock_reserve(phys_addr_t base, phys_addr_t size)
{
	struct array_limits limits = ARRAYS_ANYWHERE;

	limits.base = base;
	limits.end = base + memblock_cap_size(base, size);
	return change((struct edit){&memblock.reserved, base, limits.end, ADD, MEMBLOCK_NONE},
		      &limits, false);
}

int memblock_phys_free(phys_addr_t base, phys_addr_t size)
{
	return memblock_cut(&memblock.reserved, base, base + memblock_cap_size(base, size), false);
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
	return change_memory(base, size, SET, MEMBLOCK_NOMAP);
}

int memblock_clear_nomap(phys_addr_t base, phys_addr_t size)
{
	return change_memory(base, size, CLEAR, MEMBLOCK_NOMAP);
}

int memblock_mark_hotplug(phys_addr_t base, phys_addr_t size)
{
	return change_memory(base, size, SET, MEMBLOCK_HOTPLUG);
}

int memblock_clear_hotplug(phys_addr_t base, phys_addr_t size)
{
	return change_memory(base, size, CLEAR, MEMBLOCK_HOTPLUG);
}
