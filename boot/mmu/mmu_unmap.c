/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu_unmap.c: mappings that come and go while the machine runs: uncached memory for devices that
 * do not look into the caches, and, when no driver is left, the registers of all devices.
 *
 * The pages of tables that nothing is mapped by any more go back to the page allocator when no CPU
 * can have them cached.
 */
#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/mmu/mmu.h"
#include "mm/spinlock.h"

static struct spinlock tables;

phys_addr_t mmu_uncached_offset(void)
{
	return mmu_enabled() ? mmu_arch_uncached_offset() : 0;
}

/* Those of the tables that nothing is mapped by any more. */
static void free_tables(void *table)
{
	if (!mmu_arch_forget() && table) {
		port_log("mmu: another CPU may still use tables that are not needed: kept");
		return;
	}
	while (table) {
		void *next = *(void **)table;

		free_page((unsigned long)table);
		table = next;
	}
}

/*
 * The cacheable address stays mapped, as Linux leaves it: a CPU may read through it ahead of time
 * and cache what it read, but no CPU writes there, so no copy is ever written back over what the
 * device or the uncached address wrote, and an uncached read does not look for copies (Arm ARM,
 * B2.8, mismatched attributes). What was cached before has been flushed.
 */
void *mmu_map_uncached(phys_addr_t addr, size_t size)
{
	phys_addr_t offset = mmu_uncached_offset(), start = addr + offset;
	int err;

	if (offset == 0)
		return NULL;
	spin_lock(&tables);
	err = pgtable_map_alias(mmu_live_tables(), start, start + size, offset,
				PG_READ | PG_WRITE | PG_UNCACHED);
	if (err) /* tables may have been added */
		free_tables(pgtable_unmap_alias(mmu_live_tables(), start, start + size));
	else
		mmu_arch_sync();
	spin_unlock(&tables);
	return err ? NULL : phys_to_virt(start);
}

void mmu_unmap_uncached(void *start, size_t size)
{
	spin_lock(&tables);
	free_tables(pgtable_unmap_alias(mmu_live_tables(), virt_to_phys(start),
					virt_to_phys(start) + size));
	spin_unlock(&tables);
}

void mmu_unmap_devices(void)
{
	phys_addr_t console = mmu_console();

	if (!mmu_enabled())
		return;
	spin_lock(&tables);
	free_tables(pgtable_unmap_devices(mmu_live_tables(), console ? console : PHYS_ADDR_MAX));
	spin_unlock(&tables);
}
