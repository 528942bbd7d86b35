/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp_start.c: starting the other CPUs: the firmware is asked for all of them, then this CPU waits
 * for all of them at once. So those that never answer cost the boot a second together, however many
 * they are.
 */
#include <errno.h>

#include <quarry/mm.h>

#include "boot/cpu/smp_internal.h"

#define START_SECONDS 1
#define START_POLLS   1000000 /* where the time counter's rate is not known */

static void ask_firmware(unsigned int number)
{
	struct cpu *cpu = smp_cpu(number);
	int err;

	boot_pageset_init(&cpu->mm, number);
	smp_set_state(number, CPU_STARTING);
	err = smp_arch_start(cpu);
	if (!err)
		return;
	smp_set_state(number, CPU_REFUSED);
	port_log("smp: CPU %u (%#lx): the firmware does not start it (error %d)", number, cpu->hart,
		 err);
	smp_give_back(number);
}

/* Steps that CPUs have not taken yet: from STARTING to RUNNING, and to ONLINE. */
static unsigned int steps_left(void)
{
	unsigned int steps = 0;

	for (unsigned int n = 1; n < smp_nr_cpus(); n++) {
		enum cpu_state state = smp_state(n);

		steps += state == CPU_STARTING ? 2 : state == CPU_RUNNING;
	}
	return steps;
}

/*
 * Until all are online, or none has taken a step for START_SECONDS: many CPUs that share few
 * processors, as emulators have them, take longer together than one may.
 */
static void wait_for_all(void)
{
	uint64_t since = machine_ticks(), most = boot_info.timebase_hz * START_SECONDS;
	unsigned int left = steps_left(), polls = 0;

	while (left) {
		unsigned int now = steps_left();

		if (now != left) {
			since = machine_ticks();
			polls = 0;
			left = now;
		} else if (most ? machine_ticks_since(since) > most : polls++ > START_POLLS) {
			return;
		} else {
			smp_arch_wait();
		}
	}
}

/* Name a CPU that did not come up. */
static void judge(unsigned int number)
{
	struct cpu *cpu = smp_cpu(number);

	if (smp_claim(number, CPU_LATE)) {
		port_log("smp: CPU %u (%#lx) did not come up within %d s: left out", number,
			 cpu->hart, START_SECONDS);
		if (smp_arch_never_ran(cpu))
			smp_give_back(number);
	} else if (smp_state(number) == CPU_STOPPED) {
		port_log("smp: CPU %u (%#lx) stopped while it started: left out", number,
			 cpu->hart);
	} else if (smp_state(number) == CPU_RUNNING) {
		port_log("smp: CPU %u (%#lx) started but is stuck: left out", number, cpu->hart);
	}
}

void smp_start(void)
{
	unsigned int nr_cpus = smp_nr_cpus(), online = 1;
	int err = smp_arch_init();

	if (nr_cpus == 1)
		return;
	if (err == 0 && !smp_has_ipi())
		err = -ENODEV;
	if (err) {
		port_log("smp: no way to start CPUs, or to interrupt them (error %d): one runs",
			 err);
		for (unsigned int n = 1; n < nr_cpus; n++) {
			smp_set_state(n, CPU_REFUSED);
			smp_give_back(n);
		}
		return;
	}
	for (unsigned int n = 1; n < nr_cpus; n++)
		ask_firmware(n);
	wait_for_all();
	for (unsigned int n = 1; n < nr_cpus; n++) {
		judge(n);
		online += smp_online(n);
	}
	port_log("smp: %u of %u CPUs online", online, nr_cpus);
}
