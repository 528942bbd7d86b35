/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_tree.h: what the tree says about memory, read but not yet acted upon.
 *
 * Each walk calls fn once a region and stops at the first nonzero return, which it passes on. What
 * cannot be read is left out, with a line of log, where Linux leaves it out; the header of
 * fdt_early_init() says what stops a walk. Regions are cut to the physical address width; empty
 * ones and those wholly beyond are left out, but counted: each entry of a list counts against
 * FDT_EARLY_MAX_REGIONS. Bound: linear in the tree.
 */
#ifndef QUARRY_FDT_EARLY_TREE_H
#define QUARRY_FDT_EARLY_TREE_H

#include "fdt_early.h"
#include <quarry/memblock.h>

/* First address beyond the physical address width. */
#define PHYS_LIMIT ((phys_addr_t)1 << CONFIG_PHYS_BITS)

struct fdt_tree {
	const void *fdt;      /* has passed fdt_early_check() */
	phys_addr_t fdt_phys; /* or FDT_EARLY_NOWHERE */
	bool log;	      /* report what is left out or cut: true in one walk of each kind */
};

/* ---- reading ------------------------------------------------------------------------------- */

#define FDT_TREE_MAX_CELLS 4 /* of an address or a size; libfdt's limit too */

/* How many cells an address and a size take in a node's children. */
struct fdt_cells {
	int addr;
	int size;
};

/* A property that lists (address, size) pairs; count is 0 where it is absent. */
struct fdt_pairs {
	const void *at;
	int count; /* of whole ones */
	int len;   /* of the property, bytes */
	struct fdt_cells cells;
};

/* The n-th pair. A number that 64 bits do not hold is UINT64_MAX. */
void fdt_tree_read_pair(const struct fdt_pairs *pairs, int n, phys_addr_t *base, phys_addr_t *size);

/* Cut a region to the physical address width. False when nothing is left of it. */
bool fdt_tree_clip(const struct fdt_tree *tree, const char *what, phys_addr_t base,
		   phys_addr_t *size);

/* "parent/name", for messages; valid until the next call. */
const char *fdt_tree_path(const struct fdt_tree *tree, const char *parent, int node);

/* For fdt_early_reserved.c: see fdt_early_tree.c. */
int fdt_tree_cells(const struct fdt_tree *tree, int node, struct fdt_cells *cells);
int fdt_tree_pairs(const struct fdt_tree *tree, int node, const char *name,
		   struct fdt_pairs *pairs);
const char *fdt_tree_misfit(const char *name, const struct fdt_pairs *pairs);
bool fdt_tree_available(const struct fdt_tree *tree, int node);
uint64_t fdt_tree_read_cells(const void *p, int n);
int fdt_tree_count(unsigned long *count, const char *what);

/* ---- walking ------------------------------------------------------------------------------- */

struct fdt_bank {
	int node;
	phys_addr_t base; /* not rounded to pages */
	phys_addr_t size;
	enum memblock_flags flags; /* MEMBLOCK_HOTPLUG or none */
};

/*
 * Memory: children of the root with device_type "memory" (3.4), or named memory or memory@...
 * without device_type and without compatible (nuvoton-npcm845-evb; an SRAM of that name has a
 * compatible); status disabled left out. linux,usable-memory-range is not applied.
 */
int fdt_tree_each_bank(const struct fdt_tree *tree,
		       int (*fn)(const struct fdt_bank *bank, void *ctx), void *ctx);

/*
 * The ranges of /chosen's linux,usable-memory-range. Returns 1 if the property is there, so that
 * nothing else may be used; 0: there is none.
 */
int fdt_tree_each_usable(const struct fdt_tree *tree,
			 int (*fn)(phys_addr_t base, phys_addr_t size, void *ctx), void *ctx);

/*
 * Memory reservation block, children of /reserved-memory with reg, the blob, the initrd, what
 * another kernel left behind.
 */
int fdt_tree_each_static(const struct fdt_tree *tree,
			 int (*fn)(const struct fdt_early_resv *resv, void *ctx), void *ctx);

/* A child of /reserved-memory with size and without reg. */
struct fdt_dynamic {
	int node;
	phys_addr_t size;  /* rounded up to pages */
	phys_addr_t align; /* a power of two, at least a page */
	bool nomap;
	bool reusable;
	bool anywhere;		/* without alloc-ranges; with them: */
	struct fdt_pairs where; /* ranges it may lie in, in order of preference; may be empty */
};

int fdt_tree_each_dynamic(const struct fdt_tree *tree,
			  int (*fn)(const struct fdt_dynamic *dyn, void *ctx), void *ctx);

#endif
