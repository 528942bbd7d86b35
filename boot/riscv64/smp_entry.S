/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp_entry.S: where the firmware starts another hart, in S-mode.
 *
 * On entry (SBI, "Hart State Management Extension"): a0 = hart id, a1 = its struct cpu, satp = 0,
 * interrupts off. The image was relocated long ago.
 */
#include "boot/riscv64/layout.h"

	.text
	.globl	secondary_entry
	.balign	4
secondary_entry:
	fence.i					/* what it fetched before the image was loaded is not the image */
	csrw	sie, zero
	csrci	sstatus, 2			/* SIE off */
	li	t0, SSTATUS_FS_VS
	csrc	sstatus, t0			/* FP and vector units off: any use traps */
	li	gp, 0
	csrw	sscratch, a1
	addi	tp, a1, CPU_TLS
	ld	sp, CPU_STACK_HIGH(a1)
	lla	t0, trap_entry
	csrw	stvec, t0
	mv	a0, a1
	tail	secondary_start
