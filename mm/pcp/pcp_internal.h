/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp_internal.h: what the files of pcp/ share and no other folder needs.
 *
 * pcp_drain.c and remote.c call each other: a drain asks the other CPUs too (remote_give_back_all()),
 * and what a CPU does when it is asked is a drain of its own caches. So do pcp.c and remote.c: a CPU
 * that gets its caches comes online there, and takes note of hooks when it is asked for blocks.
 */
#ifndef QUARRY_MM_PCP_INTERNAL_H
#define QUARRY_MM_PCP_INTERNAL_H

#include "../buddy/buddy.h"
#include "../debug/hooks.h"
#include "pcp.h"

#pragma GCC visibility push(hidden)

/* pcp.c */
/* The most a cache of this order may hold now. */
void pcp_set_limit(struct per_cpu_pages *pcp, unsigned int order);
/* A cached block goes to the buddy; the zone's lock is held. Returns how often it merged. */
unsigned int pcp_give_back(struct zone *zone, struct page *page);

/* pcp_drain.c */
void pcp_sync_limits(struct mm_pcpu *cpu);
/*
 * Give back this CPU's cached blocks that start in [start, end); returns their pages. A bounded
 * part of it under a lock.
 */
unsigned long pcp_give_back_range(struct mm_pcpu *cpu, unsigned long start, unsigned long end);
unsigned long pcp_give_back_all(void);
/*
 * The last step: give back the blocks in these slots of this CPU's caches; HIGHATOMIC pageblocks
 * that [start, end) lies in are of type `type` from then on. Interrupts masked.
 */
void pcp_complete(struct zone *zone, struct page **slots[], unsigned long count,
		  unsigned long start, unsigned long end, enum migratetype type);
/*
 * Look at what a CPU has cached for an aligned range of this order that is whole but for cached
 * blocks, anyone's; if there is one, it is [*start, *end). Changes nothing. Without `budget` all that
 * is cached is looked at, for ranges whose lowest cached block is the CPU's; linear in it.
 * Interrupts need not be masked, nor need it be this CPU: the answer is a guess.
 */
bool pcp_find_block(struct mm_pcpu *cpu, const struct zone *zone, unsigned int order,
		    struct scan_budget *budget, unsigned long *start, unsigned long *end);

/* remote.c */
void mm_cpu_online(struct mm_pcpu *cpu);

#pragma GCC visibility pop
#endif
