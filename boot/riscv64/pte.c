/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte.c: the format of an entry of RISC-V page tables (privileged specification, "Sv39:
 * Page-Based 39-bit Virtual-Memory System"; Sv48 and Sv57 have the same).
 *
 * On most harts the physical memory attributes say what is memory and what a device, and the
 * upper bits must be 0. With Svpbmt bits 62:61 may overrule them. T-Head's C906 and C910 (D1,
 * TH1520, CV18xx, SG2042) have a format of their own, switched on by the loader before us
 * (sxstatus.MAEE), in which 0 there is memory that is not cached, where atomics fail. Only leaves
 * have these bits.
 */
#include "boot/riscv64/pte.h"

#include <assert.h>

#include <quarry/port.h>

#include "boot/mmu/pgtable.h"

#define PTE_V	      0x01ULL
#define PTE_R	      0x02ULL
#define PTE_W	      0x04ULL
#define PTE_X	      0x08ULL
#define PTE_A	      0x40ULL  /* accessed and dirty are set from the start: */
#define PTE_D	      0x80ULL  /* hardware may fault instead of setting them */
#define PTE_RSW_DEV   0x100ULL /* a bit left to software: device registers */
#define PTE_PPN_SHIFT 10
#define PTE_PPN_MASK  ((1ULL << 44) - 1)

#define PTE_SVPBMT_IO (2ULL << 61) /* not cached, not idempotent, strongly ordered */

/* XTheadMae */
#define PTE_THEAD_SH	(1ULL << 60) /* shareable */
#define PTE_THEAD_B	(1ULL << 61) /* writes may be buffered */
#define PTE_THEAD_C	(1ULL << 62) /* cached */
#define PTE_THEAD_SO	(1ULL << 63) /* strongly ordered */
#define THEAD_MEMORY	(PTE_THEAD_C | PTE_THEAD_B | PTE_THEAD_SH)
#define THEAD_DEVICE	(PTE_THEAD_SO | PTE_THEAD_SH)

#define MVENDORID_THEAD 0x5b7
#define SXSTATUS_MAEE	(1UL << 21)

static_assert(THEAD_MEMORY >> 60 == 7 && THEAD_DEVICE >> 60 == 9, "SO, C, B, SH from bit 63 down");

static enum pte_types types;

bool pte_has_sxstatus(unsigned long mvendorid)
{
	return mvendorid == MVENDORID_THEAD;
}

enum pte_types pte_types_of(const struct pte_hart *hart)
{
	/* switched on, T-Head's format is in the place of Svpbmt's */
	if (pte_has_sxstatus(hart->mvendorid) && hart->sxstatus & SXSTATUS_MAEE)
		return PTE_TYPES_THEAD;
	return hart->svpbmt ? PTE_TYPES_SVPBMT : PTE_TYPES_NONE;
}

void pte_set_types(enum pte_types new_types)
{
	types = new_types;
}

const char *pte_types_name(void)
{
	return types == PTE_TYPES_THEAD ? "XTheadMae" : types == PTE_TYPES_SVPBMT ? "Svpbmt" : NULL;
}

static uint64_t type_bits(unsigned int flags)
{
	bool device = flags & PG_DEVICE;

	switch (types) {
	case PTE_TYPES_THEAD:
		return device ? THEAD_DEVICE : THEAD_MEMORY;
	case PTE_TYPES_SVPBMT:
		return device ? PTE_SVPBMT_IO : 0;
	default:
		return 0;
	}
}

uint64_t pte_leaf(phys_addr_t addr, unsigned int flags, unsigned int level)
{
	uint64_t pte = (addr >> PAGE_SHIFT) << PTE_PPN_SHIFT | PTE_V | PTE_A | PTE_D;

	(void)level; /* a leaf is a leaf at every level */
	pte |= flags & PG_READ ? PTE_R : 0;
	pte |= flags & PG_WRITE ? PTE_W : 0;
	pte |= flags & PG_EXEC ? PTE_X : 0;
	pte |= flags & PG_DEVICE ? PTE_RSW_DEV : 0;
	return pte | type_bits(flags);
}

uint64_t pte_table(const void *table)
{
	return (virt_to_phys(table) >> PAGE_SHIFT) << PTE_PPN_SHIFT | PTE_V;
}

bool pte_is_table(uint64_t pte, unsigned int level)
{
	(void)level;
	return !(pte & (PTE_R | PTE_W | PTE_X));
}

phys_addr_t pte_addr(uint64_t pte)
{
	return (pte >> PTE_PPN_SHIFT & PTE_PPN_MASK) << PAGE_SHIFT;
}

unsigned int pte_flags(uint64_t pte)
{
	if (!(pte & PTE_V))
		return 0;
	return (pte & PTE_R ? PG_READ : 0) | (pte & PTE_W ? PG_WRITE : 0) |
	       (pte & PTE_X ? PG_EXEC : 0) | (pte & PTE_RSW_DEV ? PG_DEVICE : 0);
}
