/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_trap.c: `trap`: a CPU other than the console's runs into a trap, in one of the places where
 * that differs: what it holds and whether it was inside an interrupt decide what becomes of the
 * others.
 */
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "console/command.h"
#include "console/parse.h"
#include "mm/state.h"

#define LINES 20 /* printed before the trap */

static struct {
	unsigned int cpu;
	bool armed; /* the next interrupt of that CPU traps; atomic */
} victim;

/* Its caches hold something when it stops. */
static void fill_caches(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (page)
		__free_page(page);
}

static void trap_thread(void *arg)
{
	(void)arg;
	fill_caches();
	__builtin_trap();
}

static void trap_masked(void *arg)
{
	(void)arg;
	fill_caches();
	port_irq_save();
	__builtin_trap();
}

static void trap_locked(void *arg)
{
	(void)arg;
	port_irq_save();
	spin_lock(&mm.zones[ZONE_DMA32].lock);
	__builtin_trap();
}

static void trap_in_interrupt(void)
{
	if (port_pcpu()->cpu == victim.cpu && __atomic_load_n(&victim.armed, __ATOMIC_ACQUIRE))
		__builtin_trap();
}

static void wait_for_interrupt(void *arg)
{
	(void)arg;
	fill_caches();
	__atomic_store_n(&victim.armed, true, __ATOMIC_RELEASE);
	for (;;)
		port_relax();
}

static void print_for_ever(void *arg)
{
	(void)arg;
	for (unsigned int n = 0;; n++) {
		if (n == LINES)
			__atomic_store_n(&victim.armed, true, __ATOMIC_RELEASE);
		port_log("trap: CPU %u prints a line that may end early", victim.cpu);
	}
}

static const struct {
	const char *name;
	void (*fn)(void *arg);
	bool interrupts; /* it has to be interrupted */
} places[] = {
	{"thread", trap_thread, false},	   {"masked", trap_masked, false},
	{"irq", wait_for_interrupt, true}, {"printing", print_for_ever, true},
	{"locked", trap_locked, false},
};
#define NR_PLACES (sizeof(places) / sizeof(places[0]))

static int cmd_trap(int argc, char **argv)
{
	unsigned int place = 0;
	uint64_t cpu;
	int err;

	if (argc < 2 || argc > 3)
		return console_usage(argv[0]);
	while (argc == 3 && place < NR_PLACES && strcmp(argv[2], places[place].name) != 0)
		place++;
	if (place == NR_PLACES || parse_u64(argv[1], UINT32_MAX, &cpu) != 0)
		return console_usage(argv[0]);
	victim.cpu = (unsigned int)cpu;
	victim.armed = false;
	err = smp_call(victim.cpu, places[place].fn, NULL);
	if (err) {
		printf("trap: CPU %u: %s; one that is online is needed, and not the console's\n",
		       victim.cpu, strerror(-err));
		return 1;
	}
	if (places[place].interrupts)
		irq_set_hook(trap_in_interrupt);
	while (places[place].interrupts && !smp_finished(victim.cpu))
		port_kick(victim.cpu);
	smp_wait(victim.cpu);
	irq_set_hook(NULL);
	printf("trap: CPU %u is %s\n", victim.cpu, smp_state_name(smp_state(victim.cpu)));
	return 0;
}

CONSOLE_COMMAND(trap, cmd_trap, "trap <cpu> [thread | masked | irq | printing | locked]",
		"stop a CPU with a trap\n"
		"in a thread (the default), with interrupts masked, in an interrupt, in the\n"
		"middle of a line it prints, with a zone's lock held; not CPU 0\n"
		"example: trap 1 irq");
