/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h: what include/quarry/port.h asks of the machine, on riscv64: tp has the CPU's
 * thread-local block, and behind it its area.
 */
#ifndef QUARRY_BOOT_RISCV64_PORT_H
#define QUARRY_BOOT_RISCV64_PORT_H

#include <quarry/port/identity.h>

/*
 * tp points at the CPU's thread-local block (picolibc's errno lives there), and the allocator's
 * area follows it at this fixed distance. boot/ asserts that the block fits.
 */
#define PORT_TLS_SIZE 64

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

#endif
