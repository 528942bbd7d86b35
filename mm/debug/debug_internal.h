/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug_internal.h: what the files of debug/ share and no other folder needs.
 */
#ifndef QUARRY_MM_DEBUG_INTERNAL_H
#define QUARRY_MM_DEBUG_INTERNAL_H

#include "../alloc/alloc.h"
#include "../buddy/buddy.h"
#include "../pcp/pcp.h"
#include "hooks.h"

#pragma GCC visibility push(hidden)

/* gfp.c */
/* Is the request acceptable? If not, what is wrong with it is written to why. */
bool gfp_check(gfp_t gfp, unsigned int order, char *why, size_t size);

/* info.c */
const char *zone_name(const struct zone *zone);
uint64_t zone_present(const struct zone *zone); /* pages that exist */

#pragma GCC visibility pop
#endif
