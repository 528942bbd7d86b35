/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instance.h: several allocators in one program (QUARRY_INSTANCES of them), numbered from 0.
 *
 * A CPU has an area for each, zeroed but for the number: area.instance. A call works on the allocator
 * whose area port_pcpu() returns, so port_set_pcpu() chooses one: for this CPU or, where the port
 * keeps it by thread, for this thread. A thread that is moved to another CPU, or runs again after
 * another, has that CPU's area of the same allocator; an interrupt that uses another one puts back
 * what it found. Each allocator but number 0 begins with memblock_init(). A CPU has one number in all
 * of them, is brought online in each that it uses, and mm_ipi() serves all of these. irq_depth is
 * raised in the area that the interrupt works with; mm_cpu_idle(), mm_cpu_offline() and
 * mm_cpu_stopped() are called for each.
 *
 * Descriptors, shrinkers, settings, figures, hooks, the trace, caches of objects, CMA areas and handles
 * are one allocator's: the page of another is a foreign one to it.
 */
#ifndef QUARRY_INSTANCE_H
#define QUARRY_INSTANCE_H

#include <quarry/cdefs.h>
#include <quarry/config.h>

QUARRY_STATIC_ASSERT(QUARRY_INSTANCES >= 1, "there is an allocator");

#if QUARRY_INSTANCES > 1
MM_BEGIN_DECLS

/*
 * mm_instance() - the allocator that calls work on. With one there is no such function.
 *
 * Context: any.
 * Bound:   10.
 * Return:  its number.
 */
unsigned int mm_instance(void);

MM_END_DECLS
#endif

#endif
