/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm.h: the page allocator's interface. One header for each idea, all of them included here:
 *
 *   config.h        what is chosen when it is built
 *   types.h         addresses, frame numbers, flags
 *   gfp.h           allocation flags
 *   instance.h      several allocators
 *   mmzone.h        zones and their watermarks
 *   page.h, pcp.h   descriptors and per-CPU caches, as the hot paths see them
 *   mm_init.h       set-up, CPUs that come and go
 *   page_alloc.h    allocate and free
 *   page_ref.h      references
 *   contig.h, cma.h ranges of any size, areas kept for them
 *   migrate.h       pages that move, handles, compaction
 *   memory_hotplug.h memory that comes and goes
 *   memory_model.h  descriptor, frame number, address
 *   vmstat.h        figures
 *   report.h        why a request is refused
 *   sysctl.h        settings, watermarks
 *   shrinker.h      shrinkers, low-memory notifiers
 *   mm_debug.h      debug options, fault injection, trace, checks
 *   page_owner.h    who allocated what is in use
 *   record.h        every call recorded, to be repeated elsewhere
 *   version.h       which version of the library this is
 *
 * Each contract says, in fixed words:
 *   Context: boot, thread or interrupt; "any" is all three. The caller may hold locks of its own and
 *            mask interrupts, and a host may move the thread to another CPU during the call, unless
 *            it says "pinned": then the thread stays on its CPU until the call returns.
 *   Bound:   retired instructions, rv64 -O2 (docs/bounds.md), or what it is linear in.
 *   Return:  value, unit, each errno.
 *   Source:  what Linux or a specification calls it, where they define it.
 * "Refused" means: the state is bit for bit as before, a counter in mm_stats went up, and the reason
 * was logged.
 */
#ifndef QUARRY_MM_H
#define QUARRY_MM_H

#include <quarry/cma.h>
#include <quarry/config.h>
#include <quarry/contig.h>
#include <quarry/gfp.h>
#include <quarry/instance.h>
#include <quarry/memory_hotplug.h>
#include <quarry/memory_model.h>
#include <quarry/mm_debug.h>
#include <quarry/mm_init.h>
#include <quarry/migrate.h>
#include <quarry/mmzone.h>
#include <quarry/page.h>
#include <quarry/page_alloc.h>
#include <quarry/page_owner.h>
#include <quarry/page_ref.h>
#include <quarry/pcp.h>
#include <quarry/record.h>
#include <quarry/report.h>
#include <quarry/shrinker.h>
#include <quarry/sysctl.h>
#include <quarry/types.h>
#include <quarry/version.h>
#include <quarry/vmstat.h>

#endif
