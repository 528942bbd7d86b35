/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu.c: arm64 page tables: 4 KiB granule, 48-bit addresses, stage 1 of the EL1&0 regime (Arm ARM,
 * chapter D8), in TTBR0 alone. MAIR_EL1 and TCR_EL1 stay as mmu_early.c has set them; the format of
 * an entry is pte.c's.
 */
#include "boot/mmu/mmu.h"

#include <quarry/port.h>

#include "boot/arm64/layout.h"

#define LEVELS	 4
#define MAX_LEAF 2 /* 1 GiB: 512 GiB blocks need FEAT_LPA2 */
#define VA_BITS	 48

/*
 * The lower half of what TTBR0 maps is the identity, the upper half the same memory uncached.
 * Nothing has memory or registers from 128 TiB on.
 */
#define IDENTITY_BITS (VA_BITS - 1)

phys_addr_t mmu_arch_reach(uint64_t *scratch)
{
	/* ID_AA64MMFR0_EL1.PARange */
	static const unsigned char bits[] = {32, 36, 40, 42, 44, 48};
	uint64_t range;

	(void)scratch;
	__asm__("mrs %0, id_aa64mmfr0_el1" : "=r"(range));
	range &= 15;
	range = range < sizeof(bits) ? bits[range] : VA_BITS;
	return (phys_addr_t)1 << (range < IDENTITY_BITS ? range : IDENTITY_BITS);
}

const char *mmu_arch_select(struct pgtable *pgt, phys_addr_t end)
{
	(void)end; /* within the reach, which is all there is */
	pgt->levels = LEVELS;
	pgt->max_leaf = MAX_LEAF;
	pgt->reach = mmu_arch_reach(NULL);
	return "4 KiB granule, 48 bits";
}

/*
 * The early map has other block sizes for the same addresses, and two sizes at once may be a TLB
 * conflict. So the MMU is off while the TLB is emptied, and nothing but these instructions, which
 * the loader has cleaned to the point of coherency, is accessed meanwhile.
 */
void mmu_arch_enable(const struct pgtable *pgt)
{
	uint64_t on, off;

	__asm__("mrs %0, sctlr_el1" : "=r"(on));
	off = on & ~(uint64_t)(SCTLR_M | SCTLR_C);
	__asm__ volatile("dsb sy\n\t"
			 "isb\n\t"
			 "msr sctlr_el1, %0\n\t"
			 "isb\n\t"
			 "tlbi vmalle1\n\t"
			 "dsb nsh\n\t"
			 "msr ttbr0_el1, %1\n\t"
			 "isb\n\t"
			 "msr sctlr_el1, %2\n\t"
			 "isb" ::"r"(off),
			 "r"(virt_to_phys(pgt->root)), "r"(on)
			 : "memory");
}

void pgtable_arch_order(void)
{
	__asm__ volatile("dsb ishst" ::: "memory");
}

void mmu_arch_sync(void)
{
	__asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}

/* An invalid entry is never cached (Arm ARM, D8.13), so there is nothing to forget. */
void mmu_arch_online(void)
{
}

phys_addr_t mmu_arch_uncached_offset(void)
{
	return (phys_addr_t)1 << IDENTITY_BITS;
}

/* All CPUs: they are in one inner shareable domain, where the invalidation is broadcast. */
bool mmu_arch_forget(void)
{
	__asm__ volatile("dsb ishst\n\t"
			 "tlbi vmalle1is\n\t"
			 "dsb ish\n\t"
			 "isb" ::
				 : "memory");
	return true;
}
