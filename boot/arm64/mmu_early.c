/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu_early.c: see mmu_early.h. 4 KiB granule, 48-bit addresses, stage 1 of the EL1&0 regime
 * (Arm ARM, chapter D8); tables come from a small static pool.
 */
#include "boot/arm64/mmu_early.h"

#include <quarry/port.h>

#include "boot/arm64/layout.h"
#include "boot/boot.h"
#include "boot/dt/fdt_early_tree.h"

#define ENTRIES	    512
#define TABLES	    24 /* enough for ten banks with odd ends; beyond it memory stays unmapped */
#define BLOCK	    ((phys_addr_t)2 << 20)
#define GIB	    ((phys_addr_t)1 << 30)
#define LIMIT	    ((phys_addr_t)1 << 48)

#define DESC_VALID  1UL
#define DESC_TABLE  3UL
#define DESC_AF	    (1UL << 10)
#define DESC_INNER  (3UL << 8)
#define DESC_NOEXEC (3UL << 53) /* PXN, UXN */

/* MAIR_EL1: attribute 0 is write-back memory, 1 is Device-nGnRE, 2 is memory that is not cached */
#define MAIR   0x4404ffUL
#define NORMAL (DESC_VALID | DESC_AF | DESC_INNER)
#define DEVICE (DESC_VALID | DESC_AF | DESC_NOEXEC | 1UL << 2)

/* TCR_EL1: 48 bits for TTBR0, write-back inner-shareable walks, TTBR1 off; IPS is added */
#define TCR	      (16UL | 1UL << 8 | 1UL << 10 | 3UL << 12 | 1UL << 23)
#define TCR_IPS_SHIFT 32
#define SCTLR_SA      (1UL << 3) /* sp must be 16-byte aligned */

void mmu_early_enable(uint64_t ttbr0, uint64_t mair, uint64_t tcr, uint64_t sctlr);

static uint64_t tables[TABLES][ENTRIES] __attribute__((aligned(4096)));
static unsigned int nr_tables = 1; /* the root is the first */

/*
 * The table an entry leads to, made if it is missing; NULL for a block or when the pool is empty.
 */
static uint64_t *descend(uint64_t *entry)
{
	if (*entry)
		return (*entry & 3) == DESC_TABLE ? (uint64_t *)(*entry & 0xfffffffff000UL) : NULL;
	if (nr_tables == TABLES)
		return NULL;
	*entry = (uint64_t)tables[nr_tables] | DESC_TABLE;
	return tables[nr_tables++];
}

/*
 * Map [start, end), multiples of 2 MiB; what is mapped already stays. False if a part is left
 * unmapped.
 */
static bool map(phys_addr_t start, phys_addr_t end, uint64_t attributes)
{
	bool complete = true;

	while (start < end) {
		uint64_t *level1 = descend(&tables[0][start >> 39]);
		uint64_t *entry = level1 ? &level1[(start >> 30) % ENTRIES] : NULL;
		uint64_t *level2;

		if (entry && *entry == 0 && start % GIB == 0 && end - start >= GIB) {
			*entry = start | attributes;
			start += GIB;
			continue;
		}
		level2 = entry ? descend(entry) : NULL;
		if (level2 && level2[(start >> 21) % ENTRIES] == 0)
			level2[(start >> 21) % ENTRIES] = start | attributes;
		else if (!level2 && !(entry && *entry))
			complete = false;
		start += BLOCK;
	}
	__asm__ volatile("dsb ishst; isb" ::: "memory");
	return complete;
}

void mmu_early_init(void)
{
	phys_addr_t fdt = ALIGN_DOWN(boot_info.fdt_phys, BLOCK);
	uint64_t range;

	map(ALIGN_DOWN(boot_info.image_base, BLOCK), ALIGN_UP(boot_info.image_end, BLOCK), NORMAL);
	/* its size is not to be believed yet: as much as the largest that will be accepted */
	if (boot_info.fdt_phys != 0 && fdt < LIMIT - 2 * BLOCK)
		map(fdt, fdt + BLOCK + FDT_EARLY_MAX_SIZE, NORMAL);
	__asm__("mrs %0, id_aa64mmfr0_el1" : "=r"(range));
	range &= 15; /* PARange; beyond 48 bits needs FEAT_LPA's other descriptors */
	mmu_early_enable((uint64_t)tables[0], MAIR, TCR | (range < 5 ? range : 5) << TCR_IPS_SHIFT,
			 SCTLR_EL1_OFF | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA);
}

bool mmu_early_map_device(phys_addr_t addr)
{
	phys_addr_t start = ALIGN_DOWN(addr, BLOCK);
	uint64_t *table = tables[0];

	if (addr >= LIMIT || !map(start, start + BLOCK, DEVICE))
		return false;
	for (int shift = 39; shift >= 21; shift -= 9) {
		uint64_t entry = table[(addr >> shift) % ENTRIES];

		if ((entry & 3) != DESC_TABLE)
			return (entry & ~(LIMIT - BLOCK)) == DEVICE;
		table = (uint64_t *)(entry & 0xfffffffff000UL);
	}
	return false;
}

static int map_bank(const struct fdt_bank *bank, void *ctx)
{
	phys_addr_t end = bank->base + bank->size;

	(void)ctx;
	if (bank->base >= LIMIT - BLOCK)
		return 0;
	map(ALIGN_DOWN(bank->base, BLOCK), end < LIMIT - BLOCK ? ALIGN_UP(end, BLOCK) : LIMIT,
	    NORMAL);
	return 0;
}

void mmu_early_map_memory(const void *fdt)
{
	struct fdt_tree tree = {.fdt = fdt, .fdt_phys = boot_info.fdt_phys, .log = false};

	/* a damaged one stops the boot */
	if (!fdt || !fdt_early_is_whole(fdt))
		return;
	log_set_console(false);
	fdt_tree_each_bank(&tree, map_bank, NULL);
	log_set_console(true);
}
