/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.h: interrupts for drivers, and what a trap leaves on the stack.
 */
#ifndef BOOT_RISCV64_TRAP_H
#define BOOT_RISCV64_TRAP_H

#include <stdint.h>

/* interrupt causes of S-mode (privileged specification, scause) */
#define RISCV_IRQ_SOFTWARE 1
#define RISCV_IRQ_TIMER	   5
#define RISCV_IRQ_EXTERNAL 9

/* What entry.S stores: x[n - 1] is register xn. */
struct trap_frame {
	uint64_t sepc;
	uint64_t x[31];
	uint64_t sstatus, scause, stval;
	uint64_t pad;
};

/*
 * riscv_irq_register() - fn runs on every interrupt of this cause (one of RISCV_IRQ_*), with
 * interrupts masked and on the interrupted stack; it must quiet the source. Enables the cause in
 * sie; interrupts are taken once machine_irq_enable() was called. NULL disables the cause. Returns
 * 0, or -EINVAL for another cause. Context: boot, thread.
 */
int riscv_irq_register(unsigned int cause, void (*fn)(void));

#endif
