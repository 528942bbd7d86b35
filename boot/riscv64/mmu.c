/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu.c: RISC-V page tables: Sv39, Sv48 and Sv57 (privileged specification, chapter
 * "Supervisor-Level ISA").
 *
 * The identity map uses the lower half of the virtual addresses only: the upper half is
 * sign-extended and meets no physical address. So Sv39 reaches 256 GiB, Sv48 128 TiB, Sv57 64 PiB.
 * The format of an entry is pte.c's.
 */
#include "boot/mmu/mmu.h"

#include <string.h>

#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/dt/of.h"
#include "boot/riscv64/pte.h"
#include "boot/riscv64/sbi.h"

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

/* ---- trying ---------------------------------------------------------------------------------- */

unsigned long satp_try(unsigned long satp, const void *addr); /* satp.S */
unsigned long sxstatus_try(void);

/*
 * The tables below the root while a mode is tried: one chain for the code of satp_try(), one for
 * what it loads. Nothing else is mapped meanwhile. Free memory again when those of mmu_init() are in
 * use (boot/main.c).
 */
#define TRY_TABLES 8
static uint64_t try_tables[TRY_TABLES][PGTABLE_ENTRIES]
	__attribute__((aligned(PAGE_SIZE), section(".scratch")));
static unsigned int nr_try_tables;
static const uint32_t try_word __attribute__((aligned(PAGE_SIZE))) = 1;

static void *alloc_try_table(void)
{
	return nr_try_tables < TRY_TABLES ? try_tables[nr_try_tables++] : NULL;
}

/* Does the hart walk tables of this mode, in which try_word is mapped with these flags? */
static bool try_mode(const struct mode *mode, uint64_t *root, unsigned int flags)
{
	struct pgtable pgt = {
		.root = root,
		.levels = mode->levels,
		.reach = mode_reach(mode),
		.alloc = alloc_try_table,
	};
	phys_addr_t code = ALIGN_DOWN((phys_addr_t)(uintptr_t)satp_try, PAGE_SIZE),
		    word = virt_to_phys(&try_word);
	uint64_t satp = make_satp(mode, root);
	bool works;

	if (boot_info.image_end > pgt.reach)
		return false;
	memset(try_tables, 0, sizeof(try_tables));
	nr_try_tables = 0;
	works = pgtable_map(&pgt, code, code + PAGE_SIZE, PG_READ | PG_EXEC) == 0 &&
		pgtable_map(&pgt, word, word + PAGE_SIZE, flags) == 0 &&
		satp_try(satp, &try_word) == satp;
	memset(root, 0, PAGE_SIZE);
	return works;
}

static int lacks_svpbmt(const void *fdt, const struct of_cpu *cpu, void *ctx)
{
	(void)ctx;
	return cpu->enabled && !of_cpu_has_isa(fdt, cpu->node, "svpbmt");
}

/*
 * Which format the tables must have, before any is walked. The firmware enables Svpbmt
 * (menvcfg.PBMTE), or a walk that meets its bits faults: so it is tried.
 */
static void find_types(const struct mode *mode, uint64_t *root)
{
	struct pte_hart hart = {.mvendorid = sbi_mvendorid()};

	if (pte_has_sxstatus(hart.mvendorid))
		hart.sxstatus = sxstatus_try();
	pte_set_types(pte_types_of(&hart));
	if (pte_types_name() || !mode || of_each_cpu(boot_info.fdt, lacks_svpbmt, NULL))
		return;
	pte_set_types(PTE_TYPES_SVPBMT);
	hart.svpbmt = try_mode(mode, root, PG_READ | PG_DEVICE);
	pte_set_types(pte_types_of(&hart));
	if (!hart.svpbmt)
		port_log("mmu: the tree has Svpbmt, the firmware has not enabled it: not used");
}

phys_addr_t mmu_arch_reach(uint64_t *scratch)
{
	const struct mode *mode = modes + NR_MODES;

	find_types(NULL, scratch);
	while (mode > modes) {
		if (!try_mode(--mode, scratch, PG_READ))
			continue;
		find_types(mode, scratch);
		if (pte_types_name())
			port_log("mmu: page-based memory types: %s", pte_types_name());
		return mode_reach(mode);
	}
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

void pgtable_arch_order(void)
{
	__asm__ volatile("fence w, w" ::: "memory");
}

/*
 * Only Svpbmt lets page tables say that memory is not cached, and firmware has to enable it
 * (menvcfg.PBMTE). The cores this runs on look into their caches for every device.
 */
phys_addr_t mmu_arch_uncached_offset(void)
{
	return 0;
}
