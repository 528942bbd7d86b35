/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early.h: from the flattened device tree to memblock, before anything else runs.
 *
 * Boot order (boot/main.c):
 *   1. memblock_reserve() the image and its stacks. The image comes first, so that nothing
 *      fdt_early_init() places itself can land on it.
 *   2. fdt_early_init(): memory, reservations, the blob, the initrd, dynamic reservations.
 *   3. On RISC-V under SBI, fdt_early_check_firmware().
 * Context: boot, one CPU. Cost: proportional to the size of the tree, never to that of memory.
 */
#ifndef QUARRY_FDT_EARLY_H
#define QUARRY_FDT_EARLY_H

#include <quarry/types.h>

/* The largest device tree that is accepted, bytes (Linux's MAX_FDT_SIZE). */
#define FDT_EARLY_MAX_SIZE ((size_t)2 << 20)

/* fdt_phys when the blob has no place in the machine's memory (host tools): it is not reserved. */
#define FDT_EARLY_NOWHERE PHYS_ADDR_MAX

/* Dynamic reservations that can be remembered; a tree with more is refused. */
#define FDT_EARLY_MAX_DYNAMIC 64

/* Memory ranges, and static reservations, that a tree may have: this bounds the time boot takes. */
#define FDT_EARLY_MAX_REGIONS 4096

/*
 * Is this a whole, well-formed device tree? avail is the number of bytes known to be readable at
 * fdt, or SIZE_MAX when only the tree itself can tell (then nothing past its totalsize is read).
 * 0, or after one line of log: -ENOENT (no tree: NULL), -EINVAL (misaligned, wrong magic,
 * truncated, corrupt), -E2BIG (larger than FDT_EARLY_MAX_SIZE).
 */
int fdt_early_check(const void *fdt, size_t avail);

/*
 * Check the tree at fdt (its physical address: fdt_phys) and put its memory and reservations into
 * memblock. What is dropped, clipped or odd is logged, one line each; what is broken stops it with
 * one line that names the node: the errors of fdt_early_check(), -EINVAL (a property of the
 * wrong length, cells that cannot be read), -ENODEV (no usable memory; the static reservations
 * are in memblock then), -ENOMEM (more regions than memory can be found to list), -E2BIG (more
 * than FDT_EARLY_MAX_DYNAMIC or FDT_EARLY_MAX_REGIONS of a kind). After an error memblock holds a part of the
 * map, fit for a report and nothing else. fdt must stay readable as long as
 * fdt_early_each_reserved() or fdt_early_check_firmware() is used.
 */
int fdt_early_init(const void *fdt, phys_addr_t fdt_phys);

/*
 * Under SBI, M-mode firmware lives in memory that the tree should reserve, by custom at the start
 * of the bank the image was loaded to. If the tree reserves nothing between the start of that bank
 * and image_start, log a warning and reserve the gap, 2 MiB of it at most. Returns 0, 1 when it
 * had to reserve, or -ENOMEM. Call after fdt_early_init().
 */
int fdt_early_check_firmware(phys_addr_t image_start);

/* What a reservation is, for reports. */
enum fdt_early_kind {
	FDT_EARLY_MEMRESERVE, /* an entry of the memory reservation block */
	FDT_EARLY_STATIC,     /* a child of /reserved-memory with reg */
	FDT_EARLY_DYNAMIC,    /* a child of /reserved-memory with size, now placed */
	FDT_EARLY_BLOB,	      /* the device tree itself */
	FDT_EARLY_INITRD,
};

struct fdt_early_resv {
	enum fdt_early_kind kind;
	const char *name; /* the node's name, or what it is; valid as long as the tree */
	int node;	  /* the node's offset in the tree, or -1 */
	phys_addr_t base; /* as the tree says: not rounded to pages */
	phys_addr_t size;
	bool nomap;
	bool reusable;
};

/*
 * Call fn for each reservation of the tree given to fdt_early_init(), dynamic ones last and only
 * those that were placed. Stops at the first nonzero return and returns it. Context: thread.
 */
int fdt_early_each_reserved(int (*fn)(const struct fdt_early_resv *resv, void *ctx), void *ctx);

#endif
