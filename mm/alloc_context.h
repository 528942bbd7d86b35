/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_context.h: a request on its way: alloc/ makes it from the flags, zone/ judges it against
 * the marks, debug/ explains it.
 *
 * The request records what it is told: each zone writes down what it answered, each stage that it
 * was entered. The refusal report and mm_why() print this record and judge nothing themselves.
 * mm_why() makes a dry run: the same functions decide, but nothing is taken, given back, counted or
 * shrunk.
 */
#ifndef QUARRY_MM_ALLOC_CONTEXT_H
#define QUARRY_MM_ALLOC_CONTEXT_H

#include <quarry/mm.h>

struct zoneref;

/*
 * alloc_flags, Linux's names. 0 in the first pass, which asks each zone for its low mark, whatever
 * the gfp flags; the slow path sets them.
 */
#define ALLOC_WMARK_MIN	    1U	/* the slow path: down to the min mark, or below it: */
#define ALLOC_MIN_RESERVE   2U	/* __GFP_HIGH: by a half of it */
#define ALLOC_NON_BLOCK	    4U	/* may not wait: with ALLOC_MIN_RESERVE, by a quarter of the rest */
#define ALLOC_NO_WATERMARKS 8U	/* by all of it */
#define ALLOC_HIGHATOMIC    16U /* order 1 and up that may not wait: the HIGHATOMIC pageblocks */

/* What of the min mark is kept from a request with these flags. */
static inline uint64_t wmark_kept(unsigned int alloc_flags, uint64_t mark)
{
	if (alloc_flags & ALLOC_NO_WATERMARKS)
		return 0;
	if (alloc_flags & ALLOC_MIN_RESERVE) {
		mark -= mark / 2;
		if (alloc_flags & ALLOC_NON_BLOCK)
			mark -= mark / 4;
	}
	return mark;
}

/* The type of a dry run: what the request would take or have given back stays where it is. */
#define TAKE_NOTHING MIGRATE_TYPES
/* What a dry run gets instead of a page. Never dereferenced. */
#define DRY_RUN_PAGE ((struct page *)sizeof(struct page))

/* What a zone answered when the slow path asked it last. Pages. */
struct zone_answer {
	uint64_t free;
	uint64_t kept;	  /* of the min mark, from a request with these flags */
	uint64_t missing; /* to leave what is kept and lowmem_reserve; 0: there is no block */
	uint64_t granted; /* of a dry run, set before: pages that it supposes free besides */
};

/* A bit of alloc_context.stages, after those of enum mm_stage. */
#define STAGE_ALL_CPUS	     (1U << NR_MM_STAGES)	/* the caches of all CPUs were searched */
#define STAGE_SHRINKERS_LEFT (1U << (NR_MM_STAGES + 1)) /* a dry run: there are shrinkers to ask */
#define STAGE_COMPACT_LEFT   (1U << (NR_MM_STAGES + 2)) /* a dry run: pages might be moved */

struct alloc_context {
	gfp_t gfp;
	unsigned int alloc_flags;
	unsigned int order;
	enum migratetype type;	/* of the pageblocks it is served from, or TAKE_NOTHING */
	uint32_t word;		/* the first word of its block, but for the zone's class bits */
	enum zone_type highest; /* the highest zone the flags allow */
	const struct zoneref *zonerefs;
	unsigned int passed; /* so many of them the first pass leaves out, where speed counts */

	/* The record. The slow path writes it; nothing of it is set before. */
	uint32_t stages;			 /* bit MM_STAGE_*: the stage was entered */
	unsigned long shrunk;			 /* objects that shrinkers freed for it */
	struct zone_answer answer[MAX_NR_ZONES]; /* in the order of zonerefs[] */
};

/* May a CMA area serve it? It has to move, and its page must go to no cache. */
static inline bool cma_serves(gfp_t gfp, unsigned int order)
{
	return CONFIG_CMA && (gfp & __GFP_MOVABLE) && (!order || (gfp & __GFP_COMP)) &&
	       order < pageblock_order;
}

static inline bool dry_run(const struct alloc_context *ac)
{
	return ac->type == TAKE_NOTHING;
}

#endif
