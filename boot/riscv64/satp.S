/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * satp.S: what a hart can be asked only by trying. Interrupts are off, and a trap goes on behind
 * what caused it: stvec leads there meanwhile.
 */
	.text
	.option	norelax				/* lengths are known here, not to the linker first */
/*
 * unsigned long satp_try(unsigned long satp, const void *addr)
 *
 * Walk the tables of satp for one load from addr. Returns what satp reads as meanwhile, 0 if the
 * load traps. Address translation is off before and after. One page, this one, has to be mapped
 * for execution and one, addr's, for reading.
 */
	.globl	satp_try
	.balign	64				/* shorter than that, so all of it is in one page */
satp_try:
	.option	push
	.option	norvc
	lla	t0, 1f
	csrrw	t0, stvec, t0
	li	a2, 0
	sfence.vma				/* the stores to the tables before the walks */
	csrw	satp, a0
	sfence.vma
	lw	t1, 0(a1)
	csrr	a2, satp
	.balign	4
1:	csrw	satp, zero
	sfence.vma
	csrw	stvec, t0
	mv	a0, a2
	ret
	.option	pop
	.org	satp_try + 64			/* an error if it is longer: it might lie in two pages */

/* unsigned long sxstatus_try(void): CSR 0x5c0, 0 if there is none. */
	.globl	sxstatus_try
sxstatus_try:
	lla	t0, 1f
	csrrw	t0, stvec, t0
	li	a0, 0
	csrr	a0, 0x5c0
	.balign	4
1:	csrw	stvec, t0
	ret
