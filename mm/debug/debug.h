/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug.h: what the files of debug/ share and no other folder needs.
 */
#ifndef QUARRY_MM_DEBUG_H
#define QUARRY_MM_DEBUG_H

#include "../alloc/alloc.h"
#include "../buddy/buddy.h"
#include "../pcp/pcp.h"
#include "hooks.h"

#pragma GCC visibility push(hidden)

/* gfp.c */
const char *gfp_check(gfp_t gfp, unsigned int order); /* NULL if acceptable, else what is wrong */

/* info.c */
const char *zone_name(const struct zone *zone);
uint64_t zone_present(const struct zone *zone); /* pages that exist */

#pragma GCC visibility pop
#endif
