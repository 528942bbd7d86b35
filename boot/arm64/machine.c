/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c: the first C code, and what boot.h promises of the machine, at EL1.
 */
#include "boot/arm64/machine.h"

#include <inttypes.h>

#include <libfdt.h>
#include <quarry/port.h>

#include "boot/arm64/counter.h"
#include "boot/arm64/layout.h"
#include "boot/arm64/mmu_early.h"
#include "boot/boot.h"
#include "boot/earlycon.h"
#include "boot/main.h"
#include "boot/mmu/mmu.h"

_Noreturn void arm64_start(phys_addr_t fdt_phys, unsigned int el, phys_addr_t entered);

/* linker script */
extern const char __image_start[], __image_end[];
extern const char __emergency_guard[], __stack_guard[];

struct cpu boot_cpu;

static unsigned int entry_el;
static bool moved, have_pmu;

void arm64_start(phys_addr_t fdt_phys, unsigned int el, phys_addr_t entered)
{
	uint64_t mpidr;

	entry_el = el;
	boot_info.image_base = virt_to_phys(__image_start);
	moved = entered != boot_info.image_base;
	boot_info.image_end = virt_to_phys(__image_end);
	boot_info.fdt_phys = fdt_phys;
	mmu_early_init();
	__asm__ volatile("msr daifclr, #4"); /* SErrors are reported from here on */
	__asm__("mrs %0, mpidr_el1" : "=r"(mpidr));
	boot_main(mpidr & MPIDR_AFFINITY, boot_info.fdt_phys);
}

unsigned int machine_entry_el(void)
{
	return entry_el;
}

bool machine_was_moved(void)
{
	return moved;
}

/* The cycle counter counts at EL1, 64 bits wide. Under QEMU's -icount it counts instructions. */
static void pmu_init(void)
{
	uint64_t features, control;

	__asm__("mrs %0, id_aa64dfr0_el1" : "=r"(features));
	features = features >> 8 & 15; /* PMUVer: 0 none, 15 not this architecture's */
	if (features == 0 || features == 15)
		return;
	__asm__ volatile("mrs %0, pmcr_el0" : "=r"(control));
	control = (control & ~8UL) | 0x45; /* D off; LC, C, E */
	__asm__ volatile("msr pmccfiltr_el0, xzr");
	__asm__ volatile("msr pmcntenset_el0, %0" ::"r"(1UL << 31));
	__asm__ volatile("msr pmcr_el0, %0; isb" ::"r"(control));
	have_pmu = true;
}

void machine_init(void)
{
	const void *fdt = boot_info.fdt_phys ? phys_to_virt(boot_info.fdt_phys) : NULL;

	/*
	 * CNTFRQ_EL0 is the firmware's word; the tree's, if it has one, is taken by the timer's
	 * driver
	 */
	__asm__("mrs %0, cntfrq_el0" : "=r"(boot_info.timebase_hz));
	pmu_init();
	earlycon_init(fdt, mmu_early_map_device);
	mmu_early_map_memory(fdt);
}

/* No firmware here prints for others. */
bool machine_console(void)
{
	return false;
}

void machine_putc(char c)
{
	(void)c;
}

int machine_getc(void)
{
	return -1;
}

void machine_check_memory(void)
{
	/* TF-A and its kind live in memory that the tree does not list: nothing to check */
}

static enum counter_erratum erratum;

static uint64_t read_counter(void)
{
	uint64_t ticks;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
	return ticks;
}

void machine_read_tree(const void *fdt)
{
	const char *name;

	erratum = counter_erratum(fdt, &name);
	if (name)
		port_log("boot: counter with %s: each read is checked", name);
}

uint64_t machine_ticks(void)
{
	return erratum == COUNTER_SOUND ? read_counter() : counter_read(erratum, read_counter);
}

const char *machine_count_name(void)
{
	return "cycles";
}

uint64_t machine_instret(void)
{
	uint64_t count = 0;

	if (have_pmu)
		__asm__ volatile("mrs %0, pmccntr_el0" : "=r"(count));
	return count;
}

void machine_irq_enable(void)
{
	__asm__ volatile("msr daifclr, #2" ::: "memory");
}

void machine_irq_disable(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

void machine_halt(void)
{
	__asm__ volatile("msr daifset, #15" ::: "memory");
	for (;;)
		__asm__ volatile("wfi");
}

static bool zone_intact(const char *zone)
{
	const uint64_t *word = (const uint64_t *)(const void *)zone;

	for (unsigned int i = 0; i < STACK_GUARD_SIZE / sizeof(*word); i++) {
		if (word[i] != STACK_CANARY)
			return false;
	}
	return true;
}

bool stack_guard_intact(void)
{
	if (mmu_enabled()) /* unmapped: a write traps */
		return true;
	return zone_intact(__emergency_guard) && zone_intact(__stack_guard);
}

void machine_banner(void)
{
	uint64_t midr;

	__asm__("mrs %0, midr_el1" : "=r"(midr));
	port_log("arm64: CPU %#lx (MIDR_EL1 %#" PRIx64 "), loaded at %#" PRIx64
		 ", entered at EL%u, running at EL1",
		 boot_info.hart, midr, boot_info.image_base, entry_el);
}
