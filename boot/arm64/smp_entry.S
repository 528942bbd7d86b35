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

	.macro	lea reg, symbol
	adrp	\reg, \symbol
	add	\reg, \reg, :lo12:\symbol
	.endm

	.text
/*
 * spin_table_entry: where the firmware starts a CPU by spin-table: nothing is passed, so the CPU looks
 * itself up.
 */
	.globl	spin_table_entry
	.balign	8
spin_table_entry:
	msr	daifset, #15
	mov	x6, #0
1:	bl	find_secondary_boot
	cbnz	x0, secondary_entry
	wfe
	b	1b

/*
 * find_secondary_boot: x0 = this CPU's struct secondary_boot, or 0 if secondaries[] (smp.c), of the
 * image that is x6 up from this one, does not name it yet. With the MMU off; changes x0-x4.
 */
	.globl	find_secondary_boot
find_secondary_boot:
	mrs	x1, mpidr_el1
	and	x1, x1, #~(0xff << 24)		/* U, MT and RES1: not of the affinity */
	and	x1, x1, #0xffffffffff
	lea	x2, secondaries
	add	x2, x2, x6
	lea	x3, nr_secondaries
	ldr	w3, [x3]
1:	ldp	x4, x0, [x2], #16		/* affinity, struct secondary_boot */
	cmp	x4, x1
	b.ne	2f
	cbnz	x0, 3f				/* 0: not written yet */
2:	subs	w3, w3, #1
	b.ne	1b
	mov	x0, #0
3:	ret

/*
 * void spin_table_store(phys_addr_t addr, uint64_t value)
 *
 * Where the word is may be unmapped (page 0), or no-map memory: it is written with the MMU off, which
 * also leaves no copy in a cache. No other memory is accessed meanwhile than these instructions,
 * which the loader has cleaned to the point of coherency.
 */
	.globl	spin_table_store
spin_table_store:
	mrs	x4, daif
	msr	daifset, #15
	mrs	x2, sctlr_el1
	mov	x3, #(SCTLR_M | SCTLR_C)
	bic	x3, x2, x3
	dsb	sy
	msr	sctlr_el1, x3
	isb
	dc	civac, x0			/* nothing older may be written over it */
	dsb	sy
	str	x1, [x0]
	dc	civac, x0
	dsb	sy
	msr	sctlr_el1, x2
	isb
	msr	daif, x4
	sev
	ret

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
