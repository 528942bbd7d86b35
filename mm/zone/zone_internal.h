/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_internal.h: what the files of zone/ share and no other folder needs.
 */
#ifndef QUARRY_MM_ZONE_INTERNAL_H
#define QUARRY_MM_ZONE_INTERNAL_H

#include "../state.h"

#pragma GCC visibility push(hidden)

/* watermark.c */
int init_per_zone_wmark_min(void); /* managed memory has grown; returns 0 */
int setup_per_zone_wmarks(void);   /* returns 0: what sets a sysctl ends with it */

#pragma GCC visibility pop
#endif
