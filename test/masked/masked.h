/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * masked.h: the longest stretch of instructions that mm/ keeps interrupts masked: from its outermost
 * port_irq_save() to the port_irq_restore() that belongs to it, or all of an interrupt's part in mm/. What the
 * counting itself costs is taken off.
 */
#ifndef QUARRY_TEST_MASKED_H
#define QUARRY_TEST_MASKED_H

#include <quarry/types.h>

struct masked_stretch {
	uint64_t length;    /* instructions */
	uintptr_t from, to; /* where it began and ended */
	unsigned int cpu;
};

/* masked_reset() - forget all CPUs' longest stretches. masked_longest() - of all CPUs. Context: thread; no other CPU is in mm/. */
void masked_reset(void);
struct masked_stretch masked_longest(void);

/* masked_cpu() - this CPU counts, too; CPU 0 does. Context: thread. */
void masked_cpu(void);

/* masked_calibrate() - what a pair costs that masks, and one within it. Context: CPU 0, once. */
void masked_calibrate(void);

#endif
