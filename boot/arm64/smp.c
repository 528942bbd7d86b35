/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.c: starting CPUs: by PSCI's CPU_ON; by spin-table, a word in memory that the CPU looks at
 * (devicetree specification 0.4, 3.8.1 and Linux's Documentation/arm64/booting); or, entered at
 * EL3, from where they wait in el3_entry.S. Interrupting them is the interrupt controller's driver's
 * business (smp_set_ipi()).
 */
#include "boot/cpu/smp.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "boot/arm64/el3.h"
#include "boot/arm64/layout.h"
#include "boot/arm64/machine.h"
#include "boot/arm64/psci.h"
#include "boot/dt/of.h"
#include "boot/mmu/cache.h"

const size_t smp_arch_emergency_size = HANDLER_STACK_SIZE + NESTED_STACK_SIZE;

/* What smp_entry.S needs while its MMU is off. It lies at cpu->stack_low. */
struct secondary_boot {
	uint64_t ttbr0, mair, tcr, sctlr;
	struct cpu *cpu;
};
static_assert(offsetof(struct secondary_boot, cpu) == SECONDARY_CPU, "smp_entry.S");

extern const char secondary_entry[]; /* smp_entry.S */

extern const char spin_table_entry[];
void spin_table_store(phys_addr_t addr, uint64_t value);

/*
 * What CPUs that are passed nothing look at, with their caches off. At EL3 they may have entered
 * before this image ran its first instruction, so it is in .data: the loader has written it, and
 * nothing clears it.
 */
struct secondary {
	uint64_t mpidr, boot;
};
extern struct secondary secondaries[CONFIG_NR_CPUS];
extern const uint32_t nr_secondaries;
struct secondary secondaries[CONFIG_NR_CPUS] __attribute__((section(".data.smp"), aligned(16)));
const uint32_t nr_secondaries = CONFIG_NR_CPUS;

static const void *tree(void)
{
	return phys_to_virt(boot_info.fdt_phys);
}

static int has_spin_table(const void *fdt, const struct of_cpu *cpu, void *ctx)
{
	phys_addr_t addr;

	(void)ctx;
	return of_cpu_release_addr(fdt, cpu->node, &addr) == 0;
}

int smp_arch_init(void)
{
	return psci_version() || el3_is_ours() || of_each_cpu(tree(), has_spin_table, NULL)
		       ? 0
		       : -ENODEV;
}

/* The entry is whole before the CPU is woken: both words are in one line. */
static void let_go(const struct cpu *cpu)
{
	struct secondary *entry = &secondaries[cpu->number];

	entry->mpidr = cpu->hart;
	entry->boot = (uintptr_t)cpu->stack_low;
	cache_flush(entry, sizeof(*entry));
	__asm__ volatile("sev");
}

struct release {
	uint64_t mpidr;
	phys_addr_t addr;
	int error;
};

static int find_release(const void *fdt, const struct of_cpu *cpu, void *ctx)
{
	struct release *release = ctx;

	if (cpu->id != release->mpidr)
		return 0;
	release->error = of_cpu_release_addr(fdt, cpu->node, &release->addr);
	return 1;
}

int smp_arch_start(struct cpu *cpu)
{
	struct secondary_boot *boot = (struct secondary_boot *)cpu->stack_low;
	struct release release = {.mpidr = cpu->hart, .error = -ENODEV};

	__asm__("mrs %0, ttbr0_el1" : "=r"(boot->ttbr0));
	__asm__("mrs %0, mair_el1" : "=r"(boot->mair));
	__asm__("mrs %0, tcr_el1" : "=r"(boot->tcr));
	__asm__("mrs %0, sctlr_el1" : "=r"(boot->sctlr));
	boot->cpu = cpu;
	cache_flush(boot, sizeof(*boot)); /* for a CPU without caches */
	if (el3_is_ours()) {
		let_go(cpu);
		return 0;
	}
	of_each_cpu(tree(), find_release, &release);
	if (release.error != -ENODEV) {
		if (!release.error) {
			let_go(cpu);
			spin_table_store(release.addr, (uint64_t)spin_table_entry);
		}
		return release.error;
	}
	return psci_cpu_on(cpu->hart, (uint64_t)secondary_entry, (uint64_t)boot);
}

bool smp_arch_never_ran(const struct cpu *cpu)
{
	(void)cpu;
	return false; /* AFFINITY_INFO may say OFF of one that is about to be ON */
}

/* One that came out of reset late has taken all names for those of before the reset. */
static void let_go_again(void)
{
	for (unsigned int n = 1; n < smp_nr_cpus(); n++) {
		if (smp_state(n) == CPU_STARTING)
			let_go(smp_cpu(n));
	}
}

void smp_arch_wait(void)
{
	for (unsigned int i = 0; i < 100; i++)
		port_relax();
	if (el3_is_ours() && machine_was_moved())
		let_go_again();
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
