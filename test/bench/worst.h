/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worst.h: what the two halves of the hunt share: worst.c, which leads it, and worst_calls.c, which
 * makes and measures the calls.
 */
#ifndef TEST_BENCH_WORST_H
#define TEST_BENCH_WORST_H

#include "test/bench/bench.h"

enum worst_kind {
	WORST_ALLOC,
	WORST_FREE,
	WORST_SHARED, /* a free while another holder keeps the first page: the rest falls free */
	WORST_FAIL,   /* an allocation that was refused */
	WORST_DRAIN, /* a step of a drain, or an allocation that went through the caches; order 0 */
	NR_WORST_KINDS,
};

/* Enough to repeat an episode: the random seed of its strokes, from each part's first one on. */
#define WORST_STROKES 24
#define WORST_PARTS   6
struct worst_episode {
	struct {
		uint64_t seed;
		unsigned int from;
	} part[WORST_PARTS];
	unsigned int nr_parts;
	unsigned int arena; /* blocks of order 10; 0: what was never cut */
	unsigned long pcp_high;
};

struct worst_record {
	uint64_t cost;
	unsigned int stroke; /* index in the episode */
	const char *stroke_name;
	struct worst_episode episode;
};
extern struct worst_record worst_records[NR_WORST_KINDS][NR_PAGE_ORDERS];

/* Blocks the episode holds, in a table made by the hunt. */
#define WORST_MAX_LIVE 8192
extern struct bench_table worst_live;

/* Run the episode and free everything it holds. */
void worst_run(const struct worst_episode *episode);

/* A random number below n, which is not 0. */
static inline unsigned int worst_draw(unsigned int n)
{
	return (unsigned int)((bench_random() >> 20) % n);
}

/* A block in a table: the order is kept above the address. */
#define WORST_ORDER_SHIFT 56

static inline void worst_put(struct bench_table *table, unsigned long n, struct page *page,
			     unsigned int order)
{
	uintptr_t word = (uintptr_t)page | (uintptr_t)order << WORST_ORDER_SHIFT;

	*bench_slot(table, n) = (struct page *)word;
}

static inline struct page *worst_get(const struct bench_table *table, unsigned long n,
				     unsigned int *order)
{
	uintptr_t word = (uintptr_t)*bench_slot(table, n);

	*order = (unsigned int)(word >> WORST_ORDER_SHIFT);
	return (struct page *)(word & (((uintptr_t)1 << WORST_ORDER_SHIFT) - 1));
}

#endif
