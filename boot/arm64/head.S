/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * head.S: the first instructions of the image, at EL2 or EL1, or at EL3 (el3_entry.S).
 *
 * On entry (Linux arm64 boot protocol): x0 = physical address of the FDT, MMU off, interrupts
 * masked. x0 = 0 when there is no loader: see move.S. The image always goes on at EL1: the
 * exception level for which every ARMv8 CPU has the same registers (VHE, which would make EL2 look
 * alike, came with ARMv8.1). EL2 is left with nothing routed or trapped to it. The code runs
 * wherever it was loaded, until the R_AARCH64_RELATIVE relocations have been applied with
 * PC-relative addresses only. RAM may hold anything, so nothing outside the loaded image is read
 * before it has been written.
 *
 * Until mmu_early_init() memory is not cached: no exclusives, no unaligned access, no DC ZVA, and
 * so nothing of the C library.
 */
#include "boot/arm64/layout.h"

#define HCR_E2H_BIT 34

	.macro	lea reg, symbol
	adrp	\reg, \symbol
	add	\reg, \reg, :lo12:\symbol
	.endm

	.section .head.text, "ax"
	.globl	_start
_start:
	/* the arm64 Image header (Linux Documentation/arm64/booting): 64 bytes */
	b	start_kernel			/* code0 */
	.word	0				/* code1 */
	.quad	0				/* text_offset: any multiple of 2 MiB will do */
	.quad	__image_size			/* bytes in memory, .bss and stacks included */
	.quad	0xa				/* flags: little endian, 4 KiB pages, anywhere in RAM */
	.quad	0
	.quad	0
	.globl	search_tree
search_tree:					/* reserved, 0; see move.S */
	.quad	0
	.ascii	"ARM\x64"			/* magic */
	.word	0

	.text
start_kernel:
	mov	x19, x0
	msr	daifset, #15
	adr	x0, _start
	tst	x0, #0xfff			/* adrp needs whole pages; there is no console yet to say so */
	b.ne	stop
	adr	x0, _start
	msr	tpidrro_el0, x0			/* no other register survives move_to_ram */
	mrs	x0, CurrentEL
	cmp	x0, #(3 << 2)
	b.eq	1f
	bl	enter_el1
	b	2f
1:	bl	el3_start
	lea	x1, search_tree			/* one is looked for: x0 was anything */
	ldr	w1, [x1]
	cmp	w1, #0
	csel	x19, x19, xzr, eq
2:	mov	x20, x0
	bl	move_to_ram			/* from flash; and look for a tree if there is none */
	cmp	x20, #ENTERED_AT_EL3
	b.ne	1f
	bl	el3_leave
1:	bl	init_el1

	/* an image that was started again and not loaded again is not what was loaded */
	lea	x0, has_run
	ldr	w2, [x0]
	lea	x1, again_text
	cbnz	w2, early_stop
	mov	w2, #1
	str	w2, [x0]

	/* apply R_AARCH64_RELATIVE: *(base + r_offset) = base + r_addend */
	lea	x0, __image_start
	lea	x1, __rela_start
	lea	x2, __rela_end
1:	cmp	x1, x2
	b.hs	2f
	ldp	x3, x4, [x1], #16		/* r_offset, r_info */
	ldr	x5, [x1], #8			/* r_addend */
	cbz	x4, 1b				/* R_AARCH64_NONE */
	cmp	x4, #1027			/* R_AARCH64_RELATIVE; the build checks that too */
	b.ne	stop
	add	x5, x5, x0
	str	x5, [x0, x3]
	b	1b
2:
	/* clear .bss (both ends are 16-byte aligned by the linker script) */
	lea	x0, __bss_start
	lea	x1, __bss_end
3:	cmp	x0, x1
	b.hs	4f
	stp	xzr, xzr, [x0], #16
	b	3b
4:
	/* the canary zones below the stacks */
	ldr	x2, =STACK_CANARY
	lea	x0, __emergency_guard
	bl	fill_guard
	lea	x0, __stack_guard
	bl	fill_guard

	/* SP_EL1 for exceptions, SP_EL0 for everything else */
	lea	x0, __handler_stack_high
	mov	sp, x0
	msr	spsel, #0
	lea	x1, __stack_high
	mov	sp, x1

	/* this CPU's block */
	lea	x0, boot_cpu
	str	x1, [x0, #CPU_STACK_HIGH]
	lea	x1, __stack_low
	str	x1, [x0, #CPU_STACK_LOW]
	lea	x1, __emergency_stack_high
	str	x1, [x0, #CPU_EMERGENCY]
	add	x1, x0, #CPU_MM
	msr	tpidr_el1, x1
	add	x1, x0, #CPU_TLS
	msr	tpidr_el0, x1

	/* thread-local data: .tdata copied, .tbss is zero because boot_cpu is in .bss */
	add	x1, x1, #TLS_HEADER
	lea	x2, __tdata_start
	lea	x3, __tdata_end
5:	cmp	x2, x3
	b.hs	6f
	ldrb	w4, [x2], #1
	strb	w4, [x1], #1
	b	5b
6:
	mov	x29, xzr
	mov	x0, x19
	mov	x1, x20
	mrs	x2, tpidrro_el0
	bl	arm64_start
	/* arm64_start does not return */
	.section .rodata
again_text:
	.asciz	"\r\nquarry: started again, and not loaded again: the image in memory has run already\r\n"
	.data
	.balign	4
has_run:
	.word	0

	.text
	.globl	stop
stop:
	msr	daifset, #15
1:	wfi
	b	1b

/*
 * enter_el1: return at EL1 on SP_EL1, MMU off, x0 = the exception level it was called at, EL2 or
 * EL1. Changes x0-x3. Every CPU starts with it.
 */
	.globl	enter_el1
enter_el1:
	mrs	x3, CurrentEL
	lsr	x3, x3, #2
	cmp	x3, #2
	b.lo	4f
	b.hi	stop

	/* ---- EL2: give everything to EL1 ---- */
	mov	x0, #(1 << 31)			/* RW: EL1 is AArch64 */
	orr	x0, x0, #(1 << 29)		/* HCD: HVC is undefined, there is nothing to call */
	msr	hcr_el2, x0
	isb
	mov	x0, #3				/* EL1PCTEN, EL1PCEN: counter and physical timer */
	mov	x1, #0x33ff			/* CPTR_EL2: RES1 bits; no trap of FP and SIMD */
	mrs	x2, hcr_el2
	tbz	x2, #HCR_E2H_BIT, 1f
	mov	x0, #(3 << 10)			/* E2H is fixed to 1: these bits are elsewhere then */
	mov	x1, #(3 << 20)			/* FPEN */
1:	msr	cnthctl_el2, x0
	msr	cptr_el2, x1
	msr	cntvoff_el2, xzr		/* virtual counter = physical counter */
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr

	mrs	x0, id_aa64dfr0_el1		/* PMUVer, bits 11:8: 0 and 15 are "none of ours" */
	ubfx	x1, x0, #8, #4
	mov	x2, #0
	cbz	x1, 1f
	cmp	x1, #15
	b.eq	1f
	mrs	x2, pmcr_el0
	ubfx	x2, x2, #11, #5			/* N: EL1 gets all event counters */
1:	msr	mdcr_el2, x2

	mrs	x0, id_aa64mmfr0_el1		/* FGT, bits 59:56: fine-grained traps */
	ubfx	x0, x0, #56, #4
	cbz	x0, 2f
	msr	S3_4_C1_C1_4, xzr		/* HFGRTR_EL2 */
	msr	S3_4_C1_C1_5, xzr		/* HFGWTR_EL2 */
	msr	S3_4_C1_C1_6, xzr		/* HFGITR_EL2 */
	msr	S3_4_C3_C1_4, xzr		/* HDFGRTR_EL2 */
	msr	S3_4_C3_C1_5, xzr		/* HDFGWTR_EL2 */
2:
	mrs	x0, id_aa64pfr0_el1		/* GIC, bits 27:24: system register interface */
	ubfx	x0, x0, #24, #4
	cbz	x0, 3f
	mrs	x0, S3_4_C12_C9_5		/* ICC_SRE_EL2 */
	mov	x1, #9				/* SRE; Enable: EL1 may use ICC_SRE_EL1 */
	orr	x0, x0, x1
	msr	S3_4_C12_C9_5, x0
	isb
	mrs	x0, S3_4_C12_C9_5
	tbz	x0, #0, 3f			/* firmware may keep it off: then GICv2 it is */
	msr	S3_4_C12_C11_0, xzr		/* ICH_HCR_EL2: no virtual interrupts */
3:
	ldr	x0, =SCTLR_EL1_OFF
	mrs	x1, hcr_el2
	tbnz	x1, #HCR_E2H_BIT, 1f
	msr	sctlr_el1, x0
	b	2f
1:	msr	S3_5_C1_C0_0, x0		/* SCTLR_EL12: the other name would be SCTLR_EL2 */
2:	mov	x0, #0x3c5			/* EL1h, all masked */
	msr	spsr_el2, x0
	adr	x0, 4f
	msr	elr_el2, x0
	eret
4:	ldr	x0, =SCTLR_EL1_OFF
	msr	sctlr_el1, x0
	isb
	mov	x0, x3
	ret

/* init_el1: what else a CPU needs before the first C code; changes x0 */
	.globl	init_el1
init_el1:
	/*
	 * FP and SIMD on. Our own code does not use them (-mgeneral-regs-only), but picolibc is
	 * built with them: memset, strlen and the v*printf family keep data in q registers. entry.S
	 * saves them.
	 */
	mov	x0, #(3 << 20)
	msr	cpacr_el1, x0
	lea	x0, vectors
	msr	vbar_el1, x0
	isb
	ret

fill_guard:
	add	x1, x0, #STACK_GUARD_SIZE
1:	stp	x2, x2, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ret
	.ltorg

/*
 * void mmu_early_enable(uint64_t ttbr0, uint64_t mair, uint64_t tcr, uint64_t sctlr)
 *
 * What was written with the cache off must not be hidden by stale lines: the loader has cleaned the
 * image to the point of coherency (boot protocol), so invalidating all of it loses nothing.
 */
	.globl	mmu_early_enable
mmu_early_enable:
	lea	x4, __image_start
	lea	x5, __image_end
	mrs	x6, ctr_el0
	ubfx	x6, x6, #16, #4			/* DminLine: log2 of words */
	mov	x7, #4
	lsl	x6, x7, x6
	dsb	sy
1:	dc	ivac, x4
	add	x4, x4, x6
	cmp	x4, x5
	b.lo	1b

/*
 * mmu_on: the same where nothing can be stale: another CPU's start, which has no stack yet; keeps
 * all registers
 */
	.globl	mmu_on
mmu_on:
	dsb	sy
	tlbi	vmalle1
	ic	iallu
	dsb	sy
	isb
	msr	mair_el1, x1
	msr	tcr_el1, x2
	msr	ttbr0_el1, x0
	isb
	msr	sctlr_el1, x3
	isb
	ret
