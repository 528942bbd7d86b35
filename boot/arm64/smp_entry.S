/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp_entry.S: where the firmware starts another CPU, at the exception level that CPU_ON was called
 * at.
 *
 * On entry (PSCI): x0 = its struct secondary_boot, MMU and caches off, interrupts masked. Nothing
 * but that structure, which was cleaned to the point of coherency, and the image's text is read
 * before the MMU is on.
 */
#include "boot/arm64/layout.h"

	.text
	.globl	secondary_entry
	.balign	8
secondary_entry:
	msr	daifset, #15
	mov	x19, x0
	bl	enter_el1
	bl	init_el1
	ldp	x0, x1, [x19]			/* ttbr0, mair */
	ldp	x2, x3, [x19, #16]		/* tcr, sctlr */
	ldr	x19, [x19, #SECONDARY_CPU]
	bl	mmu_on

	/* SP_EL1 for exceptions, SP_EL0 for everything else */
	ldr	x1, [x19, #CPU_EMERGENCY]
	sub	sp, x1, #NESTED_STACK_SIZE
	msr	spsel, #0
	ldr	x1, [x19, #CPU_STACK_HIGH]
	mov	sp, x1
	add	x1, x19, #CPU_MM
	msr	tpidr_el1, x1
	add	x1, x19, #CPU_TLS
	msr	tpidr_el0, x1
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x19
	b	secondary_start
