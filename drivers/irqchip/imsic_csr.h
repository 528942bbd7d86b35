/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * imsic_csr.h: the registers of this hart's supervisor-level interrupt file, which are reached by
 * CSRs (RISC-V Advanced Interrupt Architecture 1.0, 2.1, 3.8, 3.9).
 */
#ifndef DRIVERS_IMSIC_CSR_H
#define DRIVERS_IMSIC_CSR_H

#include <quarry/port.h>

/* By number, for assemblers that do not know the extension: siselect, sireg, stopei. */
static inline void imsic_write(unsigned long reg, unsigned long value)
{
	unsigned long flags = port_irq_save();

	__asm__ volatile("csrw 0x150, %0\n\tcsrw 0x151, %1" ::"r"(reg), "r"(value) : "memory");
	port_irq_restore(flags);
}

static inline unsigned long imsic_read(unsigned long reg)
{
	unsigned long flags = port_irq_save(), value;

	__asm__ volatile("csrw 0x150, %1\n\tcsrr %0, 0x151" : "=r"(value) : "r"(reg) : "memory");
	port_irq_restore(flags);
	return value;
}

/* Set or clear bits of a register. */
static inline void imsic_change(unsigned long reg, unsigned long bits, bool set)
{
	unsigned long flags = port_irq_save();

	if (set)
		__asm__ volatile("csrw 0x150, %0\n\tcsrs 0x151, %1" ::"r"(reg), "r"(bits)
				 : "memory");
	else
		__asm__ volatile("csrw 0x150, %0\n\tcsrc 0x151, %1" ::"r"(reg), "r"(bits)
				 : "memory");
	port_irq_restore(flags);
}

/* Take the interrupt of the highest priority (3.10): its identity in bits 26:16; 0: none. */
static inline unsigned long imsic_claim(void)
{
	unsigned long top;

	__asm__ volatile("csrrw %0, 0x15c, zero" : "=r"(top)::"memory");
	return top;
}

#endif
