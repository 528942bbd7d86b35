/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu.c: RISC-V page tables: Sv39, Sv48 and Sv57 (privileged specification, chapter
 * "Supervisor-Level ISA").
 *
 * The identity map uses the lower half of the virtual addresses only: the upper half is
 * sign-extended and meets no physical address. So Sv39 reaches 256 GiB, Sv48 128 TiB, Sv57 64 PiB.
 * Device memory needs no attribute: the physical memory attributes say what it is.
 */
#include "boot/mmu/mmu.h"

#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/riscv64/sbi.h"
#include "boot/cpu/smp.h"

#define PTE_V		0x01ULL
#define PTE_R		0x02ULL
#define PTE_W		0x04ULL
#define PTE_X		0x08ULL
#define PTE_A		0x40ULL	 /* accessed and dirty are set from the start: */
#define PTE_D		0x80ULL	 /* hardware may fault instead of setting them */
#define PTE_RSW_DEV	0x100ULL /* a bit left to software: device registers */
#define PTE_PPN_SHIFT	10
#define PTE_PPN_MASK	((1ULL << 44) - 1)

#define SATP_MODE_SHIFT 60

static const struct mode {
	const char *name;
	unsigned int satp; /* satp.MODE */
	unsigned int levels;
} modes[] = {
	{"Sv39", 8, 3},
	{"Sv48", 9, 4},
	{"Sv57", 10, 5},
};
#define NR_MODES (sizeof(modes) / sizeof(modes[0]))

uint64_t pte_leaf(phys_addr_t addr, unsigned int flags, unsigned int level)
{
	uint64_t pte = (addr >> PAGE_SHIFT) << PTE_PPN_SHIFT | PTE_V | PTE_A | PTE_D;

	(void)level; /* a leaf is a leaf at every level */
	pte |= flags & PG_READ ? PTE_R : 0;
	pte |= flags & PG_WRITE ? PTE_W : 0;
	pte |= flags & PG_EXEC ? PTE_X : 0;
	pte |= flags & PG_DEVICE ? PTE_RSW_DEV : 0;
	return pte;
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

static phys_addr_t mode_reach(const struct mode *mode)
{
	return (phys_addr_t)1 << (PAGE_SHIFT + 9 * mode->levels - 1);
}

static uint64_t make_satp(const struct mode *mode, const uint64_t *root)
{
	return (uint64_t)mode->satp << SATP_MODE_SHIFT | virt_to_phys(root) >> PAGE_SHIFT;
}

static void write_satp(uint64_t value)
{
	/* the first fence orders the stores to the tables before the walks */
	__asm__ volatile("sfence.vma\n\tcsrw satp, %0\n\tsfence.vma" ::"r"(value) : "memory");
}

/*
 * Does the CPU have this mode? Writing an unknown mode to satp changes nothing. A known one is in
 * force at once, so the image is mapped by two of the root's largest entries meanwhile.
 */
static bool mode_works(const struct mode *mode, uint64_t *scratch)
{
	unsigned int level = mode->levels - 1, shift = PAGE_SHIFT + 9 * level;
	phys_addr_t first = boot_info.image_base >> shift,
		    last = (boot_info.image_end - 1) >> shift;
	uint64_t value = make_satp(mode, scratch), got;

	if (boot_info.image_end > mode_reach(mode))
		return false;
	scratch[first] = pte_leaf(first << shift, PG_READ | PG_WRITE | PG_EXEC, level);
	scratch[last] = pte_leaf(last << shift, PG_READ | PG_WRITE | PG_EXEC, level);
	write_satp(value);
	__asm__ volatile("csrr %0, satp" : "=r"(got)::"memory");
	write_satp(0);
	scratch[first] = 0;
	scratch[last] = 0;
	return got == value;
}

phys_addr_t mmu_arch_reach(uint64_t *scratch)
{
	for (unsigned int i = NR_MODES; i-- > 0;)
		if (mode_works(&modes[i], scratch))
			return mode_reach(&modes[i]);
	return 0;
}

const char *mmu_arch_select(struct pgtable *pgt, phys_addr_t end)
{
	const struct mode *mode = modes;

	/* a CPU with a wider mode has the narrower ones */
	while (mode_reach(mode) < end && mode < modes + NR_MODES - 1)
		mode++;
	pgt->levels = mode->levels;
	pgt->max_leaf = mode->levels - 1;
	pgt->reach = mode_reach(mode);
	return mode->name;
}

void mmu_arch_enable(const struct pgtable *pgt)
{
	const struct mode *mode = modes;

	while (mode->levels != pgt->levels)
		mode++;
	write_satp(make_satp(mode, pgt->root));
}

void mmu_arch_sync(void)
{
	__asm__ volatile("sfence.vma" ::: "memory");
}

/*
 * Only Svpbmt lets page tables say that memory is not cached, and firmware has to enable it
 * (menvcfg.PBMTE). The cores this runs on look into their caches for every device.
 */
phys_addr_t mmu_arch_uncached_offset(void)
{
	return 0;
}

bool mmu_arch_forget(void)
{
	bool all = true;

	__asm__ volatile("sfence.vma" ::: "memory");
	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++)
		if (cpu != port_pcpu()->cpu && smp_online(cpu))
			all = sbi_remote_sfence_vma((unsigned long)smp_hart(cpu)) && all;
	return all;
}
