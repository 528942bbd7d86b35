/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap_expect.c: the way back from a trap that was meant to happen: see trap_expect.h.
 *
 * The handler returns from the trap as always, but to land(), on a part of the stack that is good whatever
 * the trapped code did to its own; land() jumps into trap_expect().
 */
#include "boot/cpu/trap_expect.h"

#include <quarry/port.h>

#include "boot/boot.h"

#define FRAME_MAX 512 /* bytes of trap_expect()'s frame, generously */

static struct {
	void *back[5]; /* the size __builtin_setjmp() is documented to need */
	bool waiting;
	const struct mm_pcpu *cpu; /* whose trap it will be */
	unsigned long flags;
	uintptr_t sp; /* below trap_expect()'s frame */
	struct trap_record record;
} expected;

__attribute__((noinline)) bool trap_expect(void (*fn)(uintptr_t arg), uintptr_t arg,
					   struct trap_record *record)
{
	struct trap_record *volatile out = record;
	volatile bool trapped = true;

	expected.flags = port_irq_save();
	expected.cpu = port_pcpu();
	expected.sp = ALIGN_DOWN((uintptr_t)__builtin_frame_address(0) - FRAME_MAX, 16UL);
	log_set_console(false);
	if (__builtin_setjmp(expected.back) == 0) {
		expected.waiting = true;
		fn(arg);
		expected.waiting = false;
		trapped = false;
	} else {
		*out = expected.record;
	}
	log_set_console(true);
	port_irq_restore(expected.flags);
	return trapped;
}

bool trap_is_expected(void)
{
	if (!expected.waiting || expected.cpu != port_pcpu())
		return false;
	expected.waiting = false;
	return true;
}

static __attribute__((noinline, noreturn)) void land(void)
{
	__builtin_longjmp(expected.back, 1);
}

void trap_resume(const struct trap_record *record, uint64_t *pc, uint64_t *sp)
{
	expected.record = *record;
	*pc = (uintptr_t)land;
	*sp = expected.sp;
}
