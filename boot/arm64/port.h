/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h: what include/quarry/port.h asks of the machine, on arm64: TPIDR_EL1 has the CPU's area.
 */
#ifndef QUARRY_BOOT_ARM64_PORT_H
#define QUARRY_BOOT_ARM64_PORT_H

#include <quarry/port/identity.h>

/* TPIDR_EL0 points at the CPU's thread-local block (picolibc's errno lives there), of this size. */
#define PORT_TLS_SIZE 64

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

#endif
