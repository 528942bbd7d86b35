/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock.h: what memblock/ offers the page allocator beside the public interface.
 */
#ifndef QUARRY_MM_MEMBLOCK_H
#define QUARRY_MM_MEMBLOCK_H

#include <quarry/memblock.h>

/*
 * Set when the page allocator has taken over: what is free here is its, so nothing is found any more.
 * memblock_init() clears it.
 */
extern bool memblock_handed_over;

#endif
