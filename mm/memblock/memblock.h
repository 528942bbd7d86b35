/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock.h: what memblock/ offers the page allocator beside the public interface.
 */
#ifndef QUARRY_MM_MEMBLOCK_H
#define QUARRY_MM_MEMBLOCK_H

#include <quarry/memblock.h>

#pragma GCC visibility push(hidden)

/*
 * The page allocator's metadata, set when it takes over: what is free here is its from then on, so
 * nothing is found any more. memblock_init() makes the size 0.
 */
#if QUARRY_INSTANCES == 1
extern struct memblock_region memblock_handed_over;
#else
extern struct memblock_region memblock_handed_over_of_instance[QUARRY_INSTANCES];
#define memblock_handed_over memblock_handed_over_of_instance[mm_instance()]
#endif

/*
 * memblock_query.c: may memblock_free_late() have the frames [start, end)? -EFAULT: one is not
 * memory that is mapped, every byte of it; -EPERM: one is not reserved, every byte of it, or the
 * allocator's metadata or memblock's own arrays are there. Bound: bisections, and the regions that
 * the frames lie in.
 */
int memblock_check_late(pfn_t start, pfn_t end);

/*
 * memblock_alloc.c: pass on, upwards, the frames that are free as a whole; ranges that touch as one. Frame 0 is
 * left out: address 0 means "none" to callers of __get_free_pages(). Bound: linear in all regions.
 */
void memblock_for_free_frames(void (*take)(void *context, pfn_t start, pfn_t end), void *context);

#pragma GCC visibility pop
#endif
