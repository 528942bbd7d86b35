/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm.h: the page allocator's interface. One header for each idea, all of them included here:
 *
 *   mm_init.h       set-up, CPUs that come and go
 *   page_alloc.h    allocate and free
 *   page_ref.h      references
 *   memory_model.h  descriptor, frame number, address
 *   vmstat.h        figures
 *   report.h        why a request is refused
 *   sysctl.h        settings, watermarks
 *   shrinker.h      shrinkers, low-memory notifiers
 *   mm_debug.h      debug options, fault injection, trace, checks
 *
 * Bounds are in retired instructions, rv64 -O2. "Refused" means: the state is bit for bit as
 * before, a counter in mm_stats went up, and the reason was logged.
 */
#ifndef QUARRY_MM_H
#define QUARRY_MM_H

#include <quarry/config.h>
#include <quarry/gfp.h>
#include <quarry/memory_model.h>
#include <quarry/mm_debug.h>
#include <quarry/mm_init.h>
#include <quarry/mmzone.h>
#include <quarry/page.h>
#include <quarry/page_alloc.h>
#include <quarry/page_ref.h>
#include <quarry/pcp.h>
#include <quarry/report.h>
#include <quarry/shrinker.h>
#include <quarry/sysctl.h>
#include <quarry/types.h>
#include <quarry/vmstat.h>

#endif
