/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open_section.c: a section that nobody has cut yet becomes two pageblocks. Only then is its
 * metadata written for the first time.
 */
#include "../debug/hooks.h"
#include "buddy_internal.h"

/* On no list; all of its pages are free, or none is. */
static inline void pageblock_clear(unsigned long index, bool free)
{
	struct pageblock *pb = pb_of(index);

	pb->nr_free = free ? pageblock_nr_pages : 0;
	pb->list = PB_OFF_LIST;
	pb->type = MIGRATE_UNMOVABLE;
	map_fill(index, free);
}

void section_clear(unsigned long section, bool free)
{
	unsigned long index = section << SECTION_SHIFT;
	uint64_t *trust = (uint64_t *)(void *)&mm.trust[index >> GROUP_SHIFT];
	uint64_t none = 0x0101010101010101;
	const unsigned long bytes = SECTION_PAGES / GROUP_PAGES, end = index + SECTION_PAGES;

	static_assert(TRUST_NONE == 1, "the bytes of the constant above");
	VM_BUG_ON(section >= mm.nr_pages >> SECTION_SHIFT);
	for (; index < end; index += pageblock_nr_pages)
		pageblock_clear(index, free);
	if (!FOR_SPEED || SECTION_PAGEBLOCKS > 2 || bytes != 4 * sizeof(*trust)) {
		memset(trust, TRUST_NONE, bytes);
		/* A block of several parts into several pieces: each has a place for its head. */
		for (index = section << SECTION_SHIFT; SECTION_PAGEBLOCKS > 2 && index < end;
		     index += pageblock_nr_pages) {
			trust_head(index, pageblock_order);
			mm.memmap[index].word = PAGE_NONE;
		}
		return;
	}
	__asm__("" : "+r"(none)); /* four stores are faster than a call of memset() */
	for (int i = 0; i < 4; i++)
		trust[i] = none;
}

struct pageblock *section_take(struct zone *zone)
{
	struct span *span;
	unsigned long section, index;

	if (!zone->nr_untouched || FAULT_POINT())
		return NULL;
	span = &mm.spans[zone->span];
	if (span->opened == span->end) { /* of the next one nothing was taken yet */
		zone->span = span->next;
		span = &mm.spans[zone->span];
	}
	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(zone->span >= mm.nr_spans);
	VM_BUG_ON(span->opened >= span->end);
	VM_BUG_ON(zone->nr_untouched < SECTION_PAGES || zone->nr_free < SECTION_PAGES);
	section = span->opened;
	VM_BUG_ON(section_is_open(section));
	index = section << SECTION_SHIFT;
	section_clear(section, true);
	mm.trust[index >> GROUP_SHIFT] = TRUST_HEAD;
	mm.memmap[index].word = PAGE_FREE_WORD(MAX_PAGE_ORDER);
	if (HOOKS)
		hook_section_opened(index);
	/*
	 * Release: a CPU that sees the section open sees its one free block. Only a holder of the
	 * lock writes it.
	 */
	__atomic_store_n(&span->opened, (uint32_t)section + 1, __ATOMIC_RELEASE);
	zone->nr_untouched -= SECTION_PAGES;
	return &mm.pageblocks[index >> pageblock_order];
}
