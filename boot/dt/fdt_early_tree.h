/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_tree.h: what the tree says about memory, read but not yet acted upon.
 *
 * Each walk calls fn once a region and stops at the first nonzero return, which it passes on. A
 * property that cannot be read stops it too: one line of log that names the node, and -EINVAL.
 * Regions are cut to the physical address width; empty ones and those wholly beyond are left out.
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

/* How many cells an address and a size take in a node's children. */
struct fdt_cells {
	int addr;
	int size;
};

/* ---- reading ---- */

/* The cells a node prescribes; -EINVAL unless both are 1 or 2. */
int fdt_tree_cells(const struct fdt_tree *tree, int node, struct fdt_cells *cells);

/* n cells (1 or 2) as one number. */
uint64_t fdt_tree_read_cells(const void *p, int n);

/* A property that lists (address, size) pairs. 1 found, 0 absent, -EINVAL wrong length. */
int fdt_tree_ranges(const struct fdt_tree *tree, int node, const char *name, struct fdt_cells cells,
		    const void **ranges, int *count);
void fdt_tree_read_range(const void *ranges, struct fdt_cells cells, int n, phys_addr_t *base,
			 phys_addr_t *size);

/* status is absent, "okay" or "ok". */
bool fdt_tree_available(const struct fdt_tree *tree, int node);

/* Cut a region to the physical address width. False when nothing is left of it. */
bool fdt_tree_clip(const struct fdt_tree *tree, const char *what, phys_addr_t base,
		   phys_addr_t *size);

/* The node's full path, for messages; valid until the next call. */
const char *fdt_tree_path(const struct fdt_tree *tree, int node);

/* ---- walking ---- */

struct fdt_bank {
	int node;
	phys_addr_t base; /* not rounded to pages */
	phys_addr_t size;
	enum memblock_flags flags; /* MEMBLOCK_HOTPLUG or none */
};

/*
 * Memory: children of the root with device_type "memory", or named memory or memory@... and
 * without device_type (nuvoton-npcm845-evb); status disabled left out; cut to /chosen's
 * linux,usable-memory-range when that is there.
 */
int fdt_tree_each_bank(const struct fdt_tree *tree,
		       int (*fn)(const struct fdt_bank *bank, void *ctx), void *ctx);

/* Memory reservation block, children of /reserved-memory with reg, the blob, the initrd. */
int fdt_tree_each_static(const struct fdt_tree *tree,
			 int (*fn)(const struct fdt_early_resv *resv, void *ctx), void *ctx);

/* A child of /reserved-memory with size and without reg. */
struct fdt_dynamic {
	int node;
	phys_addr_t size;  /* rounded up to pages */
	phys_addr_t align; /* a power of two, at least a page */
	bool nomap;
	bool reusable;
};

int fdt_tree_each_dynamic(const struct fdt_tree *tree,
			  int (*fn)(const struct fdt_dynamic *dyn, void *ctx), void *ctx);

/*
 * The n-th of the node's alloc-ranges. 1 and [*start, *end); 0 when there is no n-th; a node
 * without the property has one range, all memory. An empty range has *start == *end.
 */
int fdt_tree_alloc_range(const struct fdt_tree *tree, int node, int n, phys_addr_t *start,
			 phys_addr_t *end);

#endif
