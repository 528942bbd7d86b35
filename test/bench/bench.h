/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h: what the workloads share: the random numbers, statistics, tables of pages, and the way a
 * figure is printed.
 *
 * A workload is plain C against include/quarry/mm.h and is built into the firmware (the console
 * command `bench`) and into a host program (`make bench-host`). Each prints lines of the form
 *
 *   bench: NAME ISA [VARIANT] figure=number ...
 *
 * A figure with ~ is not a count of instructions: see calibrate() in bench.c.
 */
#ifndef TEST_BENCH_BENCH_H
#define TEST_BENCH_BENCH_H

#include <quarry/mm.h>
#include "test/bench/counter.h"

/* Requests that may fail do so quietly. */
#define BENCH_GFP (GFP_KERNEL | __GFP_NOWARN)

/* Down to the last page, reserves included. */
#ifdef __GFP_MEMALLOC
#define BENCH_GFP_ALL (BENCH_GFP | __GFP_MEMALLOC)
#else
#define BENCH_GFP_ALL BENCH_GFP
#endif

/* ---- the workloads --------------------------------------------------------------------------- */

struct bench {
	const char *name;
	const char *help;
	/*
	 * Runs it, prints its figures, frees everything. NULL, or one sentence saying why it cannot
	 * be run. Interrupts are masked.
	 */
	const char *(*run)(void);
	bool only_by_name; /* takes minutes: not among those that `bench` alone runs */
};

/* The n-th workload, NULL past the last. */
const struct bench *bench_at(unsigned int n);
const struct bench *bench_find(const char *name); /* NULL: there is none */

/*
 * bench_run() - calibrate, run one workload with interrupts masked, and see that it has left
 * nothing behind: the free blocks of each order as before, mm_check() = 0. Returns 0, or 1 after a
 * line that says what is wrong. Context: thread, nothing else allocating.
 */
int bench_run(const struct bench *bench);
/*
 * The same for those named, which must exist, or for all that are not only_by_name: 1 if one
 * failed.
 */
int bench_run_named(int n, char **names);

/*
 * bench_stopped() - whether the user wants no more, and a place to show what comes next; between what is measured, interrupts
 * masked or not. It asks bench_poll, which a port may set.
 */
bool bench_stopped(const char *what);
/* The same for a hunt that lasts minutes: not where instructions are counted, as asking is some too. */
bool bench_hunt_stopped(void);
extern bool (*bench_poll)(const char *what);

const char *bench_hot_pair(void);    /* B1 */
const char *bench_lifo(void);	     /* B2 */
const char *bench_orders(void);	     /* B3, freed in other orders */
const char *bench_pair_order(void);  /* B4 */
const char *bench_churn(void);	     /* B5 */
const char *bench_coalesce(void);    /* B6 */
const char *bench_mobility(void);    /* B7 */
const char *bench_init(void);	     /* B8 */
const char *bench_surge(void);	     /* B10 */
const char *bench_beyond(void);	     /* B11 */
const char *bench_fragmented(void);  /* B12 */
const char *bench_teardown(void);    /* B13 */
const char *bench_by_address(void);  /* B14 */
const char *bench_lines(void);	     /* B15 */
const char *bench_behind(void);	     /* B16 */
const char *bench_objects(void);     /* B17 */
const char *bench_ranges(void);	     /* B18 */
const char *bench_moving(void);	     /* B18, with pages that move */
const char *bench_recording(void);   /* B19 */
const char *bench_worst(void);	     /* the hunt for the most expensive call */
const char *bench_worst_quick(void); /* a fifth of it */

/* B8's figures, of this boot: from the entry of mm_init() to the first page; setting up the caches. */
extern uint64_t bench_init_cost, bench_pageset_cost;

/* ---- random numbers -------------------------------------------------------------------------- */

/* xorshift64; bench_run() sets the seed, so that each run of a workload is the same. */
void bench_seed(uint64_t seed);
uint64_t bench_random(void);
#define BENCH_SEED 88172645463325252U

/* ---- statistics ------------------------------------------------------------------------------ */

#define BENCH_BUCKETS 1024

/* Costs of single operations; percentiles are exact below BENCH_BUCKETS. */
struct bench_stat {
	uint64_t total, count, max;
	uint32_t bucket[BENCH_BUCKETS];
};

/* Two for whoever runs: too large for a stack. bench_run() clears them. */
extern struct bench_stat bench_allocs, bench_frees;

void bench_stat_clear(struct bench_stat *stat);

static inline void bench_stat_add(struct bench_stat *stat, uint64_t cost)
{
	stat->total += cost;
	stat->count++;
	if (cost > stat->max)
		stat->max = cost;
	stat->bucket[cost < BENCH_BUCKETS ? cost : BENCH_BUCKETS - 1]++;
}

/* The cost that `permille` of the operations do not exceed. */
uint64_t bench_stat_rank(const struct bench_stat *stat, unsigned int permille);

/* ---- lines of figures ------------------------------------------------------------------------ */

/*
 * bench_line() starts a line for the running workload, variant NULL if it has none; bench_end()
 * ends it.
 */
void bench_line(const char *variant);
void bench_number(const char *figure, uint64_t value);
/* A mean with two decimals; total below 0 counts as 0. */
void bench_mean(const char *figure, int64_t total, uint64_t count);
/*
 * What is no count of instructions: a number, and part / whole with two decimals. Never marked with
 * ~.
 */
void bench_plain(const char *figure, uint64_t value);
void bench_ratio(const char *figure, uint64_t part, uint64_t whole);
void bench_end(void);

/* ---- tables ---------------------------------------------------------------------------------- */

#define BENCH_CHUNK_SHIFT 19 /* pointers in a block of 4 MiB */
#define BENCH_CHUNKS	  64

/* Room for many page pointers; its memory comes from the allocator and counts as used. */
struct bench_table {
	struct page **chunk[BENCH_CHUNKS];
	unsigned int order;
	unsigned long capacity;
};

/* false if there is no room; nothing is held then. */
bool bench_table_init(struct bench_table *table, unsigned long capacity);
void bench_table_free(struct bench_table *table);

static inline struct page **bench_slot(const struct bench_table *table, unsigned long n)
{
	return &table->chunk[n >> BENCH_CHUNK_SHIFT][n & ((1UL << BENCH_CHUNK_SHIFT) - 1)];
}

/* ---- the pool -------------------------------------------------------------------------------- */

uint64_t bench_free_pages(void);    /* pages in the buddy, all zones */
uint64_t bench_present_pages(void); /* pages that exist, all zones */
/* Free aligned 2 MiB blocks. */
uint64_t bench_free_pageblocks(void);

/*
 * Allocate what is free in blocks up to 2^top pages, in all zones, but for memory never cut; keep()
 * gets each block, and ends it by returning false (that block goes back).
 */
void bench_take_touched(unsigned int top, bool (*keep)(struct page *page, unsigned int order));

/* Free blocks of each order, caches drained. */
struct bench_picture {
	uint64_t nr_free[MAX_NR_ZONES][NR_PAGE_ORDERS];
};
void bench_picture(struct bench_picture *picture);

#endif
