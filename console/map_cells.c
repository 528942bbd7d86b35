/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_cells.c: see map_cells.h. Frames are walked block by block, as a block's head says how long it is; where there is no
 * memory the walk goes on with memblock's next region.
 */
#include "console/map_cells.h"

#include <string.h>

#include <quarry/memblock.h>
#include <quarry/vmstat.h>

#include "console/terminal.h"

/* ---- the walk ------------------------------------------------------------------------------- */

/* The first frame of memory at pfn or behind it, at most `end`; *memory_end: where that memory ends. */
static pfn_t next_memory(pfn_t pfn, pfn_t end, pfn_t *memory_end)
{
	pfn_t next = end;

	*memory_end = end;

	for (unsigned long i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *region = &memblock.memory.regions[i];
		pfn_t first = PFN_DOWN(region->base), last = PFN_UP(region->base + region->size);

		if (last <= pfn || first >= next)
			continue;
		next = first > pfn ? first : pfn;
		*memory_end = last;
	}
	return next;
}

static void mix(struct map_range *range, uint64_t value)
{
	/* FNV-1a, a word at a time */
	range->hash = (range->hash ^ (uint32_t)value ^ (uint32_t)(value >> 32)) * 16777619U;
}

static void add(struct map_range *range, const struct page_info *info, uint64_t pages)
{
	range->present += pages;
	mix(range, info->pfn);
	mix(range, (uint64_t)info->state << 16 | (uint64_t)info->in_pcp << 8 | info->order);
	if (info->state == PAGE_RESERVED || info->state == PAGE_BAD) {
		range->reserved += pages;
		range->bad += info->state == PAGE_BAD;
		return;
	}
	range->type[info->migratetype] += pages;
	if (info->state == PAGE_FREE) {
		range->free += pages;
		if ((int)info->order > range->largest_free)
			range->largest_free = (int)info->order;
	} else if (info->in_pcp) {
		range->cached += pages;
	} else {
		range->used += pages;
		range->blocks += info->pfn == info->head_pfn;
		mix(range, info->owner);
	}
}

uint32_t map_owner(const struct page_info *info)
{
	struct page_owner owner = mm_page_owner(info);

	if (owner.kind == PAGE_OWNER_SLAB) /* its word is a slab's number, or of no slab */
		return MAP_OBJECTS;
	return owner.kind == PAGE_OWNER_SITE ? MAP_SITE | owner.value / 2 : info->owner;
}

void map_look(pfn_t start, pfn_t end, struct map_range *range,
	      void (*owner)(uint32_t tag, uint64_t pages))
{
	uint64_t votes = 0;
	struct page_info info;

	memset(range, 0, sizeof(*range));
	range->start = start;
	range->end = end;
	range->largest_free = -1;
	range->hash = 2166136261U;
	for (pfn_t pfn = start, next, last = start; pfn < end; pfn = next) {
		uint64_t pages;
		uint32_t key;

		if (pfn >= last)
			pfn = next_memory(pfn, end, &last);
		next = pfn + 1;
		if (pfn >= end || mm_page_info(pfn, &info) != 0)
			continue;
		if (info.state != PAGE_RESERVED && info.state != PAGE_BAD &&
		    info.head_pfn + (1UL << info.order) > next)
			next = info.head_pfn + (1UL << info.order);
		if (next > end)
			next = end;
		pages = next - pfn;
		add(range, &info, pages);
		if (info.state == PAGE_FREE || info.state == PAGE_RESERVED ||
		    info.state == PAGE_BAD || info.in_pcp)
			continue;
		key = map_owner(&info);
		if (owner)
			owner(key, pages);
		/* Boyer and Moore: who has the majority has votes left at the end */
		if (key == range->owner) {
			votes += pages;
		} else if (votes >= pages) {
			votes -= pages;
		} else {
			range->owner = key;
			votes = pages - votes;
		}
	}
}

/* ---- letters and colours -------------------------------------------------------------------- */

static const char *const names[NR_MAP_MODES] = {"free", "type", "order", "owner", "age"};

static const char *const legends[NR_MAP_MODES] = {
	". free  1-9 tenths in use  # in use  c cached  R reserved  X bad",
	"U unmovable M movable E reclaimable H highatomic C CMA I isolated; small: free",
	"0-9 A: order of the largest free block  - none free  R reserved",
	"a-z the owners with the most pages  ? no tag  * others  . free  R reserved",
	"0-9 seconds since it changed, + ten or more  . since the map began  R reserved",
};

const char *map_mode_name(enum map_mode mode)
{
	return names[mode];
}

const char *map_legend(enum map_mode mode)
{
	return legends[mode];
}

static struct map_cell cell(char letter, enum terminal_colour colour)
{
	return (struct map_cell){letter, (uint8_t)colour};
}

static struct map_cell free_cell(const struct map_range *range)
{
	uint64_t usable = range->present - range->reserved;
	uint64_t tenths = range->used * 10 / usable;

	if (range->cached == usable)
		return cell('c', COLOUR_CYAN);
	if (range->used == usable)
		return cell('#', COLOUR_RED);
	if (range->used == 0)
		return cell('.', COLOUR_GREEN);
	if (tenths == 0)
		tenths = 1; /* something is in use */
	return cell((char)('0' + tenths), tenths > 6 ? COLOUR_MAGENTA : COLOUR_YELLOW);
}

/* The type that most pages have; a small letter where most are free. */
static struct map_cell type_cell(const struct map_range *range)
{
	static const char letters[MIGRATE_TYPES] = {
		[MIGRATE_UNMOVABLE] = 'U',  [MIGRATE_MOVABLE] = 'M', [MIGRATE_RECLAIMABLE] = 'E',
		[MIGRATE_HIGHATOMIC] = 'H', [MIGRATE_CMA] = 'C',     [MIGRATE_ISOLATE] = 'I',
	};
	static const uint8_t colours[MIGRATE_TYPES] = {
		[MIGRATE_UNMOVABLE] = COLOUR_RED,      [MIGRATE_MOVABLE] = COLOUR_GREEN,
		[MIGRATE_RECLAIMABLE] = COLOUR_YELLOW, [MIGRATE_HIGHATOMIC] = COLOUR_MAGENTA,
		[MIGRATE_CMA] = COLOUR_CYAN,	       [MIGRATE_ISOLATE] = COLOUR_BLUE,
	};
	int most = 0;
	bool mostly_free = range->free + range->cached > range->used;

	for (int type = 1; type < MIGRATE_TYPES; type++)
		if (range->type[type] > range->type[most])
			most = type;
	return cell((char)(letters[most] + (mostly_free ? 'a' - 'A' : 0)),
		    (enum terminal_colour)colours[most]);
}

static struct map_cell order_cell(const struct map_range *range)
{
	int order = range->largest_free;

	if (order < 0)
		return cell('-', COLOUR_RED);
	return cell((char)(order < 10 ? '0' + order : 'A' + order - 10), order >= 9 ? COLOUR_GREEN
									 : order >= 4
										 ? COLOUR_YELLOW
										 : COLOUR_MAGENTA);
}

static struct map_cell owner_cell(const struct map_range *range, const struct map_context *context)
{
	static const uint8_t colours[] = {COLOUR_RED,  COLOUR_GREEN,   COLOUR_YELLOW,
					  COLOUR_BLUE, COLOUR_MAGENTA, COLOUR_CYAN};

	if (range->used == 0)
		return cell('.', COLOUR_NONE);
	if (range->owner == 0)
		return cell('?', COLOUR_NONE);
	for (unsigned int i = 0; i < context->nr_owners; i++)
		if (context->owners[i] == range->owner)
			return cell((char)('a' + i),
				    (enum terminal_colour)colours[i % sizeof(colours)]);
	return cell('*', COLOUR_WHITE);
}

static struct map_cell age_cell(const struct map_context *context)
{
	if (context->age == UINT32_MAX)
		return cell('.', COLOUR_NONE);
	if (context->age >= 10)
		return cell('+', COLOUR_BLUE);
	return cell((char)('0' + context->age), context->age < 3 ? COLOUR_RED : COLOUR_YELLOW);
}

struct map_cell map_cell(const struct map_range *range, enum map_mode mode,
			 const struct map_context *context)
{
	if (range->present == 0)
		return cell(' ', COLOUR_NONE);
	if (range->bad)
		return cell('X', COLOUR_RED);
	if (range->reserved == range->present)
		return cell('R', COLOUR_NONE);
	switch (mode) {
	case MAP_FREE:
		return free_cell(range);
	case MAP_TYPE:
		return type_cell(range);
	case MAP_ORDER:
		return order_cell(range);
	case MAP_OWNER:
		return owner_cell(range, context);
	default:
		return age_cell(context);
	}
}
