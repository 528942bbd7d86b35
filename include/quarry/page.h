/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page.h: the 8-byte page descriptor.
 *
 *   31       16 15   12 11    8 7     5 4   0     63                         32
 *  +-----------+-------+-------+-------+-----+   +-----------------------------+
 *  | _refcount | state | order | class |  0  |   | owner tag, if allocated     |
 *  +-----------+-------+-------+-------+-----+   +-----------------------------+
 * Only the first page of a block (its head) says what the block is; the others are PAGE_NONE or,
 * in groups of descriptors that were never written, anything: see the trust map in mm/zone/zone.h.
 * Pages that are free in a pageblock which is not free as a whole have no head: a bit of the
 * pageblock's map says that they are free (mm/free_map.h). order and class together are the byte
 * offset of the per-CPU cache the block returns to (pcp.h).
 *
 * An allocated block with _refcount 0 lies in a per-CPU cache.
 */
#ifndef QUARRY_PAGE_H
#define QUARRY_PAGE_H

#include <quarry/config.h>
#include <quarry/types.h>

struct page {
	union {
		struct {
			union {
				uint32_t word;
				struct {
					uint16_t info;	    /* state | order | class */
					uint16_t _refcount; /* holders of an allocated block */
				};
			};
			uint32_t owner; /* allocated: the owner's tag, 0 if none */
		};
		uint64_t raw; /* all of it, to write it in one store */
	};
};
QUARRY_STATIC_ASSERT(sizeof(struct page) == 8, "8 bytes a page");
QUARRY_STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
		     "info is the low half of word, word of raw");

#define PAGE_STATE_SHIFT 12
#define PAGE_ORDER_SHIFT 8
#define PAGE_STATE_MASK	 0xf000U
#define PAGE_ORDER_MASK	 0x0f00U
#define PAGE_CLASS_MASK	 0x00e0U

enum page_state {
	PAGE_NONE,     /* not the head of a block */
	PAGE_FREE,     /* in the buddy */
	PAGE_ALLOC,    /* allocated; with _refcount 0 in a per-CPU cache */
	PAGE_COMPOUND, /* allocated with __GFP_COMP */
	PAGE_RESERVED, /* never released to the allocator, or absent */
	PAGE_FROZEN,   /* allocated, the last reference dropped by put_page_testzero() */
	PAGE_CONTIG,   /* part of a range (contig.h), without references */
	PAGE_SLAB,     /* of objects (slab.h), or of kmalloc(): the owner word says; _refcount 0 */
	PAGE_BAD, /* struct page_info alone: reserved for good by mm_page_set_bad(), bit 0 of the word */
};

#define MAX_PAGE_ORDER	   CONFIG_MAX_PAGE_ORDER /* largest block: 4 MiB */
#define NR_PAGE_ORDERS	   (MAX_PAGE_ORDER + 1)
#define MAX_ORDER_NR_PAGES (1UL << MAX_PAGE_ORDER)
#define pageblock_order	   CONFIG_PAGEBLOCK_ORDER /* 2 MiB */
#define pageblock_nr_pages (1UL << pageblock_order)
QUARRY_STATIC_ASSERT(PAGE_SHIFT == 12 || PAGE_SHIFT == 14 || PAGE_SHIFT == 16,
		     "CONFIG_PAGE_SHIFT: pages of 4, 16 or 64 KiB");
QUARRY_STATIC_ASSERT(MAX_PAGE_ORDER >= 3 && MAX_PAGE_ORDER <= 12, "CONFIG_MAX_PAGE_ORDER: 3 to 12");
QUARRY_STATIC_ASSERT(pageblock_order >= 2 && pageblock_order <= MAX_PAGE_ORDER,
		     "CONFIG_PAGEBLOCK_ORDER: 2 to CONFIG_MAX_PAGE_ORDER");
QUARRY_STATIC_ASSERT(
	CONFIG_TRUST_GROUP_SHIFT >= 1 && CONFIG_TRUST_GROUP_SHIFT <= pageblock_order &&
		CONFIG_TRUST_GROUP_SHIFT <= PAGE_SHIFT - 3,
	"CONFIG_TRUST_GROUP_SHIFT: groups lie within a pageblock, and the descriptors' page is aligned to one");

#endif
