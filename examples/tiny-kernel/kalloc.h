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
unsigned int hart_id(void);
unsigned long irq_save(void);
void irq_restore(unsigned long flags);
void panic(const char *why);
void kick(unsigned int hart); /* an interrupt there, which calls kick_received() */
void kick_received(void);

#endif
