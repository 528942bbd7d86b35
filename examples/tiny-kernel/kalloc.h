/* SPDX-License-Identifier: BSD-2-Clause */
/* kalloc.h: pages of the kernel, as it knew them before and knows them after. */
#ifndef KALLOC_H
#define KALLOC_H

#include <stdint.h>

#define PAGE	4096UL
#define HARTS	3
#define RAM_END 0x88000000UL

void kinit(void);		    /* on hart 0, once */
void kinit_hart(unsigned int hart); /* on each of the others */
void *kalloc(void);		    /* a page, or 0 */
void kfree(void *page);

/* What the kernel has for it. */
extern char end[]; /* of the kernel itself */
void panic(const char *why);
void kick(unsigned int hart); /* an interrupt there, which calls kick_received() */
void kick_received(void);

static inline unsigned int hart_id(void)
{
	unsigned long tp;

	__asm__ volatile("mv %0, tp" : "=r"(tp));
	return (unsigned int)tp;
}

static inline unsigned long irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("csrrci %0, mstatus, 8" : "=r"(flags)::"memory");
	return flags & 8; /* MIE */
}

static inline void irq_restore(unsigned long flags)
{
	__asm__ volatile("csrs mstatus, %0" ::"r"(flags) : "memory");
}

#endif
