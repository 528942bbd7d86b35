/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.h: the numbers that assembler, linker script and C must agree on.
 *
 * Below each stack is a guard page, unmapped once the MMU is on; a trap that finds less than
 * STACK_TRAP_ROOM left moves to the emergency stack. Until then the guard is filled with
 * STACK_CANARY, and stack_guard_intact() tells whether anything was written there.
 */
#ifndef BOOT_RISCV64_LAYOUT_H
#define BOOT_RISCV64_LAYOUT_H

#define IMAGE_TEXT_OFFSET    0x200000 /* Image header: preferred offset from the start of RAM */

#define STACK_SIZE	     0x8000
#define STACK_GUARD_SIZE     0x1000
#define EMERGENCY_STACK_SIZE 0x2000
#define STACK_TRAP_ROOM	     0x1000 /* for the frame of a trap and for its handler */
#define STACK_CANARY	     0x5ac75ac75ac75ac7

#define SSTATUS_SIE	     0x2
#define SSTATUS_FS_VS	     0x6600 /* FS is bits 14:13, VS bits 10:9 */

/*
 * struct cpu (boot.h), from its start; sscratch holds its address whenever no trap is being entered
 */
#define CPU_STACK_LOW  0
#define CPU_STACK_HIGH 8
#define CPU_EMERGENCY  16 /* top of the emergency stack */
#define CPU_REPORTING \
	24	       /* non-zero from the first fatal trap on: a second one only prints a line */
#define CPU_SCRATCH 32 /* t0 while the trap frame is being chosen */
#define CPU_TLS	    64 /* tp points here */

/* struct trap_frame (trap.h): x1..x31 at 8 * n, then */
#define FRAME_SEPC    0
#define FRAME_SSTATUS 256
#define FRAME_SCAUSE  264
#define FRAME_STVAL   272
#define FRAME_SIZE    288

#endif
