/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.h: the numbers that assembler, linker script and C must agree on.
 *
 * Threads run on SP_EL0 and exceptions on SP_EL1, so that an exception always finds a good stack,
 * even the one a stack overflow causes. An exception inside an exception is fatal, and its report
 * takes the space above the handlers' stack: the two together are called the emergency stack. Below
 * it and below the threads' is a guard page, unmapped once mmu_init() has run. Until then they are
 * filled with STACK_CANARY, and stack_guard_intact() tells whether anything was written there.
 */
#ifndef BOOT_ARM64_LAYOUT_H
#define BOOT_ARM64_LAYOUT_H

#define STACK_SIZE	   0x8000
#define STACK_GUARD_SIZE   0x1000
#define HANDLER_STACK_SIZE 0x4000 /* interrupt handlers and trap reports */
#define NESTED_STACK_SIZE  0x2000 /* reports of traps in handlers */
#define STACK_CANARY	   0x5ac75ac75ac75ac7

/* What head.S keeps in x20: the exception level it was entered at, and of a CPU at EL3, which one */
#define ENTERED_AT_EL3	 3
#define IS_SECONDARY	 (1 << IS_SECONDARY_BIT)
#define IS_SECONDARY_BIT 8

/* SCTLR_EL1 with MMU and data cache off: the bits that are 1 in ARMv8.0, all else 0 */
#define SCTLR_EL1_OFF 0x30d00800
/* SCTLR_EL3 and SCTLR_EL2, likewise */
#define SCTLR_EL3_OFF 0x30c50830
#define SCTLR_M	      (1 << 0)
#define SCTLR_C	      (1 << 2)
#define SCTLR_I	      (1 << 12)

/* struct cpu (boot.h), from its start; TPIDR_EL1 points at CPU_MM in it, TPIDR_EL0 at CPU_TLS */
#define CPU_STACK_LOW  0
#define CPU_STACK_HIGH 8
#define CPU_EMERGENCY  16 /* top of the emergency stack */
#define CPU_REPORTING  24 /* 1: a fatal report is being made; 2: and it trapped */
#define CPU_SCRATCH    32 /* x1, the vector and sp while that stack is being taken */
#define CPU_TLS	       64
#define CPU_MM	       128

#define SECONDARY_CPU  32 /* struct secondary_boot (smp.c): after four system registers */

/* AArch64 thread-local storage: two words at the thread pointer come before the data */
#define TLS_HEADER 16

/* struct trap_frame (trap.h): x0..x30 at 8 * n, then */
#define FRAME_SP     248
#define FRAME_ELR    256
#define FRAME_SPSR   264
#define FRAME_VECTOR 272
#define FRAME_FPCR   280
#define FRAME_FPSR   288
#define FRAME_Q	     304
#define FRAME_SIZE   816

/* which vector was taken: the type, and VECTOR_NESTED when it was while on SP_EL1 */
#define VECTOR_SYNC   0
#define VECTOR_IRQ    1
#define VECTOR_FIQ    2
#define VECTOR_SERROR 3
#define VECTOR_NESTED 4
#define VECTOR_LOWER  8

#endif
