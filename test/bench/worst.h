/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worst.h: what the parts of the hunt for the most expensive call share: worst.c searches,
 * worst_pool.c brings the pool to where an episode starts, worst_strokes.c are the episodes'
 * steps, worst_calls.c makes and measures the calls.
 */
#ifndef TEST_BENCH_WORST_H
#define TEST_BENCH_WORST_H

#include "test/bench/bench.h"

/*
 * What a call was. By order, but for: exact and bulk, where order k stands for up to 2^k pages,
 * and a drain, which has none (0).
 *
 * Not measured, because they are O(size) or the caller's by nature: __GFP_ZERO (it writes the
 * pages), the report of a refusal without __GFP_NOWARN, shrinkers and notifiers, and sysctls.
 */
enum worst_kind {
	WORST_ALLOC,  /* served by the zones, refill included */
	WORST_STEAL,  /* served by a cache of another class: nothing was given back */
	WORST_RESCUE, /* served after caches or HIGHATOMIC pageblocks gave memory back */
	WORST_BULK,   /* alloc_pages_bulk() of 2^order pages */
	WORST_EXACT,  /* alloc_pages_exact() */
	WORST_FREE,   /* __free_pages(), and by address */
	WORST_PUT,    /* the last put_page(), or put_page_testzero() and its free */
	WORST_SHARED, /* a free while another holder keeps the first page: the rest falls free */
	WORST_EXACT_FREE, /* free_pages_exact(): up to 11 blocks */
	WORST_FAIL,	  /* an allocation that was refused */
	WORST_MAYFAIL, /* with __GFP_RETRY_MAYFAIL, refused or rescued: looks at all that is cached */
	WORST_DRAIN,   /* a step of a drain */
	NR_WORST_KINDS,
};
extern const char *const worst_kind_names[NR_WORST_KINDS];

/* ---- episodes ------------------------------------------------------------------------------ */

/* One stroke: calls of one character. What a parameter means is the stroke's. */
struct worst_gene {
	uint8_t stroke, order;
	uint16_t count;
	uint32_t gfp;
	uint32_t seed;
};

enum worst_mode {
	WORST_FRESH,  /* in memory never opened */
	WORST_VIRGIN, /* in sections that are open, but were never cut */
	WORST_WORN,   /* in sections that were cut before: every descriptor is trusted */
	NR_WORST_MODES,
};

#define WORST_GENES	12
#define WORST_NO_EDGE	UINT16_MAX
#define WORST_MAX_ARENA 6 /* sections */

/* Enough to repeat it: where the pool is when it starts, and its strokes. */
struct worst_episode {
	struct worst_gene gene[WORST_GENES];
	uint32_t pcp_high;
	uint16_t edge;	   /* pages free above the min mark at the start; WORST_NO_EDGE: default */
	uint8_t edge_zone; /* of this zone */
	uint8_t unguarded; /* no lowmem_reserve */
	uint8_t nr_genes, mode;
	uint8_t arena[MAX_NR_ZONES]; /* sections to play in, but for WORST_FRESH */
};

struct worst_record {
	uint64_t cost;
	unsigned int gene; /* index in the episode; nr_genes: the freeing at its end */
	const char *by;	   /* name of the stroke */
	struct worst_episode episode;
};
extern struct worst_record worst_records[NR_WORST_KINDS][NR_PAGE_ORDERS];
extern unsigned long worst_nr_records; /* how often a record was broken */

/* ---- worst_pool.c -------------------------------------------------------------------------- */

/* Hold all memory that was ever cut. NULL, or why not. */
const char *worst_pool_open(void);
/* Hold all else too, whole sections apart by whether they were ever cut: no fresh ones after. */
void worst_pool_take_all(void);
/* Sections that an episode of this mode can still use. */
unsigned long worst_pool_left(enum worst_mode mode, enum zone_type zone);
/* Bring the pool to where the episode starts, and back when it holds nothing any more. */
void worst_pool_enter(const struct worst_episode *episode);
void worst_pool_leave(const struct worst_episode *episode);
void worst_pool_close(void);

/* ---- worst_strokes.c ----------------------------------------------------------------------- */

void worst_draw_gene(struct worst_gene *gene);
/* Run the episode's strokes, then free everything it holds. */
void worst_run(const struct worst_episode *episode);

/* A random number below n, which is not 0. */
static inline unsigned int worst_draw(unsigned int n)
{
	return (unsigned int)((bench_random() >> 20) % n);
}

/* ---- worst_calls.c ------------------------------------------------------------------------- */

#define WORST_MAX_LIVE 8192

/* Which record a call may break. */
void worst_calls_for(const struct worst_episode *episode, unsigned int gene, const char *by);
void worst_note(enum worst_kind kind, unsigned int order, uint64_t cost);
bool worst_calls_open(void);
void worst_calls_close(void);

enum worst_release {
	WORST_BY_PAGE,
	WORST_BY_ADDRESS,
	WORST_BY_PHYS,	 /* without an order */
	WORST_BY_PUT,	 /* of the first page, or the last of a compound block */
	WORST_BY_FREEZE, /* put_page_testzero(), then free_frozen_pages() */
	WORST_BY_SHARED,
	NR_WORST_RELEASES,
};

unsigned long worst_nr_live(void);
pfn_t worst_live_pfn(unsigned long n);
/* false if it was refused or nothing more can be held. */
bool worst_call_alloc(gfp_t gfp, unsigned int order);
bool worst_call_bulk(gfp_t gfp, unsigned int order);
/* More than 2^(order - 1) pages, order above 0; `apart`: held as the blocks it consists of. */
bool worst_call_exact(gfp_t gfp, unsigned int order, bool apart);
void worst_call_free(unsigned long n, enum worst_release how);
void worst_call_drain(void); /* one step */

#endif
