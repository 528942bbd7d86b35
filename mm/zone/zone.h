/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone.h: what zone/ offers: which memory has descriptors and which of them are believed, zones,
 * zonelists and watermarks.
 *
 * Memory that exists is covered by sections of 4 MiB (one block of MAX_PAGE_ORDER). Sections are
 * numbered densely in address order, holes between banks left out, so a descriptor's index in the
 * one array mm.memmap has the same alignment as its frame number and buddies are found by XOR.
 *
 * Metadata, per section of 1024 pages:
 *   8192 bytes  descriptors (quarry/page.h)
 *     32 bytes  trust map: one byte per 32 descriptors says which of them were ever written
 *     32 bytes  two pageblock heads (buddy/buddy.h)
 *    144 bytes  the map of free pages, a bit each, and a byte for each word of it (free_map.h)
 * None of it is initialised until the section is opened, that is, when a block is first cut from
 * it. Which sections are open is known from the spans, a short sorted table.
 */
#ifndef QUARRY_MM_ZONE_H
#define QUARRY_MM_ZONE_H

#include <quarry/mm.h>
#include "../alloc_context.h"
#include "../compiler.h"
#include "../mmzone.h"

#define SECTION_SHIFT MAX_PAGE_ORDER /* pages -> sections */
#define SECTION_PAGES MAX_ORDER_NR_PAGES
#define SECTION_SIZE  ((phys_addr_t)SECTION_PAGES << PAGE_SHIFT)

/* One byte of the trust map covers a group of 32 descriptors, by default as all figures here. */
#define GROUP_SHIFT CONFIG_TRUST_GROUP_SHIFT
#define GROUP_PAGES (1UL << GROUP_SHIFT)
enum trust {		/* in this order: the hot path compares */
	TRUST_ALL = -1, /* each descriptor of the group says the truth */
	TRUST_HEAD = 0, /* the first was written; the others are no heads */
	TRUST_NONE = 1, /* none was ever written: none is a head */
};

/*
 * A run of sections that are open from `first` up to `opened` and were never touched from there
 * to `end`. Sections in no span are reserved as a whole. Sorted; never overlapping.
 */
struct span {
	uint32_t first, opened, end; /* section numbers */
	uint32_t next; /* the zone's next span that had untouched sections at boot; NIL32: none */
};

#pragma GCC visibility push(hidden)

/* zone_init.c: takes room for all metadata from memblock. Bound: linear in memblock's regions. */
int zones_init(phys_addr_t dma32_limit);

/*
 * memblock_free.c. Sections [section, end): those that are reserved as a whole are opened, each one
 * reserved block; no other CPU is in mm/. Pages [index, end) of open sections, which are reserved:
 * they go to the buddy, and the zone manages them; takes the zones' locks.
 */
void reserved_open(unsigned long section, unsigned long end);
void reserved_release(unsigned long index, unsigned long end);

/* sections.c */
unsigned long pfn_to_index(pfn_t pfn); /* NIL32 if there is no descriptor */
pfn_t index_to_pfn(unsigned long index);
enum section_state {
	SECTION_RESERVED, /* as a whole: it is in no span */
	SECTION_UNTOUCHED,
	SECTION_OPEN,
};
enum section_state section_state(unsigned long section);
static inline bool section_is_open(unsigned long section)
{
	return section_state(section) == SECTION_OPEN;
}
void trust_group(unsigned long index);	     /* writes its whole group, see trust_head() */
void open_range_note(unsigned long section); /* it is open: this CPU notes so */
/*
 * The head of the block that index lies in; its section must be open. NIL32: the page is free, in a
 * pageblock that is not free as a whole. Bound 200.
 */
unsigned long block_head(unsigned long index);

/* Is there a free block of this order or above? HIGHATOMIC ones count if asked. Needs no lock. */
static inline RACY bool zone_has_block(const struct zone *zone, unsigned int order, bool highatomic)
{
	const uint16_t *nonempty = zone->nonempty;
	unsigned int mask =
		READ_ONCE(nonempty[MIGRATE_UNMOVABLE]) | READ_ONCE(nonempty[MIGRATE_MOVABLE]) |
		READ_ONCE(nonempty[MIGRATE_RECLAIMABLE]) | READ_ONCE(nonempty[PB_WHOLE]);

	if (highatomic)
		mask |= READ_ONCE(nonempty[MIGRATE_HIGHATOMIC]);
	return mask >> order || READ_ONCE(zone->nr_untouched);
}

/* watermark.c */
int init_per_zone_wmark_min(void); /* managed memory has changed; returns 0 */
/*
 * May the request have its block from this zone (one of ac->zonerefs)? What the zone answers is
 * recorded. Needs no lock.
 */
bool zone_watermark_ok(struct alloc_context *ac, const struct zoneref *ref);
/* Of one zone that has so many of all managed pages. */
void calc_watermarks(uint64_t managed, uint64_t total, uint64_t min_free_kbytes,
		     unsigned int scale_factor, struct mm_watermarks *mark);
/* What it keeps from requests whose highest zone is each of nr_zones. */
void calc_protection(unsigned int zone, unsigned int nr_zones, const uint64_t managed[],
		     unsigned int ratio, uint64_t protection[]);

#pragma GCC visibility pop
#endif
