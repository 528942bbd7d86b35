/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gfp.h: the allocation flags, Linux's names.
 *
 * The three class bits (zone and mobility) are, as a number, the byte offset of the per-CPU page
 * cache that serves the request: a request finds its cache with one AND and one add, and a page
 * carries the same offset in its descriptor, so a free finds it with one subtract.
 */
#ifndef QUARRY_GFP_H
#define QUARRY_GFP_H

#include <quarry/cdefs.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

/* Class bits. Both mobility bits together are refused. */
#define __GFP_MOVABLE	  ((gfp_t)0x20) /* the owner can move the page's content */
#define __GFP_RECLAIMABLE ((gfp_t)0x40) /* a shrinker can give the page back */
#define __GFP_DMA32	  ((gfp_t)0x80) /* only memory below the zone boundary (4 GiB) */
#define GFP_MOVABLE_MASK  (__GFP_MOVABLE | __GFP_RECLAIMABLE)
#define GFP_CLASS_MASK	  (GFP_MOVABLE_MASK | __GFP_DMA32)

/* Action bits. Those that GFP_KERNEL is made of fit a short immediate operand. */
#define __GFP_KSWAPD_RECLAIM ((gfp_t)0x10)    /* work in the background may be asked for */
#define __GFP_DIRECT_RECLAIM ((gfp_t)0x100)   /* shrinkers, and owners of what can move, may run */
#define __GFP_ZERO	     ((gfp_t)0x200)   /* the pages are filled with zeros */
#define __GFP_COMP	     ((gfp_t)0x400)   /* a compound page: its tails resolve to the head */
#define __GFP_NOWARN	     ((gfp_t)0x800)   /* no report if the request is refused */
#define __GFP_THISNODE	     ((gfp_t)0x1000)  /* zonelist[1]: of this node, which is all */
#define __GFP_HIGH	     ((gfp_t)0x2000)  /* may use half of the min watermark */
#define __GFP_MEMALLOC	     ((gfp_t)0x4000)  /* may use all of it: it is about to free memory */
#define __GFP_NOMEMALLOC     ((gfp_t)0x8000)  /* may use none of it, whatever else is set */
#define __GFP_NORETRY	     ((gfp_t)0x10000) /* one attempt at reclaim, then refuse */
#define __GFP_RETRY_MAYFAIL  ((gfp_t)0x20000) /* all caches, 16 rounds of shrinkers */
#define __GFP_NOFAIL	     ((gfp_t)0x40000) /* never refuse: panic if all is gone */

#define __GFP_BITS_MASK	     ((gfp_t)0x7fff0)

/*
 * What callers use, made of what Linux makes them of, so that each set of flags has one name.
 * Context of GFP_KERNEL: boot and thread; of the others also interrupt.
 */
#define GFP_KERNEL (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT __GFP_KSWAPD_RECLAIM
#define GFP_DMA32  __GFP_DMA32

enum migratetype {
	MIGRATE_UNMOVABLE,
	MIGRATE_MOVABLE,
	MIGRATE_RECLAIMABLE,
	MIGRATE_PCPTYPES, /* types that requests and per-CPU caches have */
	MIGRATE_HIGHATOMIC =
		MIGRATE_PCPTYPES, /* pageblocks kept for GFP_ATOMIC of order 1 and up */
	MIGRATE_CMA,		  /* pageblocks of an area lent to movable requests */
	MIGRATE_ISOLATE, /* pageblocks that a range is made of: nothing is allocated from them */
	MIGRATE_TYPES,
};

#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_BOOT_MASK (__GFP_BITS_MASK & ~__GFP_RECLAIM)

/*
 * mm_set_gfp_allowed_mask(), mm_gfp_allowed_mask() - of the two bits of __GFP_RECLAIM those that are not
 * in the mask are taken from each request that finds no zone above its low mark: with GFP_BOOT_MASK
 * none waits, nor wakes mm_balance(). Ranges are not such requests. All bits are allowed at first. Others are not changed.
 *
 * Context: any.
 * Bound:   5.
 * Return:  the mask.
 * Source:  Linux gfp_allowed_mask, GFP_BOOT_MASK.
 */
void mm_set_gfp_allowed_mask(gfp_t mask);
gfp_t mm_gfp_allowed_mask(void);

/*
 * gfp_migratetype() - the mobility of a request.
 *
 * Context: any.
 * Bound:   2; none where the flags are constant.
 * Return:  a type below MIGRATE_PCPTYPES, or 3 for flags that are refused.
 * Source:  Linux include/linux/gfp.h.
 */
static inline enum migratetype gfp_migratetype(gfp_t gfp)
{
	return (enum migratetype)((gfp & GFP_MOVABLE_MASK) >> 5);
}

/* Room for the names of all flags at once, and for unknown bits. */
#define GFP_NAMES_SIZE 320

/*
 * gfp_names() - write the names of the flags, joined by '|', to buf (size bytes, always
 * terminated; truncated if too small; "0" for no flags; unknown bits in hex). A compound such as
 * GFP_ATOMIC is written where all its bits are set and no earlier name has taken one of them.
 *
 * Context: any.
 * Bound:   linear in the text.
 * Return:  buf.
 * Source:  Linux include/trace/events/mmflags.h.
 */
char *gfp_names(gfp_t gfp, char *buf, size_t size);

/*
 * gfp_parse() - the flags written as names joined by '|' ("GFP_KERNEL|__GFP_ZERO") or as a number
 * (0x.., decimal).
 *
 * Context: any.
 * Bound:   linear in the string.
 * Return:  0; -EINVAL an unknown name, an unknown bit or both mobility bits: *gfp is unchanged.
 */
int gfp_parse(const char *text, gfp_t *gfp);

/*
 * mm_migratetype_name() - a type's name.
 *
 * Context: any.
 * Bound:   10.
 * Return:  a string that stays.
 * Source:  Linux /proc/pagetypeinfo.
 */
const char *mm_migratetype_name(enum migratetype type);

MM_END_DECLS

#endif
