/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c: what boot.h promises of the machine, on an S-mode hart under SBI firmware.
 */
#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/dt/fdt_early.h"
#include "boot/earlycon.h"
#include "boot/main.h"
#include "boot/mmu/mmu.h"
#include "boot/riscv64/layout.h"
#include "boot/riscv64/sbi.h"

extern const char __stack_guard[], __stack_low[];

struct cpu boot_cpu;

void machine_init(void)
{
	sbi_init();
	earlycon_init(boot_info.fdt_phys ? phys_to_virt(boot_info.fdt_phys) : NULL, NULL);
}

/* The counter is read as it is: no erratum of a time CSR is known. */
void machine_read_tree(const void *fdt)
{
	(void)fdt;
}

void machine_check_memory(void)
{
	fdt_early_check_firmware(boot_info.image_base);
}

uint64_t machine_ticks(void)
{
	uint64_t ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return ticks;
}

const char *machine_count_name(void)
{
	return "instret";
}

uint64_t machine_instret(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count));
	return count;
}

void machine_irq_enable(void)
{
	port_irq_restore(SSTATUS_SIE);
}

void machine_irq_disable(void)
{
	port_irq_save();
}

void machine_halt(void)
{
	machine_irq_disable();
	__asm__ volatile("csrw sie, zero");
	for (;;)
		__asm__ volatile("wfi");
}

bool stack_guard_intact(void)
{
	const uint64_t *word = (const uint64_t *)(const void *)__stack_guard;

	/* unmapped: a write there was stopped by a trap */
	if (mmu_enabled())
		return true;
	for (; word < (const uint64_t *)(const void *)__stack_low; word++) {
		if (*word != STACK_CANARY)
			return false;
	}
	return true;
}

void machine_banner(void)
{
	unsigned long version = sbi_impl_version();
	unsigned int major = sbi_spec_major(), minor = sbi_spec_minor();

	if (sbi_impl_id() == 1)
		port_log("riscv64: hart %lu, loaded at %#lx, SBI %u.%u, OpenSBI %lu.%lu",
			 boot_info.hart, boot_info.image_base, major, minor, version >> 16,
			 version & 0xffff);
	else
		port_log("riscv64: hart %lu, loaded at %#lx, SBI %u.%u, %s %#lx", boot_info.hart,
			 boot_info.image_base, major, minor, sbi_impl_name(), version);
}
