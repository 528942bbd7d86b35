/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap_expect.h: run code that is meant to trap, and go on after the report: for tests of what must be
 * refused. Any other trap stays fatal.
 */
#ifndef BOOT_TRAP_EXPECT_H
#define BOOT_TRAP_EXPECT_H

#include <stdbool.h>
#include <stdint.h>

enum trap_access {
	TRAP_NO_ACCESS, /* not about an address */
	TRAP_READ,
	TRAP_WRITE,
	TRAP_EXECUTE,
};

struct trap_record {
	enum trap_access access;
	bool by_tables; /* the page tables refused it, nothing beyond them */
	uintptr_t pc;
	uintptr_t addr; /* what it tried to reach */
	uint64_t cause; /* scause, ESR_EL1 */
};

/*
 * trap_expect() - run fn(arg) with interrupts masked. If it traps, the report goes to the log ring alone, *record says
 * what it was, and true is returned; false if fn returned. fn may leave nothing behind that its callers
 * need: it is cut off at the trap. Context: thread, boot CPU; not nested.
 */
bool trap_expect(void (*fn)(uintptr_t arg), uintptr_t arg, struct trap_record *record);

/* ---- for the trap handler of boot/<isa> ---------------------------------------------------------------- */

/* trap_is_expected() - true once for the trap that trap_expect() waits for; the next one is fatal again. */
bool trap_is_expected(void);

/*
 * trap_resume() - where the trapped code is to go on instead, with which stack pointer: inside trap_expect(), which
 * returns record. The handler puts both into the frame and returns from the trap.
 */
void trap_resume(const struct trap_record *record, uint64_t *pc, uint64_t *sp);

#endif
