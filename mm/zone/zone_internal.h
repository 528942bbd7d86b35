/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_internal.h: what the files of zone/ share and no other folder needs.
 */
#ifndef QUARRY_MM_ZONE_INTERNAL_H
#define QUARRY_MM_ZONE_INTERNAL_H

#include "../free_map.h"

/*
 * Bytes of the tables between the descriptors and the banks. What follows a table is aligned: its
 * part for a section is, or else it is rounded up.
 */
#define WHOLE_WORDS(bytes, of_section) \
	((of_section) % sizeof(uint64_t) ? ALIGN_UP(bytes, sizeof(uint64_t)) : (bytes))
#define PAGEBLOCKS_BYTES(nr_pages)                                     \
	WHOLE_WORDS(((nr_pages) >> pageblock_order) * PAGEBLOCK_BYTES, \
		    (SECTION_PAGES >> pageblock_order) * PAGEBLOCK_BYTES)
#define MAP_BYTES(nr_pages)	  (((nr_pages) >> WORD_ORDER) * sizeof(uint64_t))
#define MAP_ORDER_BYTES(nr_pages) WHOLE_WORDS((nr_pages) >> WORD_ORDER, SECTION_PAGES >> WORD_ORDER)
#define TRUST_BYTES(nr_pages)	  WHOLE_WORDS((nr_pages) >> GROUP_SHIFT, SECTION_PAGES / GROUP_PAGES)
#define PRIVATE_BYTES(nr_pages)	  ((nr_pages) * (uint64_t)(CONFIG_PAGE_PRIVATE * sizeof(uintptr_t)))

#pragma GCC visibility push(hidden)

/* sections.c: the last bank that starts at or before x, a frame or an index, or else the first. NULL: there is none. */
const struct bank *bank_of(uint64_t x, bool by_index);

/* watermark.c */
int setup_per_zone_wmarks(void); /* returns 0: what sets a sysctl ends with it */

#pragma GCC visibility pop
#endif
