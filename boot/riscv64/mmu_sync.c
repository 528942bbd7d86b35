/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu_sync.c: what other harts know of the tables after they have changed.
 *
 * A hart may cache that an entry is invalid (privileged specification, "Supervisor Memory-
 * Management Fence Instruction"), so a new mapping is told to all, as one that is gone is.
 *
 * A hart that is about to be online walks the tables already. It forgets what it knows once it is
 * online, and whoever changes the tables looks who is online after that: one of the two sees the
 * other.
 */
#include <quarry/port.h>

#include "boot/mmu/mmu.h"
#include "boot/riscv64/sbi.h"
#include "boot/riscv64/sfence.h"
#include "boot/cpu/smp.h"

bool mmu_arch_forget(void)
{
	bool all = true;

	sfence_vma();
	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++)
		if (cpu != port_pcpu()->cpu && smp_online(cpu))
			all = sbi_remote_sfence_vma((unsigned long)smp_hart(cpu)) && all;
	return all;
}

/* Where the firmware cannot reach other harts nothing is lost that they had. */
void mmu_arch_sync(void)
{
	(void)mmu_arch_forget();
}

void mmu_arch_online(void)
{
	sfence_vma();
}
