/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.h: a port for several CPUs, which interrupt each other: riscv64 in S-mode, or in M-mode with
 * PORT_M_MODE, and arm64 at EL1. A register has the CPU's area, tp or TPIDR_EL1, and interrupts are
 * masked. The program defines port_log(), port_panic() and port_kick(), sets the register on each
 * CPU, and raises and lowers irq_depth where it serves interrupts.
 */
#ifndef QUARRY_PORT_SMP_H
#define QUARRY_PORT_SMP_H

#include <quarry/port/identity.h>

#if defined(__riscv)

/* MIE is bit 3 of mstatus, SIE bit 1 of sstatus. */
#ifdef PORT_M_MODE
#ifndef QUARRY_PORT_NAME
#define QUARRY_PORT_NAME smp_m_mode
#endif
#define PORT_STATUS    "mstatus"
#define PORT_INTERRUPT "8"
#else
#define PORT_STATUS    "sstatus"
#define PORT_INTERRUPT "2"
#endif

static inline struct mm_pcpu *port_pcpu(void)
{
	register struct mm_pcpu *area __asm__("tp");

	return area;
}

static inline void port_set_pcpu(struct mm_pcpu *area)
{
	__asm__ volatile("mv tp, %0" ::"r"(area) : "memory");
}

static inline unsigned long port_irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("csrrci %0, " PORT_STATUS ", " PORT_INTERRUPT : "=r"(flags)::"memory");
	return flags;
}

/* Sets the bits that were set: while interrupts are masked none of the others is cleared. */
static inline void port_irq_restore(unsigned long flags)
{
	__asm__ volatile("csrs " PORT_STATUS ", %0" ::"r"(flags) : "memory");
}

static inline void port_relax(void)
{
	/* pause (Zihintpause), a hint and so a no-op where it is unknown */
	__asm__ volatile(".4byte 0x0100000f" ::: "memory");
}

#elif defined(__aarch64__)

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

static inline void port_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

#else
#error "this template is for riscv64 and arm64"
#endif

static inline void *port_pcpu_at(unsigned long offset)
{
	return (char *)port_pcpu() + offset;
}

#ifndef QUARRY_PORT_NAME
#define QUARRY_PORT_NAME smp
#endif

#endif
