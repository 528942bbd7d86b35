/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmstat.h: what the allocator tells about itself: events, zones, free blocks, caches, one page.
 * Nothing here changes anything.
 */
#ifndef QUARRY_VMSTAT_H
#define QUARRY_VMSTAT_H

#include <quarry/cdefs.h>
#include <quarry/gfp.h>
#include <quarry/mmzone.h>
#include <quarry/page.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

enum mm_misuse { /* why a free was refused */
	MISUSE_DOUBLE_FREE,
	MISUSE_WRONG_ORDER,
	MISUSE_TAIL,
	MISUSE_RESERVED,
	MISUSE_FOREIGN,	   /* no such memory, or not a descriptor's address */
	MISUSE_MISALIGNED, /* not a page's address */
	MISUSE_IN_USE,	   /* frozen pages were meant, but it has holders; or it is a slab's */
	MISUSE_RANGE,	   /* part of a range, which is freed as it was allocated (contig.h) */
	MISUSE_CACHE,	   /* an object of another cache */
	NR_MISUSES,
};
/*
 * mm_misuse_name() - in words, for a report.
 *
 * Context: any.
 * Bound:   10.
 * Return:  a string that stays.
 */
const char *mm_misuse_name(enum mm_misuse kind);

/* Stages of the slow path, each counted when it is entered. */
enum mm_stage {
	MM_STAGE_SLOW,	     /* nothing above the low marks: on to min */
	MM_STAGE_ASSEMBLE,   /* pages in this CPU's caches were looked at */
	MM_STAGE_DRAIN,	     /* all CPUs gave back what makes up a block */
	MM_STAGE_COMPACT,    /* pages that can move were looked for */
	MM_STAGE_RECLAIM,    /* shrinkers were called */
	MM_STAGE_HIGHATOMIC, /* the HIGHATOMIC pageblocks were looked at */
	MM_STAGE_FAIL,	     /* refused */
	NR_MM_STAGES,
};
/*
 * mm_stage_name() - as `vmstat` prints it.
 *
 * Context: any.
 * Bound:   10.
 * Return:  a string that stays.
 */
const char *mm_stage_name(enum mm_stage stage);

struct mm_stats {
	uint64_t misuse[NR_MISUSES];
	uint64_t stage[NR_MM_STAGES];
	uint64_t alloc_failed;	/* requests refused for want of memory, or by fault injection */
	uint64_t bad_request;	/* requests refused for their flags or order */
	uint64_t extfrag;	/* requests served from another type's pageblock */
	uint64_t shrunk;	/* objects shrinkers freed */
	uint64_t might_sleep;	/* requests that may wait, made in an interrupt */
	uint64_t fail_injected; /* requests failed on purpose */
	uint64_t poison_hit;	/* free pages that were written to */
};
/*
 * mm_get_stats() - a copy of all counters.
 *
 * Context: any; a figure may be a moment old.
 * Bound:   linear in the counters.
 * Source:  Linux /proc/vmstat.
 */
void mm_get_stats(struct mm_stats *stats);

/* While MM_HOOK_STAT is on, but for the last: the hot path has no room for them. */
struct mm_zone_stats {
	uint64_t pgalloc, pgfree; /* pages that were allocated, and freed */
	uint64_t hit;		  /* requests that prefer this zone, and were served from it */
	uint64_t miss, foreign;	  /* that prefer another one; that prefer it, from another one */
	uint64_t allocstall;	  /* that may go up to this zone, rounds of shrinkers */
};
/*
 * mm_zone_stats() - a copy of a zone's counters.
 *
 * Context: any; a figure may be a moment old.
 * Bound:   20.
 * Source:  Linux /proc/vmstat: pgalloc_*, pgfree, allocstall_*, numa_hit, numa_miss, numa_foreign.
 */
void mm_zone_stats(enum zone_type zone, struct mm_zone_stats *stats);

struct zone_info {
	const char *name;
	pfn_t start_pfn;	 /* first frame of the zone's span */
	uint64_t spanned;	 /* pages from the first to the last, holes included */
	uint64_t present;	 /* pages that exist */
	uint64_t managed;	 /* pages released to the allocator */
	uint64_t free;		 /* pages in the buddy, the pages in per-CPU caches not counted */
	uint64_t untouched;	 /* of free: pages in 4 MiB blocks that were never cut */
	uint64_t lock_acquired;	 /* times the zone lock was taken */
	uint64_t lock_contended; /* times that a CPU had to wait in line for it */
	uint64_t lock_overtaken; /* of these, times that the CPU did not run and lost its place */
	struct mm_watermarks mark;
	uint64_t protection[MAX_NR_ZONES]; /* pages kept from requests that could use zone [i] */
	uint64_t nr_highatomic;		   /* pages of the HIGHATOMIC pageblocks */
	uint64_t nr_cma, nr_free_cma;	   /* pages of CMA areas; of these, free ones */
	uint64_t extfrag;		   /* requests served from another type's pageblock */
};
/*
 * mm_zone_info() - what a zone holds and keeps; pages, where nothing else is said.
 *
 * Context: any; a figure may be a moment old.
 * Bound:   linear in memblock's regions.
 * Source:  Linux /proc/zoneinfo.
 */
void mm_zone_info(enum zone_type zone, struct zone_info *info);

struct node_info {
	pfn_t node_start_pfn;	     /* first frame of the node's span */
	uint64_t node_present_pages; /* pages that exist */
	uint64_t node_spanned_pages; /* from the first to the last, holes included */
};
/*
 * mm_node_info() - the one node, of all zones; pages.
 *
 * Context: any; a figure may be a moment old.
 * Bound:   linear in memblock's regions.
 * Source:  Linux include/linux/mmzone.h, pg_data_t.
 */
void mm_node_info(struct node_info *info);

/*
 * si_mem_available() - MemAvailable of /proc/meminfo: free pages less what each zone keeps, its
 * high watermark and its largest protection. Pages in per-CPU caches do not count, nor what
 * shrinkers could free.
 *
 * Context: any; a figure may be a moment old.
 * Bound:   100.
 * Return:  pages.
 * Source:  Linux filesystems/proc.rst, si_mem_available().
 */
uint64_t si_mem_available(void);

/*
 * mm_buddyinfo(), mm_pagetypeinfo() - free blocks of each order in a zone; the second by mobility
 * of the pageblock, whole free pageblocks as MIGRATE_MOVABLE.
 *
 * Context: any; the zone's lock is held and interrupts are masked.
 * Bound:   linear in the 2 MiB pageblocks ever cut and their free blocks.
 * Source:  Linux /proc/buddyinfo, /proc/pagetypeinfo.
 */
void mm_buddyinfo(enum zone_type zone, uint64_t nr_free[NR_PAGE_ORDERS]);
void mm_pagetypeinfo(enum zone_type zone, uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS]);

/*
 * mm_pageblocks() - pageblocks by type; those free as a whole count as movable.
 *
 * Context: any; the zone's lock is held and interrupts are masked.
 * Bound:   linear in the 2 MiB pageblocks ever cut.
 * Source:  Linux /proc/pagetypeinfo, second half.
 */
void mm_pageblocks(enum zone_type zone, uint64_t blocks[MIGRATE_TYPES]);

struct pcp_info {
	uint32_t cpu, zone, migratetype, order;
	uint32_t count, high, batch, capacity; /* blocks of that order */
};
/*
 * mm_pcp_info() - the n-th cache there is, of the CPUs that are online.
 *
 * Context: any; a figure may be a moment old.
 * Bound:   linear in the CPUs' caches: 88 each.
 * Return:  false: n is past the last.
 */
bool mm_pcp_info(unsigned int n, struct pcp_info *info);

struct page_info {
	pfn_t pfn, head_pfn;   /* the frame, and the head of the block it belongs to */
	enum page_state state; /* the block's; PAGE_RESERVED also for absent memory */
	unsigned int order;    /* the block's */
	unsigned int refcount; /* the block's */
	uint32_t owner;	       /* allocated blocks: the owner's tag */
	enum zone_type zone;
	enum migratetype migratetype; /* allocated: the request's; free: the pageblock's */
	bool in_pcp;
	bool untouched; /* lies in a 4 MiB block that was never cut */
};
/*
 * mm_page_info() - what a frame is and which block it lies in.
 *
 * Context: any; a figure may be a moment old.
 * Bound:   600.
 * Return:  0; -EFAULT there is no descriptor for pfn.
 */
int mm_page_info(pfn_t pfn, struct page_info *info);

struct mm_layout {
	uint64_t present_pages; /* that exist, all zones */
	uint64_t memmap_bytes;	/* descriptors, trust map and pageblock heads */
	uint64_t pcp_bytes;	/* arrays of the per-CPU caches */
	unsigned int nr_banks;	/* runs of 4 MiB blocks that descriptors cover */
};
/*
 * mm_get_layout() - what the allocator's own data takes.
 *
 * Context: any; a figure may be a moment old.
 * Bound:   linear in memblock's regions.
 */
void mm_get_layout(struct mm_layout *layout);

struct zoneref_info {
	enum zone_type zone_idx;
	bool populated; /* has pages of the allocator's: requests look there */
};
/*
 * mm_zonelist() - entry n of zonelist 0 (with fallback) or 1 (__GFP_THISNODE).
 *
 * Context: any.
 * Bound:   30.
 * Return:  false: n is past the last entry, or there is no such list.
 * Source:  Linux include/linux/mmzone.h, struct zoneref.
 */
bool mm_zonelist(unsigned int list, unsigned int n, struct zoneref_info *ref);

MM_END_DECLS

#endif
