/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_internal.h: what the files of zone/ share and no other folder needs.
 */
#ifndef QUARRY_MM_ZONE_INTERNAL_H
#define QUARRY_MM_ZONE_INTERNAL_H

#include "../state.h"

#pragma GCC visibility push(hidden)

/* A run of sections with descriptors; holes are between banks. */
struct bank {
	pfn_t start;	/* first frame, a multiple of SECTION_PAGES */
	uint32_t first; /* its index in mm.memmap */
	uint32_t pages;
};

/* watermark.c */
void init_per_zone_wmark_min(void);
int setup_per_zone_wmarks(void); /* returns 0: what sets a sysctl ends with it */

#pragma GCC visibility pop
#endif
