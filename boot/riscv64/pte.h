/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte.h: how an entry of the page tables says what kind of memory it leads to. A hart leaves that
 * to the physical memory attributes, or has one of two formats for it (pte.c).
 *
 * Context: boot, before the first table is made.
 */
#ifndef BOOT_RISCV64_PTE_H
#define BOOT_RISCV64_PTE_H

#include <quarry/types.h>

enum pte_types {
	PTE_TYPES_NONE,	  /* the physical memory attributes say it all */
	PTE_TYPES_SVPBMT, /* bits 62:61 (privileged specification, "Svpbmt") */
	PTE_TYPES_THEAD,  /* bits 63:59 (T-Head, XTheadMae) */
};

/* What tells which: from the SBI's base extension, a CSR, and the device tree. */
struct pte_hart {
	unsigned long mvendorid;
	unsigned long sxstatus; /* CSR 0x5c0 of T-Head's harts; 0: there is none */
	bool svpbmt;		/* every CPU of the tree has it, and the firmware has enabled it */
};

/* Is CSR 0x5c0 this vendor's sxstatus? Another's may be anything. */
bool pte_has_sxstatus(unsigned long mvendorid);

/* The format that this hart's tables must have. Bound 20. */
enum pte_types pte_types_of(const struct pte_hart *hart);

/* pte_set_types() - what pte_leaf() writes from now on. At first PTE_TYPES_NONE. */
void pte_set_types(enum pte_types types);

/* "XTheadMae", "Svpbmt"; NULL for PTE_TYPES_NONE. */
const char *pte_types_name(void);

#endif
