/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmzone.h: a zone and the zonelists (Linux: linux/mmzone.h). zone/ sets them up and keeps the marks,
 * buddy/ its lists and counts, alloc/ walks the zonelists.
 */
#ifndef QUARRY_MM_MMZONE_H
#define QUARRY_MM_MMZONE_H

#include <quarry/mm.h>
#include "compiler.h"
#include "spinlock.h"

#define PB_WHOLE	MIGRATE_TYPES /* after those of the types: lists of what has no type */
#define NR_PB_LISTS	(MIGRATE_TYPES + 1)
#define PAGEBLOCK_BYTES 16U /* of its head, struct pageblock */

/*
 * Types from MIGRATE_HIGHATOMIC on are kept: their pageblocks serve some requests only, and have the
 * type also while they are free as a whole.
 */
#define NR_KEPT_TYPES (MIGRATE_TYPES - MIGRATE_HIGHATOMIC)
/* Managed memory from which on pageblocks are grouped: one for each type that any machine has. */
#define GROUPING_PAGES	       (pageblock_nr_pages * (MIGRATE_HIGHATOMIC + 1))
#define KEPT(type)	       ((type) - MIGRATE_HIGHATOMIC) /* its number among them */
#define nr_free_of(zone, type) ((zone)->nr_free_kept[KEPT(type)])

struct zone {
	struct spinlock lock; /* guards all below but the constants, and the zone's descriptors */
	uint16_t nonempty[NR_PB_LISTS]; /* bit o: list[type][o] is not empty */
	uint64_t nr_free;		/* pages in the buddy, untouched ones included, but for: */
	uint64_t nr_free_kept[NR_KEPT_TYPES]; /* those in pageblocks of kept types, by type */
	uint64_t nr_untouched;		      /* pages of sections that were never opened */
	uint64_t nr_highatomic; /* pages of the pageblocks of type MIGRATE_HIGHATOMIC */
	uint64_t nr_cma;	/* of type MIGRATE_CMA, isolated ones too */
	uint64_t nr_kept;	/* and of all kept types */
	uint32_t span;	   /* untouched sections are taken from it; NIL32: there never were any */
	uint32_t span_end; /* past the zone's last span; its first is where the zone before ends */

	/* constants after boot, but managed, which memblock_free_late() raises */
	uint32_t start, end; /* indices of its descriptors */
	uint64_t managed;
	uint32_t first_pcp; /* number of its caches' first class */

	/* set by sysctls */
	struct mm_watermarks mark;
	uint64_t lowmem_reserve[MAX_NR_ZONES]; /* kept from requests that could use the zone [i] */
	bool low; /* fell below the low mark and has not been above high since */

	/*
	 * Pageblocks by type and largest free order; those that are free as a whole, or the first
	 * of a free pair, have no type and are on the PB_WHOLE lists, but for those of a kept type.
	 */
	uint32_t list[NR_PB_LISTS][NR_PAGE_ORDERS];

	uint64_t extfrag; /* requests served from another type's pageblock */
};

enum balance_state {
	BALANCE_IDLE,
	BALANCE_WOKEN, /* a request found no zone above its low mark, or there may be more to do */
	BALANCE_STEP,  /* balance.c is at it, and nobody has woken it since */
};

/* The sysctls of struct compaction where nothing is set, and the most that they and its counts may be. */
#define EXTFRAG_THRESHOLD     500
#define EXTFRAG_THRESHOLD_MAX 1000
#define PROACTIVENESS	      20
#define PROACTIVENESS_MAX     100
#define BOOST_FACTOR	      15000
#define BOOST_FACTOR_MAX      1000000
#define COMPACT_DEFER_MAX     6	 /* a zone is left out 63 times at most */
#define COMPACT_SKIP	      64 /* steps that move nothing, after one that came to nothing */

/* What compaction for requests knows (compact_direct.c): how often a zone is left out after it failed. */
struct compaction {
	struct compact_defer {
		uint8_t order_failed; /* the lowest order that failed last */
		uint8_t shift;	      /* left out 2^shift - 1 times */
		uint8_t considered;   /* of these, so far */
	} defer[MAX_NR_ZONES];
	int extfrag_threshold; /* what the sysctl says, less its default */
	int proactiveness;     /* the same */
	uint8_t skip;	       /* steps of balance.c that move nothing */
	bool ahead;	       /* it has begun to, and is not done */
	bool balancing[MAX_NR_ZONES];
	uint32_t balance;	      /* enum balance_state; atomic */
	int boost_factor;	      /* vm.watermark_boost_factor, less its default */
	uint64_t mixed[MAX_NR_ZONES]; /* of a zone's `extfrag`: what boosts came of already */
	uint64_t boost[MAX_NR_ZONES]; /* pages that shrinkers are to give back for them */
};

static inline bool zone_populated(const struct zone *zone)
{
	return zone->start != zone->end;
}

/* A zone to try, and the class bits its per-CPU caches have for such a request. */
struct zoneref {
	struct zone *zone;
	gfp_t class;
};

#define NR_ZONELISTS 2 /* with fallback; __GFP_THISNODE */

struct zonelist {
	struct zoneref zonerefs[MAX_NR_ZONES + 1]; /* ends with zone NULL */
};

/*
 * Free pages that some request may have: all but those of ISOLATE pageblocks (Linux:
 * NR_FREE_PAGES). Needs no lock.
 */
static inline RACY uint64_t zone_free_pages(const struct zone *zone)
{
	return READ_ONCE(zone->nr_free) + READ_ONCE(nr_free_of(zone, MIGRATE_HIGHATOMIC)) +
	       READ_ONCE(nr_free_of(zone, MIGRATE_CMA));
}

/* Of these, the pages of CMA areas. Needs no lock. */
static inline RACY uint64_t zone_free_cma(const struct zone *zone)
{
	return CONFIG_CMA ? READ_ONCE(nr_free_of(zone, MIGRATE_CMA)) : 0;
}

#endif
