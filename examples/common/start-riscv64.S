/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start-riscv64.S: the first instructions, in M-mode at the start of RAM (QEMU: -bios none). Hart n has
 * the n-th stack of 16 KiB, below boot_stacks_end, and goes to main(n). trap_entry keeps what the ABI
 * lets trap() change.
 */
	.section .text.start, "ax"
	.globl _start
_start:
	csrr	a0, mhartid
	lla	t0, trap_entry
	csrw	mtvec, t0
	slli	t0, a0, 14
	lla	sp, boot_stacks_end
	sub	sp, sp, t0
	j	main

	.text
	.balign	4
trap_entry:
	addi	sp, sp, -128
	sd	ra, 0(sp)
	sd	t0, 8(sp)
	sd	t1, 16(sp)
	sd	t2, 24(sp)
	sd	a0, 32(sp)
	sd	a1, 40(sp)
	sd	a2, 48(sp)
	sd	a3, 56(sp)
	sd	a4, 64(sp)
	sd	a5, 72(sp)
	sd	a6, 80(sp)
	sd	a7, 88(sp)
	sd	t3, 96(sp)
	sd	t4, 104(sp)
	sd	t5, 112(sp)
	sd	t6, 120(sp)
	csrr	a0, mcause
	call	trap
	ld	ra, 0(sp)
	ld	t0, 8(sp)
	ld	t1, 16(sp)
	ld	t2, 24(sp)
	ld	a0, 32(sp)
	ld	a1, 40(sp)
	ld	a2, 48(sp)
	ld	a3, 56(sp)
	ld	a4, 64(sp)
	ld	a5, 72(sp)
	ld	a6, 80(sp)
	ld	a7, 88(sp)
	ld	t3, 96(sp)
	ld	t4, 104(sp)
	ld	t5, 112(sp)
	ld	t6, 120(sp)
	addi	sp, sp, 128
	mret

	.bss
	.balign	16
	.space	8 << 14
	.globl boot_stacks_end
boot_stacks_end:
