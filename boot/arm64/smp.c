/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.c: starting CPUs by PSCI's CPU_ON, or from EL3's pen. Interrupting them is the GIC driver's business
 * (smp_set_ipi()).
 */
#include "boot/cpu/smp.h"

#include <errno.h>
#include <string.h>

#include "boot/arm64/el3.h"
#include "boot/arm64/layout.h"
#include "boot/arm64/psci.h"
#include "boot/mmu/cache.h"

const size_t smp_arch_emergency_size = HANDLER_STACK_SIZE + NESTED_STACK_SIZE;

/* What smp_entry.S needs while its MMU is off. It lies at the low end of the CPU's stack. */
struct secondary_boot {
	uint64_t ttbr0, mair, tcr, sctlr;
	struct cpu *cpu;
};
static_assert(offsetof(struct secondary_boot, cpu) == SECONDARY_CPU, "smp_entry.S");

extern const char secondary_entry[]; /* smp_entry.S */

int smp_arch_init(void)
{
	return psci_version() || el3_is_ours() ? 0 : -ENODEV;
}

int smp_arch_start(struct cpu *cpu)
{
	struct secondary_boot *boot = (struct secondary_boot *)cpu->stack_low;

	__asm__("mrs %0, ttbr0_el1" : "=r"(boot->ttbr0));
	__asm__("mrs %0, mair_el1" : "=r"(boot->mair));
	__asm__("mrs %0, tcr_el1" : "=r"(boot->tcr));
	__asm__("mrs %0, sctlr_el1" : "=r"(boot->sctlr));
	boot->cpu = cpu;
	cache_flush(boot, sizeof(*boot)); /* for a CPU without caches */
	if (el3_is_ours())
		return el3_release(cpu->hart, boot);
	return psci_cpu_on(cpu->hart, (uint64_t)secondary_entry, (uint64_t)boot);
}

bool smp_arch_never_ran(const struct cpu *cpu)
{
	(void)cpu;
	return false; /* AFFINITY_INFO may say OFF of one that is about to be ON */
}

void smp_arch_wait(void)
{
	for (unsigned int i = 0; i < 100; i++)
		port_relax();
}

_Noreturn void secondary_start(struct cpu *cpu);
/* The first C code of another CPU, MMU on, on SP_EL0. */
void secondary_start(struct cpu *cpu)
{
	extern const char __tdata_start[], __tdata_end[];

	memcpy(cpu->tls + TLS_HEADER, __tdata_start, (size_t)(__tdata_end - __tdata_start));
	if (el3_is_ours() && boot_info.timebase_hz)
		el3_set_cntfrq(boot_info.timebase_hz);
	__asm__ volatile("msr daifclr, #4"); /* SErrors are reported from here on */
	secondary_main(cpu);
}
