/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy.h: what the tests of the policies share: a machine of one bank started and stopped with
 * the log quiet, the blocks a test has taken, and a look at the figures.
 */
#ifndef QUARRY_TEST_POLICY_H
#define QUARRY_TEST_POLICY_H

#include <quarry/mm.h>

/* Of layouts[]. */
#define ONE_BANK_CACHES 0 /* 64 MiB */
#define ONE_BANK	1 /* the same, no caches */
#define BOTH_ZONES	3

/* cmocka's set-up and tear-down. */
int policy_quiet(void **state); /* the log alone */
int policy_start(void **state); /* ONE_BANK */
int policy_start_caches(void **state);
int policy_start_large(void **state); /* 256 MiB, no caches */
int policy_stop(void **state);
/* The same for objects of slabs: all their memory goes back at the end. */
int policy_start_objects(void **state);
int policy_stop_objects(void **state);
/* Free pages when all has gone that can go: but for objects in use, if there are any; without any. */
uint64_t free_with(bool objects_in_use);
uint64_t all_free(void);
struct slab_info;
struct slab_info cache_info(const char *name); /* of a cache that there is */

/* Blocks taken and not given back yet, in the order they were taken in but for give_odd(). */
extern struct page *held[70000];
extern unsigned int nr_held;

void hold(struct page *page, unsigned int order); /* page may not be NULL */
/* Take blocks until there are no more; returns how many. */
unsigned long take_all(gfp_t gfp, unsigned int order);
void give_all(void);
void give_one(unsigned int n); /* held[n]; the last takes its place */
void give_odd(void); /* the pages with odd frame numbers; all that is held is single pages */

uint64_t free_pages_now(void); /* of DMA32 */
struct mm_stats stats_now(void);

#endif
