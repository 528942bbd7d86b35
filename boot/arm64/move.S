/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * move.S: an image that was started where it is stored, in flash, goes on in RAM.
 *
 * An image that starts at the reset vector is passed no device tree: x0 may be anything there, and
 * is taken for 0 where a tree is looked for (head.S). QEMU's machines that start so leave one at the
 * start of RAM, which is at a multiple of 1 GiB: it is looked for at the one below the image, then at
 * each from 1 GiB to SEARCH_END. The first with the tree's magic is taken; an address at which
 * nothing answers is passed over. Buses of real machines may hang instead, so this is done where the
 * board asks for it: TREE_SEARCH in its board.mk sets search_tree in the copy of the image that is
 * its own.
 */
#include "boot/arm64/layout.h"

#define SEARCH_END (64 << 30)
#define FDT_MAGIC  0xedfe0dd0			/* as a little-endian word */
#define FDT_MAX_SIZE (2 << 20)			/* FDT_EARLY_MAX_SIZE */

	.macro	lea reg, symbol
	adrp	\reg, \symbol
	add	\reg, \reg, :lo12:\symbol
	.endm

	.text
/*
 * move_to_ram: at EL1, x19 = address of the device tree or 0. Returns, in RAM if the tree names
 * some (place.h), with x19 = the tree, or 0 if there is none. If none of it is free for the image,
 * says so on a PL011 and stops. Changes everything but x19 and x20; SPSel, VBAR_EL1 and TPIDR_EL1
 * too. A CPU that is not the first (x20) finds the place likewise, and waits: it does not return.
 */
	.globl	move_to_ram
move_to_ram:
	msr	tpidr_el0, x30
	cbnz	x19, 3f
	lea	x0, search_tree
	ldr	w0, [x0]
	cbz	w0, 3f
	msr	spsel, #1
	adr	x0, probe_vectors
	msr	vbar_el1, x0
	isb
	ldr	w4, =FDT_MAGIC
	mov	x2, #0
	mov	x6, #(1 << 30)
	lea	x1, __image_start
	and	x1, x1, #~((1 << 30) - 1)
1:	cbz	x1, 2f				/* 0 would say that there is none */
	ldr	w3, [x1]			/* or 0: probe_failed */
	cmp	w3, w4
	csel	x19, x1, xzr, eq
	b.eq	3f
2:	add	x2, x2, x6
	mov	x1, x2
	tst	x2, #SEARCH_END
	b.eq	1b

	/*
	 * A loader promises that the image is in memory and not in a cache alone (boot protocol), and
	 * says nothing of the tree, which is read past the caches here: so it is cleaned, whole lines.
	 */
3:	cbz	x19, 7f
	tst	x19, #7
	b.ne	7f
	mrs	x6, ctr_el0
	ubfx	x6, x6, #16, #4			/* DminLine: log2 of words */
	mov	x7, #4
	lsl	x6, x7, x6
	sub	x7, x6, #1
	bic	x1, x19, x7
	dc	civac, x1
	dsb	sy
	ldp	w2, w3, [x19]			/* magic, totalsize */
	ldr	w4, =FDT_MAGIC
	cmp	w2, w4
	b.ne	7f
	rev	w3, w3
	mov	w2, #FDT_MAX_SIZE
	cmp	w3, w2
	csel	w3, w3, w2, lo
	add	x3, x19, x3
6:	dc	civac, x1
	add	x1, x1, x6
	cmp	x1, x3
	b.lo	6b
	dsb	sy
7:
	lea	x1, __image_start
	lea	x2, __image_end
	sub	x2, x2, x1
	mov	x0, x19
	bl	place_image
	cmn	x0, #1				/* PLACE_NONE */
	b.eq	no_place
	mrs	x30, tpidr_el0
	lea	x1, __image_start
	sub	x6, x0, x1
	tbnz	x20, #IS_SECONDARY_BIT, el3_wait
	cbz	x6, 5f
	lea	x2, __load_end			/* a multiple of 16, like the start */
4:	ldp	x3, x4, [x1], #16
	stp	x3, x4, [x0], #16
	cmp	x1, x2
	b.lo	4b
	add	x30, x30, x6
	dsb	sy				/* memory is not cached; instructions may be */
	ic	iallu
	dsb	sy
	isb
5:	ret

no_place:
	tbnz	x20, #IS_SECONDARY_BIT, stop
	adr	x1, place_text

/*
 * early_stop: print the text at x1, if the tree at x19 has a PL011, and stop. DR at 0, FR at 0x18, of
 * which bit 5 says that the transmitter is full.
 */
	.globl	early_stop
early_stop:
	msr	tpidrro_el0, x1
	mov	x0, x19
	bl	place_console
	cbz	x0, stop
	mrs	x1, tpidrro_el0
1:	ldrb	w2, [x1], #1
	cbz	w2, stop
2:	ldr	w3, [x0, #0x18]
	tbnz	w3, #5, 2b
	str	w2, [x0]
	b	1b
place_text:
	.asciz	"\r\nquarry: the image is not in memory, and the device tree leaves none free for it\r\n"
	.balign	4
	.ltorg

/* The only exception there can be: a synchronous external abort of the load into w3, on SP_EL1. */
	.balign	2048
probe_vectors:
	.space	0x200
probe_failed:
	mov	w3, #0
	mrs	x5, elr_el1
	add	x5, x5, #4
	msr	elr_el1, x5
	eret
