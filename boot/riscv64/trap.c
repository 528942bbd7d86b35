/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.c: interrupts go to the handler that registered for them; every exception is reported with
 * its cause, address, page and all registers, and is fatal unless trap_expect() waits for it.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/mmu/mmu.h"
#include "boot/riscv64/layout.h"
#include "boot/riscv64/trap.h"
#include "boot/cpu/smp.h"
#include "boot/cpu/trap_expect.h"

static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "entry.S");
static_assert(FRAME_SIZE % 16 == 0, "the ABI keeps sp 16-byte aligned");
static_assert(offsetof(struct trap_frame, sepc) == FRAME_SEPC, "entry.S");
static_assert(offsetof(struct trap_frame, x) == 8, "entry.S");
static_assert(offsetof(struct trap_frame, sstatus) == FRAME_SSTATUS, "entry.S");
static_assert(offsetof(struct trap_frame, scause) == FRAME_SCAUSE, "entry.S");
static_assert(offsetof(struct trap_frame, stval) == FRAME_STVAL, "entry.S");
static_assert(offsetof(struct cpu, stack_low) == CPU_STACK_LOW, "entry.S");
static_assert(offsetof(struct cpu, stack_high) == CPU_STACK_HIGH, "entry.S");
static_assert(offsetof(struct cpu, emergency) == CPU_EMERGENCY, "entry.S");
static_assert(offsetof(struct cpu, reporting) == CPU_REPORTING, "entry.S");
static_assert(offsetof(struct cpu, scratch) == CPU_SCRATCH, "entry.S");
static_assert(offsetof(struct cpu, tls) == CPU_TLS, "entry.S");
static_assert(offsetof(struct cpu, mm) == CPU_TLS + PORT_TLS_SIZE, "port_pcpu()");
static_assert(STACK_TRAP_ROOM >= 2048 + FRAME_SIZE,
	      "a trap at the stack's end must not meet the guard");

void trap_handler(struct trap_frame *frame);

#define SCAUSE_INTERRUPT (1UL << 63)
#define NR_CAUSES	 16
#define SSTATUS_SPIE	 (1UL << 5) /* interrupts were enabled */

/* exceptions about an address (privileged specification, table of scause values) */
#define CAUSE_FETCH_ACCESS 1
#define CAUSE_LOAD_ACCESS  5
#define CAUSE_STORE_ACCESS 7
#define CAUSE_FETCH_PAGE   12
#define CAUSE_LOAD_PAGE	   13
#define CAUSE_STORE_PAGE   15

static void (*irq_handler[NR_CAUSES])(void);

int riscv_irq_register(unsigned int cause, void (*fn)(void))
{
	unsigned long bit;

	if (cause != RISCV_IRQ_SOFTWARE && cause != RISCV_IRQ_TIMER && cause != RISCV_IRQ_EXTERNAL)
		return -EINVAL;
	bit = 1UL << cause;
	if (!fn)
		__asm__ volatile("csrc sie, %0" ::"r"(bit) : "memory");
	irq_handler[cause] = fn;
	if (fn)
		__asm__ volatile("csrs sie, %0" ::"r"(bit) : "memory");
	return 0;
}

static const char *cause_name(uint64_t cause)
{
	/* privileged specification, table of scause values */
	static const char *const names[] = {
		[0] = "instruction address misaligned",
		[1] = "instruction access fault",
		[2] = "illegal instruction",
		[3] = "breakpoint",
		[4] = "load address misaligned",
		[5] = "load access fault",
		[6] = "store/AMO address misaligned",
		[7] = "store/AMO access fault",
		[8] = "environment call from U-mode",
		[9] = "environment call from S-mode",
		[12] = "instruction page fault",
		[13] = "load page fault",
		[15] = "store/AMO page fault",
	};

	if (cause & SCAUSE_INTERRUPT)
		return "interrupt";
	if (cause < sizeof(names) / sizeof(names[0]) && names[cause])
		return names[cause];
	return "unknown cause";
}

static enum trap_access access_of(uint64_t cause)
{
	switch (cause) {
	case CAUSE_FETCH_ACCESS:
	case CAUSE_FETCH_PAGE:
		return TRAP_EXECUTE;
	case CAUSE_LOAD_ACCESS:
	case CAUSE_LOAD_PAGE:
		return TRAP_READ;
	case CAUSE_STORE_ACCESS:
	case CAUSE_STORE_PAGE:
		return TRAP_WRITE;
	}
	return TRAP_NO_ACCESS;
}

static bool is_page_fault(uint64_t cause)
{
	return cause == CAUSE_FETCH_PAGE || cause == CAUSE_LOAD_PAGE || cause == CAUSE_STORE_PAGE;
}

static bool sp_is_valid(const struct trap_frame *frame)
{
	uint64_t sp = frame->x[1];

	return sp >= this_cpu()->stack_low && sp <= this_cpu()->stack_high;
}

static void report(const struct trap_frame *frame)
{
	static const char *const reg[] = {
		"ra", "sp", "gp", "tp",	 "t0",	"t1", "t2", "s0", "s1", "a0", "a1",
		"a2", "a3", "a4", "a5",	 "a6",	"a7", "s2", "s3", "s4", "s5", "s6",
		"s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
	};

	port_log("trap: %s (scause %#lx) at sepc %#lx (quarry.elf+%#lx), stval %#lx",
		 cause_name(frame->scause), frame->scause, frame->sepc,
		 frame->sepc - boot_info.image_base, frame->stval);
	if (access_of(frame->scause) != TRAP_NO_ACCESS)
		mmu_report(frame->stval);
	if (boot_stage)
		port_log("trap: while booting: %s", boot_stage);
	for (unsigned int i = 0; i < 31; i += 3) {
		char line[128];
		int n = 0;

		for (unsigned int j = i; j < i + 3 && j < 31; j++)
			n += snprintf(line + n, sizeof(line) - (size_t)n, " %4s %016lx", reg[j],
				      frame->x[j]);
		port_log("trap:%s", line);
	}
	port_log("trap: sstatus %016lx CPU %u hart %lu", frame->sstatus, this_cpu()->number,
		 this_cpu()->hart);
	if (!sp_is_valid(frame))
		port_log("trap: sp is outside the stack %#lx-%#lx: stack overflow?",
			 this_cpu()->stack_low, this_cpu()->stack_high);
	else if (!stack_guard_intact())
		port_log("trap: the stack's guard zone was written to: stack overflow?");
}

static _Noreturn void fatal(const struct trap_frame *frame)
{
	bool alone = smp_trap_begin();

	if (!alone)
		machine_emergency_begin();
	log_set_console(true);
	report(frame);
	if (alone)
		smp_trap_end(!(frame->sstatus & SSTATUS_SPIE));
	port_log("trap: CPU stopped");
	machine_halt();
}

static void expected(struct trap_frame *frame)
{
	struct trap_record record = {
		.access = access_of(frame->scause),
		.by_tables = is_page_fault(frame->scause),
		.pc = frame->sepc,
		.addr = frame->stval,
		.cause = frame->scause,
	};

	report(frame);
	port_log("trap: expected: going on");
	trap_resume(&record, &frame->sepc, &frame->x[1]);
}

void trap_handler(struct trap_frame *frame)
{
	uint64_t cause = frame->scause & ~SCAUSE_INTERRUPT;

	/* an interrupt that finds sp outside the stack is the first to notice an overflow */
	if (!(frame->scause & SCAUSE_INTERRUPT) && trap_is_expected()) {
		expected(frame);
		return;
	}
	if (!(frame->scause & SCAUSE_INTERRUPT) || !sp_is_valid(frame))
		fatal(frame);
	if (cause < NR_CAUSES && irq_handler[cause]) {
		irq_enter();
		irq_handler[cause]();
		irq_exit();
		return;
	}
	/* no handler can clear it: mask it, or it would come back for ever */
	if (cause < 64)
		__asm__ volatile("csrc sie, %0" ::"r"(1UL << cause) : "memory");
	port_log("trap: interrupt %lu has no handler: masked", cause);
}
