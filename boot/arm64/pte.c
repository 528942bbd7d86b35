/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte.c: the format of an entry of arm64 page tables: VMSAv8-64, stage 1, 4 KiB granule (Arm ARM,
 * D8.3). The attributes' indices are those of MAIR_EL1 as mmu_early.c sets it. The access flag is
 * set from the start: hardware may fault instead of setting it.
 */
#include <quarry/port.h>

#include "boot/mmu/pgtable.h"

#define DESC_VALID    (1ULL << 0)
#define DESC_TABLE    (1ULL << 1) /* a table, or at the lowest level a page; 0 is a block */
#define DESC_DEVICE   (1ULL << 2) /* AttrIndx 1: Device-nGnRE; 0 is write-back memory */
#define DESC_UNCACHED (2ULL << 2) /* AttrIndx 2: Normal, not cacheable */
#define DESC_READONLY (1ULL << 7) /* AP[2] */
#define DESC_INNER    (3ULL << 8) /* SH: inner shareable */
#define DESC_AF	      (1ULL << 10)
#define DESC_PXN      (1ULL << 53)
#define DESC_UXN      (1ULL << 54)
#define DESC_ADDRESS  0x0000fffffffff000ULL

uint64_t pte_leaf(phys_addr_t addr, unsigned int flags, unsigned int level)
{
	uint64_t desc = addr | DESC_VALID | DESC_AF | DESC_UXN | (level == 0 ? DESC_TABLE : 0);

	/* what is not cacheable is outer shareable, whatever SH says (D8.5.1) */
	desc |= flags & PG_DEVICE ? DESC_DEVICE : flags & PG_UNCACHED ? DESC_UNCACHED : DESC_INNER;
	desc |= flags & PG_WRITE ? 0 : DESC_READONLY;
	desc |= flags & PG_EXEC ? 0 : DESC_PXN;
	return desc;
}

uint64_t pte_table(const void *table)
{
	return virt_to_phys(table) | DESC_VALID | DESC_TABLE;
}

bool pte_is_table(uint64_t pte, unsigned int level)
{
	return level > 0 && pte & DESC_TABLE;
}

phys_addr_t pte_addr(uint64_t pte)
{
	return pte & DESC_ADDRESS;
}

unsigned int pte_flags(uint64_t pte)
{
	if (!(pte & DESC_VALID))
		return 0;
	return PG_READ | (pte & DESC_READONLY ? 0 : PG_WRITE) | (pte & DESC_PXN ? 0 : PG_EXEC) |
	       (pte & DESC_DEVICE ? PG_DEVICE : 0) | (pte & DESC_UNCACHED ? PG_UNCACHED : 0);
}
