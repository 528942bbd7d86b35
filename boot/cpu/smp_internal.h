/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp_internal.h: what smp.c, which knows the CPUs, and smp_start.c, which starts them, share.
 */
#ifndef BOOT_SMP_INTERNAL_H
#define BOOT_SMP_INTERNAL_H

#include "boot/cpu/smp.h"

/* Release, paired with the acquire in smp_state(). */
void smp_set_state(unsigned int number, enum cpu_state state);

/*
 * From STARTING to something, by the CPU itself or by the one that waits for it: true for the
 * first.
 */
bool smp_claim(unsigned int number, enum cpu_state state);

/* The CPU will never run: its memory goes to the page allocator. */
void smp_give_back(unsigned int number);

/* The CPU has stopped: the next one is set up, and the CPU that waits for its work looks again. */
void smp_let_go(const struct cpu *cpu);

bool smp_stopping(void); /* all CPUs but one are to stop */

bool smp_has_ipi(void); /* a driver said how CPUs interrupt each other */

#endif
