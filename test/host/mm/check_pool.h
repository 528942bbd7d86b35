/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_pool.h: for the tests of mm_check(): a pool that has something of every kind, so that each
 * field of each structure matters somewhere, and what mm_check() said.
 */
#ifndef QUARRY_TEST_CHECK_POOL_H
#define QUARRY_TEST_CHECK_POOL_H

#include <quarry/mm.h>

/* Both zones, holes, two CPUs. It asserts that every kind of block and list is there. */
void check_pool_start(void);
void check_pool_stop(void);

extern struct mm_pcpu other_cpu; /* CPU 1; CPU 0 is machine_pcpu */
void on_other_cpu(void);	 /* this thread goes on as the other of the two */
/* A block that must be there; one to be freed. */
struct page *block_of(gfp_t gfp, unsigned int order);
void give(struct page *page, unsigned int order);

/* Did mm_check() write a line that has both as words? */
bool check_names(const char *structure, const char *field);

#endif
