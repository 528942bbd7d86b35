/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * head.S: the first instructions of the image in S-mode.
 *
 * On entry (SBI and the Linux RISC-V boot protocol): a0 = hart id, a1 = physical address of the
 * FDT, satp = 0, interrupts off. The code runs wherever it was loaded: addresses are taken with
 * lla, never through the GOT, until the R_RISCV_RELATIVE relocations have been applied. RAM may
 * hold anything, so nothing outside the loaded image is read before it has been written.
 */
#include "boot/riscv64/layout.h"

	.section .head.text, "ax"
	.globl	_start
_start:
	/* the RISC-V Image header (Linux Documentation/riscv/boot-image-header): 64 bytes */
	.option	push
	.option	norvc				/* both are words, */
	.option	norelax				/* and stay so */
	j	start_kernel			/* code0 */
	nop					/* code1: unused */
	.option	pop
	.dword	IMAGE_TEXT_OFFSET		/* where from the start of RAM we like to be */
	/* the linker script puts a doubleword here: bytes in memory, .bss and stacks included */
	.section .head.rest, "a"
	.dword	0				/* flags: little endian */
	.word	0x2				/* header version 0.2 */
	.word	0
	.dword	0
	.ascii	"RISCV\0\0\0"			/* magic, as first defined */
	.ascii	"RSC\005"			/* magic2, the one loaders check */
	.word	0

	.text
start_kernel:
	csrw	sie, zero
	csrci	sstatus, 2			/* SIE off */
	li	t0, SSTATUS_FS_VS
	csrc	sstatus, t0			/* FP and vector units off: any use traps */
	lla	t0, trap_fatal
	csrw	stvec, t0			/* until the real handler can run */
	lw	t0, boot_taken			/* read only: this may be flash */
	bnez	t0, late_hart

	/* from flash on to RAM, and from the start again: place.h. s0-s11 are its to change */
	mv	gp, a0
	mv	tp, a1
	mv	a0, a1
	lla	a1, __image_start
	lla	t0, __image_end
	sub	a2, t0, a1
	call	place_image
	li	t0, -1				/* PLACE_NONE */
	beq	a0, t0, no_place
	lla	t0, __image_start
	beq	a0, t0, 2f
	lla	t1, __load_end
	mv	t2, a0
1:	ld	t3, 0(t0)
	sd	t3, 0(t2)
	addi	t0, t0, 8
	addi	t2, t2, 8
	bltu	t0, t1, 1b
	fence.i
	mv	t0, a0
	mv	a0, gp
	mv	a1, tp
	jr	t0
2:
	mv	s0, gp
	mv	s1, tp
	lla	t0, boot_taken
	li	t1, 1
	amoswap.w.aqrl t1, t1, (t0)
	mv	a0, s0
	bnez	t1, late_hart
	lla	t0, boot_hart
	sd	a0, 0(t0)

	/* apply R_RISCV_RELATIVE: *(base + r_offset) = base + r_addend */
	lla	t0, __image_start
	lla	t1, __rela_start
	lla	t2, __rela_end
	li	t3, 3				/* R_RISCV_RELATIVE */
1:	bgeu	t1, t2, 2f
	ld	t4, 8(t1)			/* r_info */
	beqz	t4, 9f				/* R_RISCV_NONE, the linker's padding */
	bne	t4, t3, bad_relocation
	ld	t4, 0(t1)			/* r_offset */
	ld	t5, 16(t1)			/* r_addend */
	add	t4, t4, t0
	add	t5, t5, t0
	sd	t5, 0(t4)
9:	addi	t1, t1, 24
	j	1b
2:
	/* clear .bss (both ends are 16-byte aligned by the linker script) */
	lla	t0, __bss_start
	lla	t1, __bss_end
3:	bgeu	t0, t1, 4f
	sd	zero, 0(t0)
	sd	zero, 8(t0)
	addi	t0, t0, 16
	j	3b
4:
	/* the canary zone below the stack: see layout.h */
	lla	t0, __stack_guard
	lla	t1, __stack_low
	li	t2, STACK_CANARY
5:	sd	t2, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 5b

	lla	sp, __stack_high
	li	gp, 0				/* not used: PIE code is not relaxed to gp */

	/* this CPU's block: what trap_entry needs first, then the thread-local block for tp */
	lla	t0, boot_cpu
	lla	t1, __stack_low
	sd	t1, CPU_STACK_LOW(t0)
	sd	sp, CPU_STACK_HIGH(t0)
	lla	t1, __emergency_stack_high
	sd	t1, CPU_EMERGENCY(t0)
	addi	tp, t0, CPU_TLS
	csrw	sscratch, t0

	/* thread-local data: .tdata copied, .tbss is zero because boot_cpu is in .bss */
	mv	t0, tp
	lla	t1, __tdata_start
	lla	t2, __tdata_end
6:	bgeu	t1, t2, 7f
	lb	t3, 0(t1)
	sb	t3, 0(t0)
	addi	t1, t1, 1
	addi	t0, t0, 1
	j	6b
7:
	lla	t0, trap_entry
	csrw	stvec, t0
	mv	a0, s0
	mv	a1, s1
	call	boot_main
	/* boot_main does not return */
8:	wfi
	j	8b

/*
 * A second hart, a0, has no business here. But OpenSBI 1.1 marks a hart as started before it notes
 * where: one that looks in between, which takes a busy host, begins where the first did.
 * smp_arch_start() notes beforehand which hart it starts and with which area, so the hart is sent
 * where it should have gone. Harts that all begin here wait for the same. The hart that was first,
 * or has been up, comes here only if the machine was started again and the image was not loaded
 * again.
 */
late_hart:
	lla	t0, boot_hart			/* itself again: what it left is not the loaded image */
	ld	t0, 0(t0)
	beq	t0, a0, started_again
	lla	t0, smp_nr_started
	ld	t0, 0(t0)
	fence	r, r				/* with smp_arch_start()'s: what is counted was written */
	lla	t1, smp_started			/* struct started: hart, cpu */
9:	beqz	t0, late_hart
	ld	t2, 0(t1)
	ld	a1, 8(t1)
	addi	t1, t1, 16
	addi	t0, t0, -1
	bne	t2, a0, 9b
	beqz	a1, started_again		/* has been up */
	tail	secondary_entry

	.data
	.balign	8
	.globl	smp_nr_started
smp_nr_started:
	.dword	0
boot_hart:
	.dword	-1
boot_taken:
	.word	0

	.text
no_place:
	lla	s2, place_text
	j	early_stop
bad_relocation:
	lla	s2, relocation_text
	j	early_stop
started_again:
	lla	s2, again_text
	j	early_stop
	.section .rodata
place_text:
	.asciz	"\r\nquarry: the image is not in memory, and the device tree leaves none free for it\r\n"
again_text:
	.asciz	"\r\nquarry: started again, and not loaded again: the image in memory has run already\r\n"
relocation_text:
	.asciz	"\r\nquarry: unknown relocation type in the image: wrong linker flags\r\n"
