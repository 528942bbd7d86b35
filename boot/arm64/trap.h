/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.h: interrupts for the interrupt controller's driver, and what an exception leaves on the
 * stack.
 */
#ifndef BOOT_ARM64_TRAP_H
#define BOOT_ARM64_TRAP_H

#include <stdint.h>

/* What entry.S stores. */
struct trap_frame {
	uint64_t x[31];
	uint64_t sp, elr, spsr;
	uint64_t vector; /* VECTOR_*, layout.h */
	uint64_t fpcr, fpsr, pad;
	uint64_t q[64];
};

/*
 * arm64_irq_register() - fn runs on every IRQ, with interrupts masked, on the handler stack; it
 * must quiet the source. NULL takes it away. 0, or -EBUSY if there is one. Context: boot, thread.
 */
int arm64_irq_register(void (*fn)(void));

#endif
