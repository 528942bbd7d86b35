/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_context.h: a request on its way: alloc/ makes it from the flags, zone/ judges it against the
 * marks, debug/ explains it.
 */
#ifndef QUARRY_MM_ALLOC_CONTEXT_H
#define QUARRY_MM_ALLOC_CONTEXT_H

#include <quarry/mm.h>

struct zoneref;

#define ALLOC_NO_WATERMARKS 1U /* may use all there is */
#define ALLOC_MIN_RESERVE   2U /* __GFP_HIGH: half of the min reserve */
#define ALLOC_NON_BLOCK	    4U /* cannot wait: a quarter of the rest, if it has ALLOC_MIN_RESERVE */
#define ALLOC_HIGHATOMIC    8U /* order 1 and up that cannot wait: the HIGHATOMIC pageblocks */

struct alloc_context {
	gfp_t gfp;
	unsigned int alloc_flags;
	unsigned int order;
	enum migratetype type;
	uint32_t word;		/* the first word of its block, but for the zone's class bits */
	enum zone_type highest; /* the highest zone the flags allow */
	const struct zoneref *zonerefs;
};

#endif
