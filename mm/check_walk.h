/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_walk.h: what the parts of mm_check() share. Each folder checks the structures that it owns,
 * in a file of its own; debug/check.c calls them from the outside in. It belongs to none of them,
 * like state.h.
 *
 * A report names the structure, which one of them, and the field, as C would write it:
 * "pageblock[12].next: ...".
 */
#ifndef QUARRY_MM_CHECK_WALK_H
#define QUARRY_MM_CHECK_WALK_H

#include "state.h"

#pragma GCC visibility push(hidden)

/*
 * Cached blocks are counted twice: by their descriptors, and in the caches. A sum over their
 * indices does not depend on the order.
 */
struct cached {
	uint64_t pages;
	uint64_t sum;
};

/* By zone: what lies in the caches of CPUs that stopped where they were (pcp/cpu_stopped.c). */
#if QUARRY_INSTANCES == 1
extern struct cached pcp_left_behind[MAX_NR_ZONES];
#else
extern struct cached pcp_left_behind_of_instance[QUARRY_INSTANCES][MAX_NR_ZONES];
#define pcp_left_behind pcp_left_behind_of_instance[this_instance()]
#endif

struct walk {
	int violations;
	/* of the zone that is walked */
	const struct zone *zone;
	int zone_number;
	unsigned long head;			     /* the block before; NIL32: none */
	uint64_t free[NR_PAGE_ORDERS];		     /* blocks seen, less those listed */
	uint64_t free_pages, allocated;		     /* pages seen */
	uint64_t lists[NR_PB_LISTS][NR_PAGE_ORDERS]; /* pageblocks that should be on each list */
	uint64_t cma;
	uint64_t highatomic, kept; /* pages of pageblocks of that type, and of all kept types */
	uint64_t free_kept[NR_KEPT_TYPES]; /* of them, those that are free */
	/* blocks that look cached, less those that lie in caches */
	struct cached cached[MAX_NR_ZONES];
};

/* check_walk.c */
/* Counts a violation and logs the first ones. Returns whether it holds. */
bool expect(struct walk *walk, bool holds, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static inline uint64_t hash_mix(uint64_t hash, uint64_t value)
{
	hash ^= value;
	hash *= 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
	return hash ^ hash >> 32;
}

/* The tables that say where everything is. False: nothing can be found by them. */
bool check_tables(struct walk *walk); /* zone/tables_check.c */
/* Are these frames mapped memory that memblock does not have reserved? The same file. */
bool frames_are_free(pfn_t pfn, uint64_t pages);
/* A zone with all that is in it, by right tables. */
void check_zone(struct walk *walk, const struct zone *zone); /* buddy/lists_check.c */
/*
 * buddy/blocks_check.c: the blocks of a section that is open; the others of a span, which are free.
 */
void check_section(struct walk *walk, unsigned long section);
void check_untouched(struct walk *walk, const struct span *span);
static inline int trust_of(unsigned long index)
{
	return mm.trust[index >> GROUP_SHIFT];
}
/*
 * What the CPUs have, and whether it is what the zones' walks saw cached. False: it cannot be told
 * where their areas are.
 */
bool check_cpus(struct walk *walk); /* pcp/caches_check.c */
/* Zonelists, marks and what sysctls set. */
void check_rules(struct walk *walk); /* zone/zones_check.c */

/* A bool that may hold anything: to read it as a bool would not be defined. */
static inline unsigned int flag_byte(const bool *flag)
{
	return *(const unsigned char *)flag;
}

static inline void cached_add(struct cached *cached, unsigned long index, unsigned int order)
{
	cached->pages += 1UL << order;
	cached->sum += hash_mix(index, order);
}

static inline void cached_take(struct cached *cached, unsigned long index, unsigned int order)
{
	cached->pages -= 1UL << order;
	cached->sum -= hash_mix(index, order);
}

static inline uint32_t zone_first_span(const struct zone *zone)
{
	return zone == mm.zones ? 0 : zone[-1].span_end;
}

#pragma GCC visibility pop
#endif
