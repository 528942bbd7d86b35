/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S: trap entry and exit, and the last words of a machine that cannot run C any more.
 *
 * Everything here runs in S-mode; there is no U-mode. sscratch holds this CPU's struct cpu, so
 * neither a wild tp nor a wild sp can make the entry fault: a stack pointer outside the stack, or
 * too near its end, is replaced by the emergency stack, and a trap while a fatal trap is being
 * reported goes to trap_fatal, which uses no memory but its own text.
 */
#include "boot/riscv64/layout.h"

	/*
	 * sd or ld of the registers that nothing else is to be done with: t2 to t6, s0 to s11, a0
	 * to a7
	 */
	.macro	frame_x7_to_x31 op
	.irp	n, 7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op	x\n, 8*\n(sp)
	.endr
	.endm

	.text
	.globl	trap_entry
	.balign	4
trap_entry:
	csrrw	tp, sscratch, tp		/* tp = struct cpu, sscratch = interrupted tp */
	sd	t0, CPU_SCRATCH(tp)
	ld	t0, CPU_REPORTING(tp)
	bnez	t0, trap_fatal
	sd	t1, CPU_SCRATCH + 8(tp)
	ld	t1, CPU_STACK_LOW(tp)
	li	t0, STACK_TRAP_ROOM		/* below is the guard page */
	add	t1, t1, t0
	mv	t0, sp
	bltu	sp, t1, 1f
	ld	t1, CPU_STACK_HIGH(tp)
	bleu	sp, t1, 2f
1:	ld	sp, CPU_EMERGENCY(tp)
2:	addi	sp, sp, -FRAME_SIZE
	sd	t0, 8*2(sp)			/* the interrupted sp */
	ld	t0, CPU_SCRATCH(tp)
	ld	t1, CPU_SCRATCH + 8(tp)
	sd	ra, 8*1(sp)
	sd	gp, 8*3(sp)
	sd	t0, 8*5(sp)
	sd	t1, 8*6(sp)
	frame_x7_to_x31 sd

	/* from here on a further trap finds struct cpu in sscratch again */
	csrrw	t0, sscratch, tp
	sd	t0, 8*4(sp)			/* the interrupted tp */
	addi	tp, tp, CPU_TLS
	csrr	t0, sepc
	csrr	t1, sstatus
	csrr	t2, scause
	csrr	t3, stval
	sd	t0, FRAME_SEPC(sp)
	sd	t1, FRAME_SSTATUS(sp)
	sd	t2, FRAME_SCAUSE(sp)
	sd	t3, FRAME_STVAL(sp)
	mv	a0, sp
	call	trap_handler			/* returns after interrupts only */

	ld	t0, FRAME_SEPC(sp)
	ld	t1, FRAME_SSTATUS(sp)
	csrw	sepc, t0
	csrw	sstatus, t1
	ld	ra, 8*1(sp)
	ld	gp, 8*3(sp)
	ld	tp, 8*4(sp)
	ld	t0, 8*5(sp)
	ld	t1, 8*6(sp)
	frame_x7_to_x31 ld
	ld	sp, 8*2(sp)
	sret

/*
 * A trap before trap_entry was set up, or inside a trap report: print the three registers that say
 * what and where, with nothing but the SBI's legacy console call (extension 1), and stop.
 */
	.globl	trap_fatal
	.balign	4
trap_fatal:
	lla	t0, 9f				/* a trap from here on: just stop */
	csrw	stvec, t0
	lla	s2, fatal_text
	call	early_puts
	csrr	s3, scause
	call	early_hex
	lla	s2, fatal_sepc
	call	early_puts
	csrr	s3, sepc
	call	early_hex
	lla	s2, fatal_stval
	call	early_puts
	csrr	s3, stval
	call	early_hex
	lla	s2, fatal_end
	/* s2 = text: print it and stop */
	.globl	early_stop
early_stop:
	call	early_puts
	.balign	4
9:	csrw	sie, zero
	wfi
	j	9b

/* print the string at s2; changes a0, a1, a6, a7, s2 */
early_puts:
	lbu	a0, 0(s2)
	beqz	a0, 1f
	li	a7, 1
	li	a6, 0
	ecall
	addi	s2, s2, 1
	j	early_puts
1:	ret

/* print s3 as 16 hexadecimal digits; changes a0, a1, a6, a7, s4, s5 */
early_hex:
	li	s4, 60
1:	srl	a0, s3, s4
	andi	a0, a0, 15
	li	s5, 10
	addi	a0, a0, '0'
	addi	s5, s5, '0'
	bltu	a0, s5, 2f
	addi	a0, a0, 'a' - '0' - 10
2:	li	a7, 1
	li	a6, 0
	ecall
	addi	s4, s4, -4
	bgez	s4, 1b
	ret

	.section .rodata
fatal_text:
	.asciz	"\r\nquarry: trap that cannot be reported in full: scause 0x"
fatal_sepc:
	.asciz	" sepc 0x"
fatal_stval:
	.asciz	" stval 0x"
fatal_end:
	.asciz	": stopped\r\n"
