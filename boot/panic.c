/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic.c: the end of a run that cannot go on: one line with the cause, where it was found, and
 * a stop with interrupts off, of all CPUs. The memory stays as it is, for a debugger.
 */
#include <stdarg.h>
#include <stdio.h>

#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"

static uint32_t reporter; /* number + 1 of the CPU whose report it is, 0: none yet */

bool machine_emergency(void)
{
	return __atomic_load_n(&reporter, __ATOMIC_RELAXED) == port_pcpu()->cpu + 1;
}

bool machine_emergency_begin(void)
{
	struct cpu *self = this_cpu();
	bool first = !self->reporting;
	uint32_t none = 0;

	machine_irq_disable();
	self->reporting = 1;
	if (first) {
		/* Relaxed: all that matters is which CPU is the first. */
		if (!__atomic_compare_exchange_n(&reporter, &none, self->mm.cpu + 1, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			machine_halt();
		smp_stop_others();
	}
	return first;
}

void port_panic(const char *fmt, ...)
{
	unsigned long site = (unsigned long)__builtin_return_address(0);
	char text[256];
	va_list ap;

	if (!machine_emergency_begin()) {
		static const char again[] = "\npanic: again, while reporting the first; stopped\n";

		console_write(again, sizeof(again) - 1);
		machine_halt();
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_set_console(true);
	port_log("panic: %s", text);
	port_log("panic: called from %#lx (quarry.elf+%#lx), CPU stopped%s", site,
		 site - (unsigned long)boot_info.image_base,
		 stack_guard_intact() ? "" : "; the stack's guard zone was written to");
	machine_halt();
}
