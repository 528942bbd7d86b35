/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu_early.c: the MMU and the caches are switched on: see mmu_early.h. 4 KiB granule, 48-bit
 * addresses, stage 1 of the EL1&0 regime (Arm ARM, chapter D8).
 */
#include "boot/arm64/mmu_early.h"

#include <quarry/port.h>

#include "boot/arm64/layout.h"

/* MAIR_EL1: attribute 0 is write-back memory, 1 is Device-nGnRE, 2 is memory that is not cached */
#define MAIR 0x4404ffUL

/* TCR_EL1: 48 bits for TTBR0, write-back inner-shareable walks, TTBR1 off; IPS is added */
#define TCR	      (16UL | 1UL << 8 | 1UL << 10 | 3UL << 12 | 1UL << 23)
#define TCR_IPS_SHIFT 32
#define SCTLR_SA      (1UL << 3) /* sp must be 16-byte aligned */

void mmu_early_enable(uint64_t ttbr0, uint64_t mair, uint64_t tcr, uint64_t sctlr);

void mmu_early_init(void)
{
	const struct pgtable *tables = mmu_early_map_image();
	uint64_t range;

	__asm__("mrs %0, id_aa64mmfr0_el1" : "=r"(range));
	range &= 15; /* PARange; beyond 48 bits needs FEAT_LPA's other descriptors */
	mmu_early_enable(virt_to_phys(tables->root), MAIR,
			 TCR | (range < 5 ? range : 5) << TCR_IPS_SHIFT,
			 SCTLR_EL1_OFF | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA);
	mmu_early_map_tree();
}
