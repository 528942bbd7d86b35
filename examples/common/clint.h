/* SPDX-License-Identifier: BSD-2-Clause */
/* clint.h: software interrupts and the timer of QEMU's virt machine, one set for each hart. */
#ifndef CLINT_H
#define CLINT_H

#include <stdint.h>

#define CLINT	       0x2000000UL
#define CAUSE_SOFTWARE (1UL << 63 | 3)
#define CAUSE_TIMER    (1UL << 63 | 7)
#define MIE_SOFTWARE   (1UL << 3)
#define MIE_TIMER      (1UL << 7)
#define MSTATUS_MIE    (1UL << 3)

/* The hart that is interrupted sees what was written before; an interrupt is off before what follows. */
static inline void clint_kick(unsigned int hart, uint32_t on)
{
	__asm__ volatile("fence rw, iorw" ::: "memory");
	((volatile uint32_t *)CLINT)[hart] = on;
	if (!on)
		(void)((volatile uint32_t *)CLINT)[hart]; /* the write has arrived */
	__asm__ volatile("fence iorw, rw" ::: "memory");
}

/* The next timer interrupt, in so many ticks of 100 ns from now. */
static inline void clint_timer(unsigned int hart, uint64_t ticks)
{
	((volatile uint64_t *)(CLINT + 0x4000))[hart] =
		*(volatile uint64_t *)(CLINT + 0xbff8) + ticks;
}

/* Interrupts that this hart takes, MIE_*. */
static inline void interrupts_on(unsigned long which)
{
	__asm__ volatile("csrs mie, %0\n\tcsrs mstatus, %1" ::"r"(which), "r"(MSTATUS_MIE)
			 : "memory");
}

#endif
