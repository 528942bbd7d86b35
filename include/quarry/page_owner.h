/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_owner.h: who allocated a block that is in use, in the word of its head that is the owner's.
 *
 * While it is on, alloc_pages() and its relatives write there the address they were called from, as
 * an offset into the image, and the number of the newest mark:
 *
 *   31  30    20 19              0     31 30 29    24 23          0
 *  +---+--------+-----------------+   +------+--------+------------+
 *  | 1 |  mark  | call site / 2   |   |  0   | number | note / tag |
 *  +---+--------+-----------------+   +------+--------+------------+
 * The second is what the block's owner writes: set_page_movable(), with the number of its movable
 * operations (migrate.h), or set_page_owner(), without. Either replaces the call site, so that the
 * three never meet. Blocks of objects (slab.h) and of ranges (contig.h) have a word of another kind.
 *
 * It takes no memory. The hot paths do not look: the caches are hidden from them while it is on, as
 * for the other debug options (mm_debug.h).
 */
#ifndef QUARRY_PAGE_OWNER_H
#define QUARRY_PAGE_OWNER_H

#include <quarry/cdefs.h>
#include <quarry/page.h>
#include <quarry/types.h>
#include <quarry/vmstat.h>

MM_BEGIN_DECLS

#define MM_PAGE_OWNER_TAG_MAX 0xffffffU
#define MM_PAGE_OWNER_MARKS   2047U
#define MM_PAGE_OWNER_BYTES   (2UL << 20) /* of an image have call sites of their own */

/*
 * mm_page_owner_start() - call sites are written from now on, as offsets from `image`; one that is
 * not in the 2 MiB from there is written as 0. The newest mark is 0. mm_page_owner_stop() - no more,
 * and those written are erased.
 *
 * Context: thread, other CPUs idle.
 * Bound:   linear in what is cached; the second in the memory ever cut.
 * Return:  0; -EBUSY it is on; -ENOSYS CONFIG_DEBUG_HOOKS is 0.
 * Source:  Linux mm/page_owner.rst, where each page has a record of its own.
 */
int mm_page_owner_start(const void *image);
void mm_page_owner_stop(void);

/*
 * mm_page_owner_mark() - what is allocated from now on has this mark.
 *
 * Context: any.
 * Bound:   50.
 * Return:  its number, 1 to MM_PAGE_OWNER_MARKS; -ENOSPC there are no more; -EINVAL it is off.
 * Source:  none.
 */
int mm_page_owner_mark(void);

/*
 * set_page_owner() - the block's owner writes a tag of its own, whether call sites are written or
 * not. It writes 0 before it frees the block.
 *
 * Context: any; the caller holds the block, page is its head; tag up to MM_PAGE_OWNER_TAG_MAX.
 * Bound:   1.
 * Source:  Linux include/linux/page_owner.h has a function of this name.
 */
static inline void set_page_owner(struct page *page, uint32_t tag)
{
	__atomic_store_n(&page->owner, tag, __ATOMIC_RELAXED);
}

enum page_owner_kind {
	PAGE_OWNER_NONE,    /* nobody has the block: it is free, cached or reserved */
	PAGE_OWNER_UNKNOWN, /* nothing was written */
	PAGE_OWNER_SITE,    /* the call site, an offset into the image, and the mark */
	PAGE_OWNER_TAG,	    /* the owner's tag */
	PAGE_OWNER_MOVABLE, /* the number of its movable operations */
	PAGE_OWNER_SLAB,    /* objects, or a large block of kmalloc() */
	PAGE_OWNER_RANGE,   /* of alloc_contig_range() and its relatives */
};
struct page_owner {
	enum page_owner_kind kind;
	uint32_t value;
	uint32_t mark;
};
/*
 * mm_page_owner() - what the answer of mm_page_info() says of the block's owner. A call site is
 * rounded down to 2 bytes.
 *
 * Context: any.
 * Bound:   50.
 * Return:  the kind, and what this kind has.
 */
struct page_owner mm_page_owner(const struct page_info *info);

MM_END_DECLS

#endif
