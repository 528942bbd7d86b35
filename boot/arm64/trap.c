/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.c: IRQs go to the interrupt controller's driver; every other exception is reported with its
 * syndrome, address, page and all registers, and is fatal unless trap_expect() waits for it.
 */
#include "boot/arm64/trap.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include <quarry/port.h>

#include "boot/arm64/layout.h"
#include "boot/boot.h"
#include "boot/console_early.h"
#include "boot/mmu/mmu.h"
#include "boot/cpu/smp.h"
#include "boot/cpu/trap_expect.h"

#define SPSR_I	(1UL << 7)
#define ISS_WNR (1UL << 6)

static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "entry.S");
static_assert(FRAME_SIZE % 16 == 0, "sp must stay 16-byte aligned");
static_assert(offsetof(struct trap_frame, sp) == FRAME_SP, "entry.S");
static_assert(offsetof(struct trap_frame, elr) == FRAME_ELR, "entry.S");
static_assert(offsetof(struct trap_frame, spsr) == FRAME_SPSR, "entry.S");
static_assert(offsetof(struct trap_frame, vector) == FRAME_VECTOR, "entry.S");
static_assert(offsetof(struct trap_frame, fpcr) == FRAME_FPCR, "entry.S");
static_assert(offsetof(struct trap_frame, fpsr) == FRAME_FPSR, "entry.S");
static_assert(offsetof(struct trap_frame, q) == FRAME_Q, "entry.S");
static_assert(offsetof(struct cpu, stack_low) == CPU_STACK_LOW, "head.S");
static_assert(offsetof(struct cpu, stack_high) == CPU_STACK_HIGH, "head.S");
static_assert(offsetof(struct cpu, emergency) == CPU_EMERGENCY, "entry.S");
static_assert(offsetof(struct cpu, reporting) == CPU_REPORTING, "entry.S");
static_assert(offsetof(struct cpu, scratch) == CPU_SCRATCH, "entry.S");
static_assert(offsetof(struct cpu, tls) == CPU_TLS, "head.S");
static_assert(offsetof(struct cpu, mm) == CPU_MM, "entry.S");

void trap_handler(struct trap_frame *frame);
_Noreturn void trap_fatal(void);
void trap_last_words(uint64_t esr, uint64_t elr, uint64_t far);

static void (*irq_handler)(void);

int arm64_irq_register(void (*fn)(void))
{
	if (fn && irq_handler)
		return -EBUSY;
	irq_handler = fn;
	return 0;
}

/* ESR_EL1.EC, bits 31:26 (Arm ARM, D17.2.37) */
static const char *class_name(unsigned int class)
{
	switch (class) {
	case 0x00:
		return "undefined instruction";
	case 0x01:
		return "trapped WFI or WFE";
	case 0x07:
		return "trapped FP or SIMD access";
	case 0x0d:
		return "branch target exception";
	case 0x0e:
		return "illegal execution state";
	case 0x15:
		return "SVC";
	case 0x16:
		return "HVC";
	case 0x17:
		return "SMC";
	case 0x18:
		return "trapped system register access";
	case 0x19:
		return "trapped SVE access";
	case 0x20:
	case 0x21:
		return "instruction abort";
	case 0x22:
		return "PC alignment fault";
	case 0x24:
	case 0x25:
		return "data abort";
	case 0x26:
		return "SP alignment fault";
	case 0x2c:
		return "trapped FP exception";
	case 0x2f:
		return "SError";
	case 0x30:
	case 0x31:
		return "hardware breakpoint";
	case 0x32:
	case 0x33:
		return "software step";
	case 0x34:
	case 0x35:
		return "watchpoint";
	case 0x3c:
		return "BRK";
	default:
		return "unknown class";
	}
}

/*
 * The fault status code of aborts, ISS bits 5:0; the level is added by the caller where there is
 * one.
 */
static const char *fault_name(unsigned int code, bool *level)
{
	*level = code < 0x10 || (code >= 0x14 && code < 0x18);
	switch (code & 0x3c) {
	case 0x00:
		return "address size fault";
	case 0x04:
		return "translation fault";
	case 0x08:
		return "access flag fault";
	case 0x0c:
		return "permission fault";
	case 0x10:
		return code == 0x10 ? "synchronous external abort" : "tag check fault";
	case 0x14:
		return "external abort on a table walk";
	case 0x20:
		return code == 0x21 ? "alignment fault" : "unknown fault";
	default:
		return code == 0x30   ? "TLB conflict"
		       : code == 0x34 ? "unsupported atomic or exclusive access"
				      : "unknown fault";
	}
}

/* "data abort, write, translation fault, level 1" */
static void describe(char *text, size_t size, const struct trap_frame *frame, uint64_t esr)
{
	static const char *const vectors[] = {"", "IRQ", "FIQ", "SError"};
	unsigned int vector = frame->vector & 3, class = (esr >> 26) & 0x3f;
	const char *fault;
	bool level;
	int n;

	if (frame->vector >= VECTOR_LOWER) {
		snprintf(text, size, "exception from EL0, where nothing runs");
		return;
	}
	if (vector != VECTOR_SYNC) {
		snprintf(text, size, "%s%s", vectors[vector],
			 vector == VECTOR_SERROR ? " (asynchronous error of the bus or memory)"
						 : "");
		return;
	}
	if (class != 0x20 && class != 0x21 && class != 0x24 && class != 0x25) {
		snprintf(text, size, "%s", class_name(class));
		return;
	}
	fault = fault_name(esr & 0x3f, &level);
	n = snprintf(text, size, "%s, %s%s", class_name(class),
		     class >= 0x24 ? (esr & ISS_WNR ? "write, " : "read, ") : "", fault);
	if (level && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, ", level %u", (unsigned int)esr & 3);
}

static bool sp_is_valid(const struct trap_frame *frame)
{
	return frame->sp >= this_cpu()->stack_low && frame->sp <= this_cpu()->stack_high;
}

static bool is_instruction_abort(uint64_t esr)
{
	return (esr >> 26 & 0x3e) == 0x20;
}

static bool is_data_abort(uint64_t esr)
{
	return (esr >> 26 & 0x3e) == 0x24;
}

static enum trap_access access_of(uint64_t esr)
{
	if (is_instruction_abort(esr))
		return TRAP_EXECUTE;
	if (is_data_abort(esr))
		return esr & ISS_WNR ? TRAP_WRITE : TRAP_READ;
	return TRAP_NO_ACCESS;
}

/* Address size, translation, access flag or permission fault. */
static bool is_page_fault(uint64_t esr)
{
	return (is_instruction_abort(esr) || is_data_abort(esr)) && (esr & 0x3f) < 0x10;
}

static void report(const struct trap_frame *frame, uint64_t esr, uint64_t far)
{
	char text[96];

	describe(text, sizeof(text), frame, esr);
	port_log("trap: %s (ESR_EL1 %#lx) at ELR_EL1 %#lx (quarry.elf+%#lx), FAR_EL1 %#lx", text,
		 esr, frame->elr, frame->elr - boot_info.image_base, far);
	if ((frame->vector & 3) == VECTOR_SYNC && access_of(esr) != TRAP_NO_ACCESS)
		mmu_report(far);
	if (boot_stage)
		port_log("trap: while booting: %s", boot_stage);
	for (unsigned int i = 0; i < 31; i += 3) {
		char line[128];
		int n = 0;

		for (unsigned int j = i; j < i + 3 && j < 31; j++)
			n += snprintf(line + n, sizeof(line) - (size_t)n, " %s%u %016lx",
				      j < 10 ? " x" : "x", j, frame->x[j]);
		port_log("trap:%s", line);
	}
	port_log("trap:  sp %016lx SPSR_EL1 %#lx CPU %u %#lx%s", frame->sp, frame->spsr,
		 this_cpu()->number, this_cpu()->hart,
		 frame->vector & VECTOR_NESTED ? ", in an exception handler" : "");
	if (!(frame->vector & VECTOR_NESTED) && !sp_is_valid(frame))
		port_log("trap: sp is outside the stack %#lx-%#lx: stack overflow?",
			 this_cpu()->stack_low, this_cpu()->stack_high);
	else if (!stack_guard_intact())
		port_log("trap: a stack's guard zone was written to: stack overflow?");
}

static void last_text(const char *text)
{
	while (*text)
		console_firmware_putc(*text++);
}

static void last_hex(uint64_t value)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		console_firmware_putc("0123456789abcdef"[value >> shift & 15]);
}

/* By entry.S, when a report trapped: nothing of the C library, no lock, no driver. */
void trap_last_words(uint64_t esr, uint64_t elr, uint64_t far)
{
	last_text("\r\nquarry: trap that cannot be reported in full: ESR_EL1 0x");
	last_hex(esr);
	last_text(" ELR_EL1 0x");
	last_hex(elr);
	last_text(" FAR_EL1 0x");
	last_hex(far);
	last_text(": stopped\r\n");
}

static _Noreturn void fatal(const struct trap_frame *frame, uint64_t esr, uint64_t far)
{
	bool alone = smp_trap_begin();

	if (!alone && !machine_emergency_begin())
		trap_fatal();
	log_set_console(true);
	report(frame, esr, far);
	if (alone)
		smp_trap_end(frame->spsr & SPSR_I || frame->vector & VECTOR_NESTED);
	port_log("trap: CPU stopped");
	machine_halt();
}

static void expected(struct trap_frame *frame, uint64_t esr, uint64_t far)
{
	struct trap_record record = {
		.access = access_of(esr),
		.by_tables = is_page_fault(esr),
		.pc = frame->elr,
		.addr = far,
		.cause = esr,
	};
	report(frame, esr, far);
	port_log("trap: expected: going on");
	trap_resume(&record, &frame->elr, &frame->sp);
}

void trap_handler(struct trap_frame *frame)
{
	uint64_t esr, far;

	if (frame->vector == VECTOR_IRQ && sp_is_valid(frame) && irq_handler) {
		irq_enter();
		irq_handler();
		irq_exit();
		return;
	}
	__asm__ volatile("mrs %0, esr_el1" : "=r"(esr));
	__asm__ volatile("mrs %0, far_el1" : "=r"(far));
	if (frame->vector == VECTOR_SYNC && trap_is_expected()) {
		expected(frame, esr, far);
		return;
	}
	/* an interrupt that finds sp outside the stack is the first to notice an overflow */
	if (frame->vector != VECTOR_IRQ || !sp_is_valid(frame))
		fatal(frame, esr, far);
	/*
	 * no driver can clear it: mask it in what goes on after this, or it would come back for
	 * ever
	 */
	frame->spsr |= SPSR_I;
	port_log("trap: IRQ without an interrupt controller's driver: masked");
}
