/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h: all that mm/ needs from the machine it runs on. This is the contract; QUARRY_PORT_HEADER, a
 * macro on the compiler's command line for library and callers alike, names the header that keeps it:
 * -DQUARRY_PORT_HEADER='"my_port.h"', of any name but this one's. Ports to start from:
 * quarry/port/one_cpu.h (one CPU, no interrupts), smp.h (several CPUs), hosted.h (a process; what
 * QUARRY_HOST means).
 *
 * A port is: this CPU's area, mask and restore interrupts on this CPU, a hint while spinning,
 * physical <-> virtual, one line of log, and a panic. Besides:
 *
 * Threads, preemption, migration. mm/ masks interrupts for as long as it works on the CPU's own
 * data, and expects that the thread neither stops nor moves to another CPU while they are masked: a
 * host with preemption does not switch threads then. Everywhere else it may, but in calls whose
 * contract says "pinned": mm_init(), setup_per_cpu_pageset(), boot_pageset_init(), mm_cpu_idle(),
 * mm_cpu_offline(). port_pcpu() is read anew after each port_irq_save(): on a host that moves threads
 * neither it nor the compiler may remember the area.
 *
 * Interrupts. Where mm/ is called while an interrupt is served, port_pcpu()->irq_depth is raised on
 * entry and lowered on return, with interrupts masked. While it is not 0 a request neither calls
 * shrinkers nor waits for another CPU, whatever its flags. NMIs and faults inside mm/ must not call it.
 *
 * Several CPUs. A CPU waits for all others that are online in: drain_all_pages(), compact_memory(),
 * mm_set_pcp_high(), mm_set_hooks(), mm_set_fail(), mm_trace_start(), mm_page_owner_start(), and where caches have to give
 * memory back for a request with __GFP_DIRECT_RECLAIM (GFP_KERNEL) in thread context. It kicks them,
 * and they call mm_ipi(): in the kick's interrupt or, where there is none, now and then. A CPU that
 * spins with interrupts masked for what may be held across one of these calls calls mm_ipi() in its
 * loop, or both wait for ever. A CPU that is to sleep without serving kicks calls mm_cpu_offline()
 * first. Without kicks and without mm_ipi(): mm_set_pcp_high(0) before the second CPU is online leaves
 * nothing to ask for, requests are exact, and each call takes the zone's lock (docs/embedding.md has
 * its price).
 *
 * Locks. At GFP_KERNEL the caller holds no lock that a shrinker takes, nor one that another CPU waits
 * for with interrupts masked and without mm_ipi(). Without __GFP_DIRECT_RECLAIM it may hold any, but
 * for those of port_log(), which says what is refused unless there is __GFP_NOWARN.
 *
 * Name. A port's header defines QUARRY_PORT_NAME, a word: library and callers whose ports have other
 * names do not link, and the error has the caller's. Ports without one cannot be told apart.
 *
 * Stack. No call takes more than QUARRY_STACK_MAX bytes of it, on top of what the port's functions and
 * the program's callbacks take; with libquarry-slab QUARRY_STACK_MAX_SLAB, and QUARRY_STACK_MAX_MOVE where
 * pages are moved (compact_memory(), contig.h, cma_alloc()); with libquarry-debug, QUARRY_STACK_MAX_DEBUG.
 */
#ifndef QUARRY_PORT_H
#define QUARRY_PORT_H

#include <quarry/cdefs.h>
#include <quarry/config.h>
#include <quarry/types.h>

struct mm_pcpu; /* pcp.h */

#define QUARRY_STACK_MAX       1200 /* bytes */
#define QUARRY_STACK_MAX_SLAB  1700
#define QUARRY_STACK_MAX_MOVE  2048
#define QUARRY_STACK_MAX_DEBUG 3750 /* printing itself is the port's and the C library's */

MM_BEGIN_DECLS

/*
 * port_log() - log one line (no newline needed at the end). The firmware's goes to the console and
 * the log ring; the host's to stderr.
 *
 * Context: any; never called with a zone lock held.
 * Bound:   the port's own.
 */
void port_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * port_panic() - report and stop.
 *
 * Context: any; it does not return.
 * Bound:   the port's own.
 */
void port_panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/*
 * port_kick() - have a CPU, by its number, call mm_ipi() soon, in interrupt context; for one request
 * as often as that CPU needs interrupts to serve it. Another CPU than the caller's, or the caller's own
 * where a host has moved the thread meanwhile. What was written before is seen in that interrupt, and
 * the interrupt is acknowledged, with effect, before it calls mm_ipi(): barriers, where the controller
 * needs them, or the CPU that asks may wait for ever. Optional: mm/ has one that does nothing, for one
 * CPU, or for CPUs that call mm_ipi() now and then.
 *
 * Context: called in thread context; interrupts may be masked.
 * Bound:   the port's own.
 */
void port_kick(unsigned int cpu);

/*
 * port_yield() - called now and then by a CPU that waits for another for longer than such a wait
 * ever takes: the other is not running. An emulator or a hypervisor with fewer CPUs than it shows
 * may run it meanwhile; a host with preemption may run other threads. Optional: mm/ has one that
 * does nothing.
 *
 * Context: any; interrupts may be masked.
 * Bound:   the port's own.
 */
void port_yield(void);

/*
 * port_balance() - a request has found no zone above its low mark: an idle CPU that waits for an
 * interrupt may be woken, so that it calls mm_balance(). A program need not have one.
 *
 * Context: any, interrupts masked.
 * Bound:   the program's.
 */
void port_balance(void);

MM_END_DECLS

/*
 * The rest are inline, one set for each machine:
 *
 * port_pcpu(), port_pcpu_at(), port_set_pcpu() - this CPU's area, an address so many bytes into it,
 * and which it is from now on: before mm_init(), and on each other CPU before it calls mm/.
 *
 * Context: any; to set boot, on that CPU.
 * Bound:   4.
 * Return:  an address; mm_init() asks that it is not NULL.
 *
 * port_irq_save(), port_irq_restore() - mask interrupts on this CPU and, with them, preemption;
 * restore what was so. They nest. A compiler may move no access to memory over either.
 *
 * Context: any.
 * Bound:   4.
 * Return:  what port_irq_restore() needs.
 *
 * port_irqs_disabled() - are interrupts masked on this CPU? Asked where CONFIG_DEBUG_VM is 1; a
 * port header that has it defines a macro of the same name, else true is assumed.
 *
 * Context: any.
 * Bound:   4.
 * Return:  whether they are.
 *
 * port_relax() - a hint that the CPU is spinning.
 *
 * Context: any.
 * Bound:   4.
 *
 * phys_to_virt(), virt_to_phys() - where physical memory is mapped, and back, for memory that
 * memblock has.
 *
 * Context: any.
 * Bound:   4.
 * Return:  an address.
 *
 * port_thread() - what the running thread is known by: any address that is its own.
 *
 * Context: any; in an interrupt the thread that was interrupted.
 * Bound:   4.
 * Return:  not NULL.
 */
#if defined(QUARRY_PORT_HEADER)
enum {
	quarry_port_level = __INCLUDE_LEVEL__
};
#define QUARRY_PORT_LEVEL
#include QUARRY_PORT_HEADER
#undef QUARRY_PORT_LEVEL
#elif defined(QUARRY_HOST)
#include <quarry/port/hosted.h>
#else
#error "no port: QUARRY_PORT_HEADER names its header; quarry/port/ has some to start from"
#endif

/* In the linker's names, so that a caller with another port than the library's does not link. */
#ifndef QUARRY_PORT_NAME
#define QUARRY_PORT_NAME unnamed
#endif

/*
 * What the running thread is known by: any address that is its own. For hosts whose threads stay on
 * their CPU while shrinkers and notifiers run that is the CPU's area; a port header for others
 * defines a function of this name and a macro of the same name.
 */
#ifndef port_thread
static inline const void *port_thread(void)
{
	return port_pcpu();
}
#endif

/* A port that cannot tell. */
#ifndef port_irqs_disabled
static inline bool port_irqs_disabled(void)
{
	return true;
}
#endif
#elif defined(QUARRY_PORT_LEVEL)
/* Read again while it reads the port's header: by that one, which is harmless, or in place of it. */
QUARRY_STATIC_ASSERT(
	__INCLUDE_LEVEL__ != quarry_port_level + 1,
	"QUARRY_PORT_HEADER names quarry/port.h itself: give your header another name");
#endif
