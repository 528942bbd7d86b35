/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * migrate.h: pages whose content their owner can move (Linux: struct movable_operations), handles for
 * programs without page tables, and compaction.
 *
 * A block is moved while its owner has agreed (isolate_page()) and nobody else holds it: its
 * references are as many as its owner is known to have. What moved has another descriptor from
 * then on. No lock is held and no interrupt masked while contents are copied.
 */
#ifndef QUARRY_MIGRATE_H
#define QUARRY_MIGRATE_H

#include <quarry/cdefs.h>
#include <quarry/gfp.h>
#include <quarry/mmzone.h>
#include <quarry/page.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

/*
 * isolate_page() - may the block be moved? If so it stays as it is, and its owner does not free it,
 * until one of the other two is called. migrate_page() - copy it, and use dst from now on; 0, or a negative
 * errno: src stays. dst may lie in another zone than src. putback_page() - the block stays.
 *
 * Context: called in thread context without locks of mm/, by whoever makes a range, compacts, or
 *          makes a request that may wait (gfp.h). So none of them makes such a request, and nobody makes
 *          one with a lock that they take.
 */
struct movable_operations {
	unsigned int holders; /* references that the owner has to each of its blocks */
	bool (*isolate_page)(struct page *page);
	int (*migrate_page)(struct page *dst, struct page *src);
	void (*putback_page)(struct page *page);
};

#define MM_MOVABLE_OPERATIONS 63
#define MM_MOVABLE_PRIVATE    0xffffffU /* what the owner's tag has room for besides */

/*
 * mm_register_movable() - once for each kind of owner. set_page_movable() - the block, allocated with
 * __GFP_MOVABLE, is of this owner, who notes `note` with it (movable_note()). clear_page_movable() -
 * it is nobody's to move any more: before it is freed.
 *
 * Context: thread; the block is the caller's.
 * Bound:   20.
 * Return:  the owner's number, 1 and up; -ENOSPC there are MM_MOVABLE_OPERATIONS, -EINVAL a callback
 *          is missing. A note.
 * Source:  Linux include/linux/migrate.h: __SetPageMovable().
 */
int mm_register_movable(const struct movable_operations *ops);
void set_page_movable(struct page *page, int number, uint32_t note);
void clear_page_movable(struct page *page);
uint32_t movable_note(const struct page *page);

/*
 * compact_memory() - in each zone, pages that can move are gathered in the pageblocks that hold pages
 * which cannot, and in the fullest of the others, so that as many as can be are free as a whole.
 *
 * Context: thread, without locks that an owner's callback takes; it waits for the other CPUs, as
 *          drain_all_pages().
 * Bound:   60 a block in use that is looked at, and 600 a page that moves besides its copy; the zone's
 *          lock is held for 16 pages at a time.
 * Return:  pages moved.
 * Source:  Linux vm.compact_memory.
 */
unsigned long compact_memory(void);

typedef uint32_t mhandle_t; /* 0: none */

/*
 * mhandle_alloc(), mhandle_pin(), mhandle_unpin(), mhandle_free() - memory that may move while nobody
 * looks: size bytes, half a pageblock at most, with __GFP_DMA32 always of that zone; its address, where it
 * stays until it was unpinned as often as pinned; it is free again.
 *
 * Context: as alloc_pages(); to pin and unpin any; to free as __free_pages().
 * Bound:   alloc_pages() and 300; 40; 40; a free and 100.
 * Return:  a handle; 0: refused. An address; NULL: no such handle. 0; -EINVAL no such handle, or it is
 *          not pinned; -EBUSY it is pinned.
 * Source:  none: Linux has page tables.
 */
mhandle_t mhandle_alloc(size_t size, gfp_t gfp);
void *mhandle_pin(mhandle_t handle);
int mhandle_unpin(mhandle_t handle);
int mhandle_free(mhandle_t handle);

/*
 * mm_extfrag_threshold(), mm_set_extfrag_threshold() - a request of an order above 3 has pages moved only
 * where the fragmentation index of its order is above this: towards 0 it would fail for want of memory,
 * towards 1,000 because what is free is cut up. 500 at first.
 *
 * Context: any.
 * Bound:   10.
 * Return:  the threshold. 0; -EINVAL it is above 1,000.
 * Source:  Linux vm.extfrag_threshold.
 */
unsigned int mm_extfrag_threshold(void);
int mm_set_extfrag_threshold(unsigned int threshold);

/*
 * mm_balance() - a step of what is done ahead of requests, for the idle loop or a tick: while a zone has
 * been below its low mark and is not at its high one, or types are mixed, the shrinkers are called once;
 * while most of what is free is cut up, a pageblock of pages that can move is emptied.
 *
 * Context: thread, without locks that an owner's or a shrinker's callback takes.
 * Bound:   the shrinkers' own; 10 a pageblock; one pageblock's pages that move, as compact_memory(), and
 *          60 for each block in use up to the first that can be emptied.
 * Return:  objects freed and blocks moved; 0: nothing is to be done now.
 * Source:  Linux mm/vmscan.c: balance_pgdat(), mm/compaction.c: kcompactd().
 */
unsigned long mm_balance(void);

/*
 * mm_balance_woken() - has a request with __GFP_KSWAPD_RECLAIM found no zone above its low mark, or have
 * types been mixed, since mm_balance() last had nothing to do? A program that calls it only then has
 * nothing done while memory is plenty. port_balance() (quarry/port.h) is called when a
 * request makes it true, not when types are mixed.
 *
 * Context: any.
 * Bound:   50.
 * Return:  whether.
 */
bool mm_balance_woken(void);

/*
 * mm_watermark_boost_factor(), mm_set_watermark_boost_factor(), mm_zone_boost() - a request that is served
 * from another type's pageblock raises its zone's boost by a pageblock, up to so many 10,000ths of the high
 * mark; mm_balance() has shrinkers give back as much. 0: no boost. 15,000 at first. No request is refused
 * for it.
 *
 * Context: any.
 * Bound:   10; 10; 30.
 * Return:  the factor. 0; -EINVAL it is above 1,000,000. The zone's boost, in pages.
 * Source:  Linux vm.watermark_boost_factor, /proc/zoneinfo.
 */
unsigned int mm_watermark_boost_factor(void);
int mm_set_watermark_boost_factor(unsigned int factor);
uint64_t mm_zone_boost(enum zone_type zone);

/*
 * mm_compaction_proactiveness(), mm_set_compaction_proactiveness() - how early mm_balance() moves pages,
 * 0, never, to 100: it ends when 100 less this, 5 at least, of 100 free pages are of no use for a request
 * of a pageblock, and begins with more than 10 above that; up to 10 with more than that. 20 at first.
 *
 * Context: any.
 * Bound:   10.
 * Return:  the figure. 0; -EINVAL it is above 100.
 * Source:  Linux vm.compaction_proactiveness.
 */
unsigned int mm_compaction_proactiveness(void);
int mm_set_compaction_proactiveness(unsigned int proactiveness);

struct mm_migrate_stats {
	uint64_t moved, failed; /* pages; blocks that could not be */
	uint64_t scanned;	/* blocks that compaction looked at */
	uint64_t free_scanned;	/* pageblocks that it looked at for room */
	uint64_t isolated;	/* blocks that it asked their owners for */
	uint64_t stall;		/* requests for which it looked for pages to move */
	uint64_t success, fail; /* of these: a block became free, or none */
	uint64_t daemon_wake;	/* times that mm_balance() began with moves */
	uint64_t balance_run;	/* times that it began with a zone below its low mark */
	uint64_t balance_freed, balance_moved; /* objects and blocks that it returned */
};
/*
 * mm_migrate_stats() - of all moves, whoever asked for them.
 *
 * Context: any.
 * Bound:   linear in the counters.
 * Source:  Linux /proc/vmstat: pgmigrate_success, pgmigrate_fail, compact_*.
 */
void mm_migrate_stats(struct mm_migrate_stats *stats);

MM_END_DECLS

#endif
