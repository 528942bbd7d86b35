/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.c: cache-block management by Zicbom (RISC-V CMO specification 1.0), where every CPU of
 * the tree has it and the firmware has enabled it for S-mode (menvcfg.CBCFE, menvcfg.CBIE), which
 * only trying it tells.
 */
#include "boot/mmu/cache.h"

#include <libfdt.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/dt/of.h"
#include "boot/cpu/trap_expect.h"

#define CBO_INVAL "0"
#define CBO_CLEAN "1"
#define CBO_FLUSH "2"

/*
 * opcode MISC-MEM, funct3 2 (CBO), rd 0: written out, for assemblers that do not know the
 * extension
 */
#define CBO(operation, addr) \
	__asm__ volatile(".insn i 0x0f, 2, x0, %0, " operation ::"r"(addr) : "memory")

static unsigned int block;	  /* bytes; 0: none */
static const char *reason;	  /* why there are none; NULL: not looked yet, or there are */
static char probe_area[2 * 4096]; /* has one whole block of any size the probe accepts */

/* The block size all CPUs agree on; 0: not all have the extension, or they do not agree. */
static unsigned int block_of_cpus(const void *fdt)
{
	int cpus = fdt_path_offset(fdt, "/cpus"), cpu;
	uint32_t common = 0;

	fdt_for_each_subnode (cpu, fdt, cpus) {
		const char *type = fdt_getprop(fdt, cpu, "device_type", NULL);
		uint32_t size = of_u32(fdt, cpu, "riscv,cbom-block-size", 0);

		if (!type || strcmp(type, "cpu") != 0 || !of_is_enabled(fdt, cpu))
			continue;
		if (!of_cpu_has_isa(fdt, cpu, "zicbom") || size < 8 || size > PAGE_SIZE ||
		    size & (size - 1) || (common && size != common))
			return 0;
		common = size;
	}
	return common;
}

static void try_all(uintptr_t addr)
{
	CBO(CBO_CLEAN, addr);
	CBO(CBO_FLUSH, addr);
	CBO(CBO_INVAL, addr);
}

unsigned int cache_line(const char **why)
{
	struct trap_record record;

	if (!block && !reason) {
		unsigned int size = block_of_cpus(boot_info.fdt);

		if (size == 0)
			reason = "not every CPU has Zicbom";
		else if (trap_expect(try_all, ALIGN_UP((uintptr_t)probe_area, (uintptr_t)size),
				     &record))
			reason = "the firmware does not let S-mode use Zicbom";
		else
			block = size;
	}
	*why = reason;
	return block;
}

/* The fence orders what comes before the operations and after them, device registers too. */
#define FOR_EACH_BLOCK(operation, start, size)                                                  \
	do {                                                                                    \
		uintptr_t end = (uintptr_t)(start) + (size);                                    \
		if (block == 0)                                                                 \
			return;                                                                 \
		for (uintptr_t at = ALIGN_DOWN((uintptr_t)(start), (uintptr_t)block); at < end; \
		     at += block)                                                               \
			CBO(operation, at);                                                     \
		__asm__ volatile("fence iorw, iorw" ::: "memory");                              \
	} while (0)

void cache_clean(const void *start, size_t size)
{
	FOR_EACH_BLOCK(CBO_CLEAN, start, size);
}

void cache_flush(const void *start, size_t size)
{
	FOR_EACH_BLOCK(CBO_FLUSH, start, size);
}

void cache_invalidate(const void *start, size_t size)
{
	FOR_EACH_BLOCK(CBO_INVAL, start, size);
}
