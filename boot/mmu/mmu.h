/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu.h: what is mapped, and how. Every address is mapped to itself or not at all, but for memory
 * that is shared with a device without the caches (mmu_map_uncached()):
 *
 *   image: text read and execute; constants read; data, .bss, stacks read and write
 *   the device tree, wherever it is: read
 *   all other memory of memblock, reserved or free: read and write
 *   device registers, once a driver asks for them: read and write, as device memory
 *   address 0, the guard pages below the stacks, `no-map` memory, everything else: not mapped
 *
 * Nothing is both writable and executable.
 */
#ifndef BOOT_MMU_H
#define BOOT_MMU_H

#include <quarry/types.h>

#include "boot/mmu/pgtable.h"

/*
 * mmu_probe() - learn how far this CPU's page tables can reach, and keep memblock's own allocations
 * below.
 * Context: boot, MMU off or identity mapped, before memblock is filled.
 */
void mmu_probe(void);

/*
 * mmu_init() - drop memory that no page table can reach (one line each bank), build the tables and
 * switch this CPU to them. Panics if the image or the device tree is out of reach or there is no
 * memory for the tables.
 * Context: boot, memblock filled, before mm_init(). Cost: that of pgtable_map() over the memory
 * map: an entry for each GiB, and a table for each GiB and 2 MiB in which mappings differ.
 */
void mmu_init(void);

/*
 * smp_find_guard() - what is asked of boot/cpu: is addr in a guard page below another CPU's stacks?
 * *end comes down to where that may change. Bound 40. Context: any.
 */
bool smp_find_guard(phys_addr_t addr, phys_addr_t *end);

/*
 * mmu_enable_this_cpu() - the same tables on another CPU, whose code runs at its physical address.
 */
void mmu_enable_this_cpu(void);

/*
 * mmu_map_memory() - map what is left unmapped of [start, end), whole pages, as memory: guard pages
 * that are not needed any more. 0, or pgtable_map()'s error. Context: boot after mmu_init(),
 * thread.
 */
int mmu_map_memory(phys_addr_t start, phys_addr_t end);

/* mmu_live_tables() - the live tables, for boot/mmu/mmu_unmap.c to change. */
struct pgtable *mmu_live_tables(void);

/*
 * mmu_enabled() - mmu_init() has done its work; false too where the CPU has no MMU. Context: any.
 */
bool mmu_enabled(void);

/* The live tables; root is NULL before mmu_init(). */
const struct pgtable *mmu_pgtable(void);

/* "Sv39", "48-bit"; what mmu_init() chose. */
const char *mmu_mode(void);

/*
 * ioremap() - make device registers usable: whole pages around [addr, addr + size), at their own
 * address. NULL after one line of log if a part is memory, beyond reach, or no page for a table
 * is left. Undone by mmu_unmap_devices() alone, as devices share pages. Context: boot after
 * mmu_init(), thread.
 */
void *ioremap(phys_addr_t addr, size_t size);

/*
 * mmu_unmap_devices() - no driver is bound any more: undo every ioremap(), so that an access is
 * noticed, and give the pages of the tables back. What the firmware's console needs stays.
 * Context: thread, one CPU at a time.
 */
void mmu_unmap_devices(void);

/*
 * mmu_map_uncached() - a second address for memory, whole pages at addr, that the CPUs' caches
 * pass over, for a device that does not look into them. The caller has flushed the caches
 * (cache_flush()) and uses this address alone until mmu_unmap_uncached(). NULL: this instruction
 * set has no such mapping, the MMU is off, or there is no page for a table. Context: thread.
 * Cost: that of pgtable_map(); unmapping makes all CPUs forget all translations.
 */
void *mmu_map_uncached(phys_addr_t addr, size_t size);
void mmu_unmap_uncached(void *start, size_t size);

/*
 * mmu_uncached_offset() - how far above the memory its uncached address is; 0: it has none.
 * Context: any.
 */
phys_addr_t mmu_uncached_offset(void);

/*
 * mmu_describe() - what the page at addr is: "text", "stack guard", "no-map memory", ..., NULL for
 * nothing known; and if end is not NULL, where that may change at the earliest. Says what it ought
 * to be; how it is mapped is in the tables. Context: any.
 */
const char *mmu_describe(phys_addr_t addr, phys_addr_t *end);

/* mmu_flags_text() - PG_* in words: "read, execute"; "not mapped" for 0. */
const char *mmu_flags_text(unsigned int flags);

/*
 * mmu_report() - the line of a trap report that names the page of addr and how the live tables map
 * it.
 */
void mmu_report(phys_addr_t addr);

/*
 * mmu_policy() - the PG_* flags that the page at addr ought to have, registers of devices left out,
 * and where that may change at the earliest. Bound 400. Context: any.
 */
unsigned int mmu_policy(phys_addr_t addr, phys_addr_t *end);

/* ---- the instruction set's part: boot/<isa>/mmu.c -------------------------------------------- */

/*
 * mmu_arch_reach() - the first address that this CPU's widest tables cannot map; 0: it has none
 * that reach the image. scratch: a zeroed page to find out with; zeroed on return.
 */
phys_addr_t mmu_arch_reach(uint64_t *scratch);

/*
 * mmu_arch_select() - set levels, max_leaf, reach of the narrowest tables that reach end. Returns
 * their name.
 */
const char *mmu_arch_select(struct pgtable *pgt, phys_addr_t end);

/* mmu_console() - the registers that print before any driver and in the last words; 0: none. */
phys_addr_t mmu_console(void);

/* mmu_arch_enable() - this CPU walks pgt from now on, whatever it walked before. */
void mmu_arch_enable(const struct pgtable *pgt);

/*
 * mmu_arch_uncached_offset() - see mmu_uncached_offset(); a power of two, and at least the reach.
 */
phys_addr_t mmu_arch_uncached_offset(void);

/*
 * mmu_arch_forget() - no CPU has a translation cached that the tables do not have; false: one may.
 */
bool mmu_arch_forget(void);

/*
 * mmu_arch_sync() - entries that became valid are seen by all CPUs' later accesses. Context:
 * thread.
 */
void mmu_arch_sync(void);

/*
 * mmu_arch_online() - this CPU, which had the tables before, is online from now on: it sees what
 * was mapped meanwhile.
 */
void mmu_arch_online(void);

#endif
