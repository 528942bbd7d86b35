/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pgtable.h: a tree of page tables of 512 entries of 8 bytes, as RISC-V (Sv39, Sv48, Sv57) and
 * arm64 (4 KiB granule) have it. Levels are counted from the leaves: an entry of level n spans
 * 2^(12 + 9n) bytes, so a page is level 0, 2 MiB level 1, 1 GiB level 2. The format of an entry
 * is the instruction set's (pte_*() below, boot/<isa>/pte.c); an entry of 0 is invalid on both.
 *
 * Addresses below `reach` are identity mapped or not at all; what lies beyond, as far as the
 * tables go, may be a second address of memory. Entries only ever go from invalid to valid, so
 * nothing a CPU may have cached is ever contradicted; the second addresses and device registers
 * alone may be taken back, and the caller that does so makes the CPUs forget them. Context: boot or
 * thread, one caller at a time.
 */
#ifndef BOOT_PGTABLE_H
#define BOOT_PGTABLE_H

#include <quarry/types.h>

#define PGTABLE_ENTRIES 512

/* What an access to a page may do; 0 is "not mapped". */
#define PG_READ	    0x1u
#define PG_WRITE    0x2u
#define PG_EXEC	    0x4u
#define PG_DEVICE   0x8u  /* device registers: not cached, not reordered, no speculative reads */
#define PG_UNCACHED 0x10u /* memory that caches pass over */

struct pgtable {
	uint64_t *root;
	unsigned int levels;   /* of tables: the root's entries are of level levels - 1 */
	unsigned int max_leaf; /* the highest level whose entries may map memory */
	phys_addr_t reach;     /* the first address they cannot map */
	unsigned long pages;   /* tables below the root */
	void *(*alloc)(void);  /* a zeroed page for a table; NULL if there is none */
};

/* One entry, or a run of invalid space, as the live tables have it. */
struct pgtable_range {
	phys_addr_t start, end; /* end exclusive */
	phys_addr_t output;	/* where start leads: start itself, as the map is the identity */
	unsigned int flags;	/* 0: not mapped */
};

/*
 * pgtable_map() - map [start, end), both page-aligned, with the largest entries that fit. What is
 * mapped so already stays. 0; -EBUSY: a part is mapped otherwise; -ENOMEM: no page for a table;
 * -ERANGE: beyond the tables' reach. No mapping has changed after an error; tables without entries
 * may be left. Cost: about 40 instructions an entry written, 700 a table added.
 */
int pgtable_map(struct pgtable *pgt, phys_addr_t start, phys_addr_t end, unsigned int flags);

/*
 * pgtable_map_alias() - map [start, end), which begins at or beyond pgt->reach, to the memory
 * `offset` bytes below it. Errors and cost as pgtable_map()'s.
 */
int pgtable_map_alias(struct pgtable *pgt, phys_addr_t start, phys_addr_t end, phys_addr_t offset,
		      unsigned int flags);

/*
 * pgtable_unmap_alias() - unmap what pgtable_map_alias() mapped with the same start and end.
 * Returns the tables that are empty and in use no more, each with the next one's address in its
 * first word; they may be freed when no CPU can have them cached any more. Cost: 1500
 * instructions a table.
 */
void *pgtable_unmap_alias(struct pgtable *pgt, phys_addr_t start, phys_addr_t end);

/*
 * pgtable_unmap_devices() - unmap everything below pgt->reach that is mapped as PG_DEVICE, but
 * the entry that has the address `except`. Returns tables as pgtable_unmap_alias() does. Cost:
 * 1500 instructions a table.
 */
void *pgtable_unmap_devices(struct pgtable *pgt, phys_addr_t except);

/*
 * pgtable_lookup() - the entry for addr, or the hole around it as far as one invalid entry tells.
 * Bound 150.
 */
struct pgtable_range pgtable_lookup(const struct pgtable *pgt, phys_addr_t addr);

/*
 * pgtable_arch_order() - what was stored before is seen by the walks of all CPUs before what is
 * stored after: a new table's zeroes before the entry that leads to it, or a walk finds there what
 * the memory held earlier. boot/<isa>/mmu.c. Context: any.
 */
void pgtable_arch_order(void);

/* ---- the instruction set's entry format: boot/<isa>/pte.c ------------------------------------ */

uint64_t pte_leaf(phys_addr_t addr, unsigned int flags, unsigned int level);
uint64_t pte_table(const void *table);
bool pte_is_table(uint64_t pte, unsigned int level); /* of a valid entry */
phys_addr_t pte_addr(uint64_t pte);		     /* the output address, or the next table */
unsigned int pte_flags(uint64_t pte);		     /* of a leaf: PG_* */

#endif
