/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S: exception vectors, and the last words of a machine that cannot run C any more.
 *
 * Threads use SP_EL0, so what interrupts them comes through the first four vectors and finds
 * SP_EL1 good, whatever the thread did to its stack. An exception taken on SP_EL1 happened inside a
 * handler or a report. It is fatal: reported from the emergency stack the first time, and by
 * trap_fatal, which uses no memory but its own text and one word, after that.
 *
 * Interrupts come between any two instructions of picolibc's string and printf functions, which use
 * FP/SIMD registers, and handlers call the same functions: so all of q0-q31 are saved (the upper
 * halves of q8-q15 are not preserved by callees either).
 */
#include "boot/arm64/layout.h"

	/* stp or ldp; x2 is the frame's FRAME_Q for the latter */
	.macro	frame_x2_to_x29 op
	\op	x2, x3, [sp, #8*2]
	\op	x4, x5, [sp, #8*4]
	\op	x6, x7, [sp, #8*6]
	\op	x8, x9, [sp, #8*8]
	\op	x10, x11, [sp, #8*10]
	\op	x12, x13, [sp, #8*12]
	\op	x14, x15, [sp, #8*14]
	\op	x16, x17, [sp, #8*16]
	\op	x18, x19, [sp, #8*18]
	\op	x20, x21, [sp, #8*20]
	\op	x22, x23, [sp, #8*22]
	\op	x24, x25, [sp, #8*24]
	\op	x26, x27, [sp, #8*26]
	\op	x28, x29, [sp, #8*28]
	.endm

	.macro	frame_q op
	\op	q0, q1, [x2, #32*0]
	\op	q2, q3, [x2, #32*1]
	\op	q4, q5, [x2, #32*2]
	\op	q6, q7, [x2, #32*3]
	\op	q8, q9, [x2, #32*4]
	\op	q10, q11, [x2, #32*5]
	\op	q12, q13, [x2, #32*6]
	\op	q14, q15, [x2, #32*7]
	\op	q16, q17, [x2, #32*8]
	\op	q18, q19, [x2, #32*9]
	\op	q20, q21, [x2, #32*10]
	\op	q22, q23, [x2, #32*11]
	\op	q24, q25, [x2, #32*12]
	\op	q26, q27, [x2, #32*13]
	\op	q28, q29, [x2, #32*14]
	\op	q30, q31, [x2, #32*15]
	.endm

	.macro	from_thread vector
	.balign	0x80
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp]
	mrs	x0, sp_el0
	mov	x1, #\vector
	b	exception_entry
	.endm

	.macro	from_handler vector
	.balign	0x80
	msr	tpidrro_el0, x0			/* nothing else uses it */
	mrs	x0, tpidr_el1
	str	x1, [x0, #CPU_SCRATCH - CPU_MM]
	mov	x1, #\vector
	b	nested_entry
	.endm

	.text
	.globl	vectors
	.balign	0x800
vectors:
	from_thread	VECTOR_SYNC
	from_thread	VECTOR_IRQ
	from_thread	VECTOR_FIQ
	from_thread	VECTOR_SERROR
	from_handler	VECTOR_NESTED + VECTOR_SYNC
	from_handler	VECTOR_NESTED + VECTOR_IRQ
	from_handler	VECTOR_NESTED + VECTOR_FIQ
	from_handler	VECTOR_NESTED + VECTOR_SERROR
	/* from EL0, AArch64 and AArch32: we have none */
	.rept	8
	from_handler	VECTOR_LOWER
	.endr

/* x0 is in TPIDRRO_EL0, x1 in scratch, the vector in x1, the address of struct cpu's mm in x0 */
nested_entry:
	ldr	x0, [x0, #CPU_REPORTING - CPU_MM]
	cbnz	x0, trap_fatal
	mrs	x0, tpidr_el1
	str	x1, [x0, #CPU_SCRATCH - CPU_MM + 8]
	mov	x1, sp
	str	x1, [x0, #CPU_SCRATCH - CPU_MM + 16]
	ldr	x1, [x0, #CPU_EMERGENCY - CPU_MM]
	sub	sp, x1, #FRAME_SIZE
	ldr	x1, [x0, #CPU_SCRATCH - CPU_MM]
	mrs	x0, tpidrro_el0
	stp	x0, x1, [sp]
	mrs	x1, tpidr_el1
	ldr	x0, [x1, #CPU_SCRATCH - CPU_MM + 16]
	ldr	x1, [x1, #CPU_SCRATCH - CPU_MM + 8]

/* sp = the frame with x0 and x1 stored; x0 = the interrupted sp, x1 = the vector */
exception_entry:
	str	x0, [sp, #FRAME_SP]
	str	x1, [sp, #FRAME_VECTOR]
	frame_x2_to_x29 stp
	str	x30, [sp, #8*30]
	mrs	x0, elr_el1
	mrs	x1, spsr_el1
	mrs	x2, fpcr
	mrs	x3, fpsr
	stp	x0, x1, [sp, #FRAME_ELR]
	str	x2, [sp, #FRAME_FPCR]
	str	x3, [sp, #FRAME_FPSR]
	add	x2, sp, #FRAME_Q
	frame_q stp
	mov	x29, xzr
	mov	x0, sp
	bl	trap_handler			/* returns to go on in the thread only */

	add	x2, sp, #FRAME_Q
	frame_q ldp
	ldr	x2, [sp, #FRAME_FPCR]
	ldr	x3, [sp, #FRAME_FPSR]
	msr	fpcr, x2
	msr	fpsr, x3
	ldp	x0, x1, [sp, #FRAME_ELR]
	ldr	x2, [sp, #FRAME_SP]
	msr	elr_el1, x0
	msr	spsr_el1, x1
	msr	sp_el0, x2
	frame_x2_to_x29 ldp
	ldr	x30, [sp, #8*30]
	ldp	x0, x1, [sp]
	add	sp, sp, #FRAME_SIZE
	eret

/*
 * A trap inside a trap report: print the three registers that say what and where, on the emergency
 * stack from its top, whatever was there, and stop. May be called from C.
 */
	.globl	trap_fatal
trap_fatal:
	mrs	x0, tpidr_el1
	ldr	x1, [x0, #CPU_REPORTING - CPU_MM]
	cmp	x1, #2				/* and that trapped, too */
	b.eq	stop
	mov	x1, #2
	str	x1, [x0, #CPU_REPORTING - CPU_MM]
	ldr	x1, [x0, #CPU_EMERGENCY - CPU_MM]
	mov	sp, x1
	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	mov	x29, xzr
	bl	trap_last_words
	b	stop
