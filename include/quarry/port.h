/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h: all that mm/ needs from the machine it runs on.
 *
 * A port is: this CPU's area, mask and restore interrupts on this CPU, a hint while spinning,
 * physical <-> virtual, one line of log, and a panic. riscv64 and arm64 bare metal and
 * the host (unit tests, fuzzers, tools) are here; an embedder with other needs defines
 * QUARRY_PORT_HEADER to the name of a header that supplies the same functions.
 *
 * Threads, preemption, migration. mm/ masks interrupts for as long as it works on the CPU's own
 * data, and expects that the thread neither stops nor moves to another CPU while they are masked: a
 * host with preemption does not switch threads then. Everywhere else it may, but in calls whose
 * contract says "pinned". port_pcpu() is read anew after each port_irq_save(): on a host that moves
 * threads neither it nor the compiler may remember the area. irq_depth in struct mm_pcpu is raised
 * while an interrupt is served.
 */
#ifndef QUARRY_PORT_H
#define QUARRY_PORT_H

#include <quarry/cdefs.h>
#include <quarry/config.h>
#include <quarry/types.h>

struct mm_pcpu; /* pcp.h */

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
 * port_kick() - have a CPU, by its number, call mm_ipi() soon, in interrupt context. Another CPU
 * than the caller's, or the caller's own where a host has moved the thread meanwhile.
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
#include QUARRY_PORT_HEADER

#elif defined(QUARRY_HOST)

/* The host backs physical memory with one mapping; physical = virtual - port_host_offset. */
extern uintptr_t port_host_offset;
extern _Thread_local struct mm_pcpu *port_host_pcpu;

static inline struct mm_pcpu *port_pcpu(void)
{
	return port_host_pcpu;
}

static inline void *port_pcpu_at(unsigned long offset)
{
	return (char *)port_host_pcpu + offset;
}

static inline void port_set_pcpu(struct mm_pcpu *area)
{
	port_host_pcpu = area;
}

/* There are no interrupts; whether they would be masked is noted where mm/ asks. */
#if CONFIG_DEBUG_VM
extern _Thread_local unsigned long port_host_masked;

static inline unsigned long port_irq_save(void)
{
	unsigned long flags = port_host_masked;

	port_host_masked = 1;
	return flags;
}

static inline void port_irq_restore(unsigned long flags)
{
	port_host_masked = flags;
}

static inline bool port_irqs_disabled(void)
{
	return port_host_masked;
}
#define port_irqs_disabled port_irqs_disabled
#else
static inline unsigned long port_irq_save(void)
{
	return 0;
}

static inline void port_irq_restore(unsigned long flags)
{
	(void)flags;
}
#endif

static inline void port_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(uintptr_t)(pa + port_host_offset);
}

static inline phys_addr_t virt_to_phys(const void *va)
{
	return (phys_addr_t)((uintptr_t)va - port_host_offset);
}

#else /* bare metal: physical memory is mapped at its own address */

static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(uintptr_t)pa;
}

static inline phys_addr_t virt_to_phys(const void *va)
{
	return (phys_addr_t)(uintptr_t)va;
}

#if defined(__riscv) && __riscv_xlen == 64

/*
 * tp points at the CPU's thread-local block (picolibc's errno lives there), and the allocator's
 * area follows it at this fixed distance. boot/ asserts that the block fits.
 */
#define PORT_TLS_SIZE	   64

static inline struct mm_pcpu *port_pcpu(void)
{
	register char *tp __asm__("tp");

	return (struct mm_pcpu *)(void *)(tp + PORT_TLS_SIZE);
}

/* The PORT_TLS_SIZE bytes below the area are the CPU's thread-local block. */
static inline void port_set_pcpu(struct mm_pcpu *area)
{
	__asm__ volatile("mv tp, %0" ::"r"((uintptr_t)area - PORT_TLS_SIZE) : "memory");
}

static inline void *port_pcpu_at(unsigned long offset)
{
	register char *tp __asm__("tp");

	return tp + offset + PORT_TLS_SIZE;
}

/*
 * Mask interrupts on this CPU; returns what port_irq_restore() needs. sstatus.SIE is bit 1.
 * Restoring sets the bits that were set: while interrupts are masked, none of the others is
 * cleared.
 */
static inline unsigned long port_irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("csrrci %0, sstatus, 2" : "=r"(flags)::"memory");
	return flags;
}

static inline void port_irq_restore(unsigned long flags)
{
	__asm__ volatile("csrs sstatus, %0" ::"r"(flags) : "memory");
}

static inline bool port_irqs_disabled(void)
{
	unsigned long flags;

	__asm__ volatile("csrr %0, sstatus" : "=r"(flags));
	return !(flags & 2);
}
#define port_irqs_disabled port_irqs_disabled

static inline void port_relax(void)
{
	/* pause (Zihintpause), a hint and so a no-op where it is unknown */
	__asm__ volatile(".4byte 0x0100000f" ::: "memory");
}

#elif defined(__aarch64__)

/* TPIDR_EL0 points at the CPU's thread-local block (picolibc's errno lives there), of this size. */
#define PORT_TLS_SIZE	   64

/* TPIDR_EL1 points at the allocator's area of this CPU. */
static inline struct mm_pcpu *port_pcpu(void)
{
	struct mm_pcpu *area;

	__asm__("mrs %0, tpidr_el1" : "=r"(area));
	return area;
}

static inline void port_set_pcpu(struct mm_pcpu *area)
{
	__asm__ volatile("msr tpidr_el1, %0" ::"r"(area) : "memory");
}

static inline void *port_pcpu_at(unsigned long offset)
{
	char *area;

	__asm__("mrs %0, tpidr_el1" : "=r"(area));
	return area + offset;
}

/* Mask interrupts on this CPU; returns what port_irq_restore() needs: all of DAIF. */
static inline unsigned long port_irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(flags)::"memory");
	return flags;
}

static inline void port_irq_restore(unsigned long flags)
{
	__asm__ volatile("msr daif, %0" ::"r"(flags) : "memory");
}

static inline bool port_irqs_disabled(void)
{
	unsigned long flags;

	__asm__ volatile("mrs %0, daif" : "=r"(flags));
	return flags & 1U << 7;
}
#define port_irqs_disabled port_irqs_disabled

static inline void port_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

#else
#error "no port for this machine: see the comment at the top of this file"
#endif
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
#endif
