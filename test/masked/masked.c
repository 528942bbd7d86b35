/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * masked.c: see masked.h. A stretch is counted by depth, not by the CPU's flag: so also within an interrupt, and
 * within a benchmark, which masks all the time.
 */
#include "test/masked/masked.h"

#include <quarry/mm.h>
#include <quarry/port.h>

#include "test/bench/counter.h"
#include "test/masked/port.h"

static struct {
	unsigned int depth;
	uint64_t start, inner; /* inner: what pairs within this one cost */
	struct masked_stretch now, longest;
} cpus[CONFIG_NR_CPUS];
static uint64_t outer_cost, inner_cost;

__attribute__((noinline)) void masked_begin(void)
{
	unsigned int cpu = port_pcpu()->cpu;

	if (cpus[cpu].depth++)
		return;
	cpus[cpu].now.from = (uintptr_t)__builtin_return_address(0);
	cpus[cpu].inner = 0;
	cpus[cpu].start = bench_count();
}

__attribute__((noinline)) void masked_end(void)
{
	uint64_t end = bench_count();
	unsigned int cpu = port_pcpu()->cpu;
	uint64_t cost;

	/* A call that began outside of mm/, inline, may end in it. */
	if (!cpus[cpu].depth)
		return;
	if (--cpus[cpu].depth) {
		cpus[cpu].inner += inner_cost;
		return;
	}
	cost = end - cpus[cpu].start;
	cost -= cost < outer_cost + cpus[cpu].inner ? cost : outer_cost + cpus[cpu].inner;
	if (cost <= cpus[cpu].longest.length)
		return;
	cpus[cpu].longest.length = cost;
	cpus[cpu].longest.from = cpus[cpu].now.from;
	cpus[cpu].longest.to = (uintptr_t)__builtin_return_address(0);
	cpus[cpu].longest.cpu = cpu;
}

void masked_cpu(void)
{
#if defined(__aarch64__)
	uint64_t control; /* as boot/arm64/machine.c does */

	__asm__ volatile("mrs %0, pmcr_el0" : "=r"(control));
	control = (control & ~8UL) | 0x45;
	__asm__ volatile("msr pmccfiltr_el0, xzr");
	__asm__ volatile("msr pmcntenset_el0, %0" ::"r"(1UL << 31));
	__asm__ volatile("msr pmcr_el0, %0; isb" ::"r"(control));
#endif
}

void masked_reset(void)
{
	for (unsigned int cpu = 0; cpu < CONFIG_NR_CPUS; cpu++)
		cpus[cpu].longest.length = 0;
}

struct masked_stretch masked_longest(void)
{
	struct masked_stretch longest = {0};

	for (unsigned int cpu = 0; cpu < CONFIG_NR_CPUS; cpu++)
		if (cpus[cpu].longest.length > longest.length)
			longest = cpus[cpu].longest;
	return longest;
}

void masked_calibrate(void)
{
	unsigned long flags, inner;

	outer_cost = inner_cost = 0;
	masked_reset();
	flags = port_irq_save();
	port_irq_restore(flags);
	outer_cost = masked_longest().length;
	masked_reset();
	flags = port_irq_save();
	inner = port_irq_save();
	port_irq_restore(inner);
	port_irq_restore(flags);
	inner_cost = masked_longest().length;
	masked_reset();
}
