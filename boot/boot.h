/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.h: what the boot code offers to drivers and the console: the console's output, the log ring,
 * facts about this boot, and stopping.
 *
 * Linker tables hold pointers one after another, each put there by
 * __attribute__((used, section(".quarry.NAME"))) and found between
 * __start_quarry_NAME and __stop_quarry_NAME; NAME is commands, drivers or suites.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <quarry/pcp.h>
#include <quarry/types.h>

/* What the loader handed over, and what the device tree says about this CPU's clock. */
struct boot_info {
	phys_addr_t fdt_phys;	/* the device tree, where the loader put it */
	const void *fdt;	/* the same, as a pointer; checked */
	unsigned long hart;	/* hart id of the boot CPU */
	uint64_t timebase_hz;	/* ticks of the time CSR a second; 0 = not known */
	phys_addr_t image_base; /* where the image runs */
	phys_addr_t
		image_end; /* exclusive; stacks, .bss, and until the tree is read its tables included */
	uint64_t mm_init_instret; /* instructions from the entry of mm_init() to the first page */
	uint64_t mm_pageset_instret; /* those of setup_per_cpu_pageset() */
	const char *bootargs;	     /* /chosen/bootargs; "" if absent */
	const char *version;	     /* of this program, from git describe */
};
extern struct boot_info boot_info;

/*
 * One CPU. The first five words are used by the trap entry (boot/riscv64/layout.h), tls is what tp
 * points at and mm follows it at PORT_TLS_SIZE, where port_pcpu() looks for it.
 */
struct cpu {
	uintptr_t stack_low, stack_high; /* the stack; the guard zone ends at stack_low */
	uintptr_t emergency;		 /* top of the stack used when sp is outside that */
	uintptr_t reporting;		 /* a fatal trap or panic is being reported */
	uintptr_t scratch[4];
	char tls[64];
	struct mm_pcpu mm;
	unsigned long hart;
	unsigned int number; /* 0 is the boot CPU */
	/* what smp_call() asked for */
	unsigned int mail; /* enum in smp.c; atomic */
	unsigned int caller;
	void (*work)(void *arg);
	void *work_arg;
} __attribute__((aligned(64)));
extern struct cpu boot_cpu;

/* ---- console --------------------------------------------------------------------------------- */

/*
 * console_write() - output, "\n" sent as "\r\n". Before any driver the SBI prints. Other CPUs wait
 * meanwhile, so a line written in one call stays whole, but for what an interrupt of the same CPU
 * logs, and for a fatal report, which does not wait. Context: any. Cost: the device's.
 *
 * printf() keeps what it prints on the boot CPU until the line ends or console_write() is called;
 * on others it is sent as it comes: they use port_log().
 */
void console_write(const char *text, size_t length);

/*
 * console_write_progress() - a line without its end, on a terminal, in the place of the last such line; whatever is
 * printed next, by any CPU, erases it. Length 0: it is gone. Context: thread. Cost: the device's.
 */
void console_write_progress(const char *line, size_t length);

/*
 * console_set_filter() - from now on what the boot CPU's thread prints with printf() goes to fn, up to a
 * line at a time, which prints what it lets through with console_write(); NULL ends that. The log and
 * fatal reports are not filtered. Context: thread, the boot CPU; fn may wait for keys.
 */
void console_set_filter(void (*fn)(const char *text, size_t length));

/*
 * console_cut_line(), console_let_go() - this CPU reports a trap, and stops for good after that. If
 * it was in the middle of a line, that ends here, and others may print from then on. Context: any.
 */
void console_cut_line(void);
void console_let_go(void);

/*
 * console_set_output() - from now on putc prints one raw byte; NULL gives the SBI back. putc must
 * work with interrupts masked (poll), because panics use it. Context: boot, thread.
 */
void console_set_output(void (*putc)(char c));

/*
 * console_early_getc() - a byte that came through the firmware's console, -1 if there is none; also
 * one that came before a driver took over. Context: the boot CPU's thread.
 */
int console_early_getc(void);

/* ---- log ------------------------------------------------------------------------------------- */

/* port_log() is the log's entry (quarry/port.h). log_dump() hands out the kept lines, oldest first,
 * without newline. Context: thread; emit may not log. */
void log_dump(void (*emit)(const char *line));

/* log_set_console() - false: log lines only go to the ring, not to the console. Default true. */
void log_set_console(bool on);

/* ---- machine --------------------------------------------------------------------------------- */

/* machine_ticks() - the time counter, boot_info.timebase_hz a second. Bound 6, of most CPUs. Context: any. */
uint64_t machine_ticks(void);

/*
 * machine_ticks_since() - ticks since `start`; 0 if the counter has stepped back behind it, as those
 * of some SoCs do (boot/arm64/counter.h).
 */
static inline uint64_t machine_ticks_since(uint64_t start)
{
	uint64_t passed = machine_ticks() - start;

	return (int64_t)passed < 0 ? 0 : passed;
}

/*
 * machine_instret() - instructions this CPU has retired; on arm64 its cycles, which under QEMU's
 * -icount are instructions. Bound 4. Context: any.
 */
uint64_t machine_instret(void);

/*
 * machine_irq_enable(), machine_irq_disable() - this CPU takes interrupts, or not. They are off
 * until the console is up. Bound 4. Context: thread.
 */
void machine_irq_enable(void);
void machine_irq_disable(void);

/* machine_halt() - stop this CPU for good, interrupts off. Prints nothing. Context: any. */
_Noreturn void machine_halt(void);

/*
 * machine_emergency_begin() - a fatal report starts; false if this CPU was making one already.
 * Other CPUs are stopped; one that has something to report itself stops here, silent: one report is
 * enough. From now on the console is this CPU's, whoever holds its lock.
 */
bool machine_emergency_begin(void);
bool machine_emergency(void); /* this CPU is making one */

/*
 * stack_guard_intact() - nothing was written into the guard zone below the boot stack (checked by
 * every fatal report; anyone may ask). True once the MMU is on, which keeps it so. Bound: 3000
 * instructions.
 * Context: any.
 */
bool stack_guard_intact(void);

/* The step of booting that a fatal trap report names; NULL when the console runs. */
extern const char *boot_stage;

/* machine_banner() - log one line about hart, firmware and load address. Context: boot. */
void machine_banner(void);

#endif
