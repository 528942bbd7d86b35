/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.c: see smp.h. The memory of the other CPUs is one run of equal slots, taken from memblock
 * before the page tables are made, so that guard pages are never mapped and no live entry has to be
 * split:
 *
 *   | guard | emergency stack | guard | stack | struct cpu |
 *
 * smp_start.c starts them. What they set up then needs no locks, because they set it up one after
 * the other.
 */
#include "boot/cpu/smp_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>

#include "boot/cpu/balance.h"
#include "boot/mmu/mmu.h"
#include "boot/dt/of.h"
#include "mm/spinlock.h"

#define STACK_SIZE 0x4000UL

/* struct cpu's mail: whose turn it is. */
enum {
	MAIL_EMPTY,   /* anyone may write work into it */
	MAIL_FILLING, /* someone does */
	MAIL_FULL,    /* the CPU may read it, and has not finished it */
};

extern const char __tdata_start[], __tdata_end[]; /* linker script */

static struct {
	uint64_t hart;
	struct cpu *cpu; /* NULL: the slot was given back */
	uint32_t state;	 /* enum cpu_state; atomic */
} cpus[CONFIG_NR_CPUS];
static unsigned int nr_cpus = 1;

static struct {
	phys_addr_t start, end;
	size_t size;
	size_t guard[2]; /* offsets of the guard pages in a slot */
	size_t stack;	 /* of the stack's low end */
	size_t cpu;	 /* of struct cpu, where the stack ends */
} slots;

static const struct ipi_ops *ipi;
static void (*irq_hook)(void);

/* ---- which CPUs there are -------------------------------------------------------------------- */

unsigned int smp_nr_cpus(void)
{
	return nr_cpus;
}

struct cpu *smp_cpu(unsigned int number)
{
	return number < nr_cpus ? cpus[number].cpu : NULL;
}

enum cpu_state smp_state(unsigned int number)
{
	if (number == 0)
		return CPU_ONLINE;
	/* Acquire, paired with the release in smp_set_state(): what the CPU set up is seen. */
	return number < nr_cpus
		       ? (enum cpu_state)__atomic_load_n(&cpus[number].state, __ATOMIC_ACQUIRE)
		       : CPU_ABSENT;
}

void smp_set_state(unsigned int number, enum cpu_state state)
{
	__atomic_store_n(&cpus[number].state, (uint32_t)state, __ATOMIC_RELEASE);
}

bool smp_claim(unsigned int number, enum cpu_state state)
{
	uint32_t starting = CPU_STARTING;

	return __atomic_compare_exchange_n(&cpus[number].state, &starting, (uint32_t)state, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

const char *smp_state_name(enum cpu_state state)
{
	static const char *const names[] = {
		[CPU_ABSENT] = "absent",   [CPU_STARTING] = "starting", [CPU_RUNNING] = "stuck",
		[CPU_ONLINE] = "online",   [CPU_REFUSED] = "refused",	[CPU_LATE] = "no answer",
		[CPU_STOPPED] = "stopped",
	};

	return names[state];
}

uint64_t smp_hart(unsigned int number)
{
	return number < nr_cpus ? cpus[number].hart : 0;
}

/* ---- memory ---------------------------------------------------------------------------------- */

bool smp_find_guard(phys_addr_t addr, phys_addr_t *end)
{
	phys_addr_t slot, limit = slots.end;
	bool guard = false;

	if (addr >= slots.end)
		return false;
	if (addr < slots.start) {
		*end = slots.start < *end ? slots.start : *end;
		return false;
	}
	slot = addr - (addr - slots.start) % slots.size;
	if (!cpus[1 + (slot - slots.start) / slots.size].cpu) { /* given back: plain memory */
		limit = slot + slots.size;
	} else {
		for (unsigned int i = 2; i-- > 0;) {
			phys_addr_t start = slot + slots.guard[i];

			if (addr >= start + PAGE_SIZE)
				break;
			guard = addr >= start;
			limit = guard ? start + PAGE_SIZE : start;
		}
		if (addr >= slot + slots.guard[1] + PAGE_SIZE)
			limit = slot + slots.size;
	}
	*end = limit < *end ? limit : *end;
	return guard;
}

/* ctx counts those that get no number. */
static int count_cpu(const void *fdt, const struct of_cpu *cpu, void *ctx)
{
	unsigned int *more = ctx;

	(void)fdt;
	if (!cpu->enabled || cpu->id == boot_info.hart)
		return 0;
	if (nr_cpus == CONFIG_NR_CPUS)
		++*more;
	else
		cpus[nr_cpus++].hart = cpu->id;
	return 0;
}

static void count_cpus(const void *fdt)
{
	unsigned int more = 0;

	cpus[0].hart = boot_info.hart;
	cpus[0].cpu = &boot_cpu;
	of_each_cpu(fdt, count_cpu, &more);
	if (more)
		port_log("smp: %u CPUs beyond CONFIG_NR_CPUS (%d) are left alone", more,
			 CONFIG_NR_CPUS);
}

void smp_prepare(const void *fdt)
{
	size_t size;
	char *memory;

	count_cpus(fdt);
	if (nr_cpus == 1)
		return;
	slots.guard[0] = 0;
	slots.guard[1] = PAGE_SIZE + smp_arch_emergency_size;
	slots.stack = slots.guard[1] + PAGE_SIZE;
	slots.cpu = slots.stack + STACK_SIZE;
	slots.size = ALIGN_UP(slots.cpu + sizeof(struct cpu), PAGE_SIZE);
	size = slots.size * (nr_cpus - 1);
	memory = memblock_alloc_raw(size, PAGE_SIZE);
	if (!memory) {
		port_log("smp: no %zu bytes for the stacks of %u CPUs: one runs", size,
			 nr_cpus - 1);
		nr_cpus = 1;
		return;
	}
	slots.start = virt_to_phys(memory);
	slots.end = slots.start + size;
	for (unsigned int n = 1; n < nr_cpus; n++) {
		char *slot = memory + (n - 1) * slots.size;
		struct cpu *cpu = (struct cpu *)(void *)(slot + slots.cpu);

		memset(cpu, 0, sizeof(*cpu));
		cpu->stack_low = (uintptr_t)slot + slots.stack;
		cpu->stack_high = (uintptr_t)cpu;
		cpu->emergency = (uintptr_t)slot + slots.guard[1];
		cpu->hart = (unsigned long)cpus[n].hart;
		cpu->number = n;
		cpus[n].cpu = cpu;
	}
}

void smp_give_back(unsigned int number)
{
	phys_addr_t slot = slots.start + (number - 1) * slots.size;

	cpus[number].cpu = NULL;
	if (mmu_map_memory(slot, slot + slots.size) == 0)
		memblock_free_late(slot, slots.size);
}

/* ---- the other CPUs' life -------------------------------------------------------------------- */

static void idle(struct cpu *cpu)
{
	for (;;) {
		/* masked, so that no work can arrive between the look and the wait */
		unsigned long flags = port_irq_save();
		/*
		 * Acquire, paired with the release in smp_call(): work and what it works on are
		 * seen.
		 */
		bool work = __atomic_load_n(&cpu->mail, __ATOMIC_ACQUIRE) == MAIL_FULL;
		unsigned int caller;

		if (!work && !balance_due())
			cpu_wait();
		port_irq_restore(flags);
		if (!work) {
			balance_step();
			continue;
		}
		balance_pass_on();
		caller = cpu->caller;
		cpu->work(cpu->work_arg);
		mm_cpu_idle();
		/* Release, paired with the acquire in smp_finished(). */
		__atomic_store_n(&cpu->mail, MAIL_EMPTY, __ATOMIC_RELEASE);
		port_kick(caller);
	}
}

static uint32_t setting_up; /* number + 1 of the CPU that does, 0: none */

/*
 * One CPU at a time: page tables and drivers have no locks. A CPU that is stuck here is named, and
 * those behind it.
 */
static void set_up(struct cpu *cpu)
{
	unsigned int spins = 0;
	uint32_t none = 0;
	int err;

	/* Acquire and release: what the CPU before has set up is seen. */
	for (; !__atomic_compare_exchange_n(&setting_up, &none, cpu->number + 1, false,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
	     none = 0)
		spin_relax(&spins);
	err = setup_per_cpu_pageset(&cpu->mm, cpu->number);
	if (err)
		port_log("mm: no memory for the page caches of CPU %u (error %d): they stay off",
			 cpu->number, err);
	mm_cpu_idle();
	err = ipi->init(cpu);
	if (err) {
		port_log("smp: CPU %u cannot be interrupted (error %d)", cpu->number, err);
		mm_cpu_offline();
	}
	__atomic_store_n(&setting_up, 0, __ATOMIC_RELEASE);
	if (err) {
		smp_set_state(cpu->number, CPU_STOPPED);
		machine_halt();
	}
}

void secondary_main(struct cpu *cpu)
{
	if (!smp_claim(cpu->number, CPU_RUNNING))
		machine_halt(); /* too late */
	set_up(cpu);
	smp_set_state(cpu->number, CPU_ONLINE);
	mmu_arch_online();
	machine_irq_enable();
	idle(cpu);
	__builtin_unreachable();
}

/* ---- work ------------------------------------------------------------------------------------ */

int smp_call(unsigned int number, void (*fn)(void *arg), void *arg)
{
	struct cpu *cpu = smp_cpu(number);
	uint32_t empty = MAIL_EMPTY;

	if (number == 0 || number == port_pcpu()->cpu)
		return -EINVAL;
	if (!cpu || !smp_online(number))
		return -ENXIO;
	/* Acquire: the work before this has been read. */
	if (!__atomic_compare_exchange_n(&cpu->mail, &empty, MAIL_FILLING, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return -EBUSY;
	cpu->work = fn;
	cpu->work_arg = arg;
	cpu->caller = port_pcpu()->cpu;
	/* Release: the work before the word that it is there. */
	__atomic_store_n(&cpu->mail, MAIL_FULL, __ATOMIC_RELEASE);
	port_kick(number);
	return 0;
}

bool smp_finished(unsigned int number)
{
	const struct cpu *cpu = smp_cpu(number);

	return !cpu || smp_state(number) == CPU_STOPPED ||
	       __atomic_load_n(&cpu->mail, __ATOMIC_ACQUIRE) == MAIL_EMPTY;
}

void smp_let_go(const struct cpu *cpu)
{
	uint32_t self = cpu->number + 1;

	__atomic_compare_exchange_n(&setting_up, &self, 0, false, __ATOMIC_RELEASE,
				    __ATOMIC_RELAXED);
	balance_let_go(cpu->number);
	if (__atomic_load_n(&cpu->mail, __ATOMIC_RELAXED) == MAIL_FULL)
		port_kick(cpu->caller);
}

void smp_wait(unsigned int number)
{
	while (!smp_finished(number)) {
		unsigned long flags = port_irq_save();

		if (!smp_finished(number))
			cpu_wait();
		port_irq_restore(flags);
	}
}

/* ---- interrupts ------------------------------------------------------------------------------ */

void smp_set_ipi(const struct ipi_ops *ops)
{
	ipi = ops;
}

bool smp_has_ipi(void)
{
	return ipi;
}

void port_kick(unsigned int number)
{
	if (ipi && smp_cpu(number))
		ipi->send(number);
}

void smp_ipi(void)
{
	if (smp_stopping())
		machine_halt();
	mm_ipi();
}

void irq_set_hook(void (*fn)(void))
{
	__atomic_store_n(&irq_hook, fn, __ATOMIC_RELEASE);
}

void irq_exit(void)
{
	void (*hook)(void) = __atomic_load_n(&irq_hook, __ATOMIC_ACQUIRE);

	if (hook)
		hook();
	port_pcpu()->irq_depth--;
}
