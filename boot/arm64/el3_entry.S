/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * el3_entry.S: the start at EL3, with no firmware before it, and the calls of el3.h.
 *
 * Every CPU goes on at secure EL1, because flash may answer to the secure state only. The one with
 * affinity 0 copies the image to RAM, if it is not there, and leaves the secure state for good
 * (el3_leave). The others wait until secondaries[] (smp.c) of the image in RAM names them, as
 * spin-table has it, and go on at secondary_entry. EL3 has no stack, no MMU and no cache: what it
 * reads and writes are registers of devices.
 */
#include "boot/arm64/el3.h"
#include "boot/arm64/layout.h"

#define SCR_NS		(1 << 0)
#define SCR_RES1	(3 << 4)
#define SCR_HCE		(1 << 8)	/* HVC is not undefined at EL2 */
#define SCR_RW		(1 << 10)	/* the next lower level is AArch64 */
#define SCR_FGTEN	(1 << 27)	/* EL2 may write the registers of fine-grained traps */
#define SPSR_EL1H	0x3c5		/* all masked */
#define SPSR_EL2H	0x3c9
#define ESR_EC_SHIFT	26
#define EC_SMC64	0x17

	.macro	lea reg, symbol
	adrp	\reg, \symbol
	add	\reg, \reg, :lo12:\symbol
	.endm

	.text
/*
 * el3_start: at EL3, MMU off; returns to x30 at secure EL1 with x0 = ENTERED_AT_EL3, and
 * IS_SECONDARY if this is not the CPU with affinity 0. Changes x0-x5.
 */
	.globl	el3_start
el3_start:
	ldr	x0, =SCTLR_EL3_OFF
	msr	sctlr_el3, x0
	lea	x0, el3_vectors
	msr	vbar_el3, x0
	msr	cptr_el3, xzr			/* no trap of FP and SIMD */
	msr	mdcr_el3, xzr			/* nor of debug and performance registers */
	isb
	mrs	x0, id_aa64pfr0_el1		/* GIC, bits 27:24: system register interface */
	ubfx	x0, x0, #24, #4
	cbz	x0, 1f
	mov	x0, #0xf			/* SRE, no bypass; Enable: for the levels below */
	msr	S3_6_C12_C12_5, x0		/* ICC_SRE_EL3 */
	isb
	msr	S3_6_C12_C12_4, xzr		/* ICC_CTLR_EL3 */
1:
	mov	x0, #(SCR_RES1 | SCR_RW)
	msr	scr_el3, x0
	mov	x0, #SPSR_EL1H
	msr	spsr_el3, x0
	msr	elr_el3, x30
	ldr	x0, =SCTLR_EL1_OFF
	msr	sctlr_el1, x0
	mov	x0, #ENTERED_AT_EL3
	mrs	x1, mpidr_el1
	and	x1, x1, #~(0xff << 24)		/* U, MT and RES1: not of the affinity */
	tst	x1, #0xffffffffff
	b.eq	1f
	orr	x0, x0, #IS_SECONDARY
1:	eret

/*
 * el3_wait: at secure EL1, x6 = how far up the image in RAM is from this one; does not return. RAM
 * may still hold what the image of before a reset has left, so the names in it are taken away
 * first; smp_arch_wait() repeats those that it is too late for.
 */
	.globl	el3_wait
el3_wait:
	cbz	x6, 2f				/* written by the loader */
	lea	x0, secondaries
	add	x0, x0, x6
	lea	x1, nr_secondaries
	ldr	w1, [x1]
1:	stp	xzr, xzr, [x0], #16
	subs	w1, w1, #1
	b.ne	1b
	dsb	sy
2:	bl	find_secondary_boot
	cbnz	x0, 3f
	wfe
	b	2b
3:	mov	x7, x0
	adr	x0, 4f
	add	x0, x0, x6
	ic	iallu
	dsb	sy
	isb
	br	x0
4:	bl	el3_leave
	mov	x0, x7
	b	secondary_entry

/*
 * el3_leave: at secure EL1, with the image where it stays; returns at non-secure EL1. Changes
 * x0-x5.
 */
	.globl	el3_leave
el3_leave:
	mov	x5, x30
	ldr	w0, =EL3_LEAVE
	lea	x1, el3_vectors
	smc	#0
	mov	x30, x5
	b	enter_el1

/* ---- at EL3 ---- */

	.balign	2048
el3_vectors:
	.rept	8				/* from EL3 itself */
	.balign	128
	b	stop
	.endr
	.balign	128				/* synchronous, from a lower level in AArch64 */
	mrs	x3, esr_el3
	lsr	x3, x3, #ESR_EC_SHIFT
	cmp	x3, #EC_SMC64
	b.ne	stop
	b	answer
	.rept	7
	.balign	128
	b	stop
	.endr

/* x0-x3 are changed; the caller knows */
	.balign	128
answer:
	ldr	w3, =EL3_LEAVE
	sub	x3, x0, x3
	cbz	x3, 1f
	cmp	x3, #EL3_READL - EL3_LEAVE
	b.eq	2f
	cmp	x3, #EL3_WRITEL - EL3_LEAVE
	b.eq	3f
	cmp	x3, #EL3_CNTFRQ - EL3_LEAVE
	b.eq	4f
	mov	x0, #-1				/* NOT_SUPPORTED (DEN0028, 7.1) */
	eret
1:	msr	vbar_el3, x1
	b	leave
2:	ldr	w0, [x1]
	dsb	sy
	eret
3:	str	w2, [x1]
	dsb	sy
	eret
4:	msr	cntfrq_el0, x1
	isb
	eret

/* To ELR_EL3 in the non-secure state, at the highest level it has. Keeps x0; changes x1-x3. */
leave:
	mov	x1, #(SCR_NS | SCR_RES1 | SCR_RW)
	mov	x2, #SPSR_EL1H
	mrs	x3, id_aa64pfr0_el1		/* EL2, bits 11:8 */
	tst	x3, #0xf00
	b.eq	1f
	orr	x1, x1, #SCR_HCE
	mov	x2, #SPSR_EL2H
	ldr	x3, =SCTLR_EL3_OFF		/* SCTLR_EL2 has the same bits */
	msr	sctlr_el2, x3
1:	mrs	x3, id_aa64mmfr0_el1		/* FGT, bits 59:56 */
	lsr	x3, x3, #56
	tst	x3, #15
	b.eq	2f
	orr	x1, x1, #SCR_FGTEN
2:	ldr	x3, =SCTLR_EL1_OFF
	msr	sctlr_el1, x3
	msr	scr_el3, x1
	msr	spsr_el3, x2
	isb
	eret
	.ltorg
