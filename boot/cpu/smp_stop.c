/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp_stop.c: CPUs that stop for good: all but one at the end of a run, or one alone, with a trap,
 * while the others go on. That one leaves the page allocator, lets go of the console, and nobody
 * waits for its work any more.
 */
#include <errno.h>

#include <quarry/mm.h>

#include "boot/cpu/smp_internal.h"

static bool stopping; /* all but one */

bool smp_stopping(void)
{
	return __atomic_load_n(&stopping, __ATOMIC_RELAXED);
}

void smp_stop_others(void)
{
	__atomic_store_n(&stopping, true, __ATOMIC_RELAXED);
	for (unsigned int n = 0; n < smp_nr_cpus(); n++)
		if (n != port_pcpu()->cpu && smp_online(n))
			port_kick(n);
}

bool smp_trap_begin(void)
{
	struct cpu *self = this_cpu();
	enum cpu_state state = smp_state(self->number);

	/* CPU 0 has the console; what goes wrong in a report is the end */
	if (self->number == 0 || self->reporting || smp_stopping() ||
	    (state != CPU_ONLINE && state != CPU_RUNNING))
		return false;
	self->reporting = 1;
	console_cut_line();
	return true;
}

void smp_trap_end(bool masked)
{
	struct cpu *self = this_cpu();
	long pages = mm_cpu_stopped(masked);

	if (pages < 0) {
		self->reporting = 0;
		machine_emergency_begin();
		port_log("trap: CPU %u stopped with a lock of the page allocator: all CPUs stop",
			 self->number);
		machine_halt();
	}
	if (pages)
		port_log("trap: CPU %u stopped, the others go on; pages lost in its caches: %ld",
			 self->number, pages);
	else
		port_log("trap: CPU %u stopped, the others go on", self->number);
	console_let_go();
	smp_set_state(self->number, CPU_STOPPED);
	smp_let_go(self);
	machine_halt();
}
