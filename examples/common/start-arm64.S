/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start-arm64.S: the first instructions, at EL1 with the MMU on before any atomic one: exclusives need
 * cacheable memory. One table of 1 GiB blocks maps addresses to themselves, devices below 1 GiB and
 * RAM in the next one.
 */
	.section .text.start, "ax"
	.globl _start
_start:
	adrp	x1, tables
	mov	x2, #0x401		/* a block, device memory (attribute 0), accessed */
	str	x2, [x1]
	mov	x2, #0x40000000
	movk	x2, #0x705		/* attribute 1, inner shareable, accessed */
	str	x2, [x1, #8]
	mov	x2, #0xff00		/* attribute 0 device, 1 write-back */
	msr	mair_el1, x2
	mov	x2, #0x3519		/* TCR: 39 bits, write-back walks, 4 KiB pages */
	movk	x2, #0x0080, lsl #16	/* none through TTBR1 */
	msr	tcr_el1, x2
	msr	ttbr0_el1, x1
	dsb	sy
	isb
	mrs	x2, sctlr_el1
	mov	x3, #0x1005		/* MMU, caches */
	orr	x2, x2, x3
	msr	sctlr_el1, x2
	isb
	adrp	x2, boot_stack_end
	add	sp, x2, #0
	b	main

	.bss
	.balign	4096
tables:	.space	4096
	.space	16384
boot_stack_end:
	.space	4096
