/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early.h: from the flattened device tree to memblock, before anything else runs.
 *
 * Boot order (boot/main.c):
 *   1. memblock_reserve() the image and its stacks. The image comes first, so that nothing
 *      fdt_early_init() places itself can land on it.
 *   2. fdt_early_init(): memory, reservations, the blob, the initrd, dynamic reservations.
 *   3. On RISC-V under SBI, fdt_early_check_firmware().
 * Context: boot, one CPU. Cost: n log n in the size of the tree, never that of memory.
 */
#ifndef QUARRY_FDT_EARLY_H
#define QUARRY_FDT_EARLY_H

#include <quarry/types.h>

/* The largest device tree that is accepted, bytes (Linux's MAX_FDT_SIZE). */
#define FDT_EARLY_MAX_SIZE ((size_t)2 << 20)

/* fdt_phys when the blob has no place in the machine's memory (host tools): it is not reserved. */
#define FDT_EARLY_NOWHERE PHYS_ADDR_MAX

/* Dynamic reservations that can be remembered; more than these are left out, as Linux does. */
#define FDT_EARLY_MAX_DYNAMIC 64

/*
 * Entries a tree may have of a kind, empty ones included: memory ranges, usable memory ranges,
 * static reservations, alloc-ranges. This bounds the time boot takes, and the tables it needs.
 */
#define FDT_EARLY_MAX_REGIONS 4096

/* The longest name of a property (the specification allows 31 characters, 2.2.4). */
#define FDT_EARLY_MAX_NAME 255

/*
 * Is this a whole, well-formed device tree? avail is the number of bytes known to be readable at
 * fdt, or SIZE_MAX when only the tree itself can tell (then nothing past its totalsize is read).
 * 0, or after one line of log: -ENOENT (no tree: NULL), -EINVAL (misaligned, wrong magic,
 * truncated, corrupt), -E2BIG (larger than FDT_EARLY_MAX_SIZE).
 */
int fdt_early_check(const void *fdt, size_t avail);

/* The same without a word. */
bool fdt_early_is_whole(const void *fdt);

/*
 * For a message about a damaged tree: call fn for each node that lies before the damage with all
 * its properties, so that libfdt can read it and its parents. Stops at the first nonzero return
 * and returns it, else 0 or the error of fdt_early_check().
 */
int fdt_early_each_sound_node(const void *fdt, int (*fn)(const void *fdt, int node, void *ctx),
			      void *ctx);

/*
 * Check the tree at fdt (its physical address: fdt_phys) and put its memory and reservations into
 * memblock. What is dropped, clipped or odd is logged, one line each, 20 of a kind at most and then
 * how many more. What Linux leaves out is left out: a child of /reserved-memory whose properties
 * cannot be read, all of them if #address-cells or #size-cells there is not 1 to 4, an initrd or
 * linux,elfcorehdr that is no range, what is left of a memory node's reg after its whole entries,
 * dynamic reservations beyond FDT_EARLY_MAX_DYNAMIC or without room.
 *
 * What stops the boot, after one line: the errors of fdt_early_check(); -EINVAL: the root's cells
 * are not 1 to 4, or linux,usable-memory-range is no list of ranges; -E2BIG: more than
 * FDT_EARLY_MAX_REGIONS of a kind (after these nothing has changed); -ENODEV: no usable memory (the
 * static reservations are in memblock then); -ENOMEM: more regions than memory can be found to
 * list (memblock holds a part of the map, fit for a report and nothing else).
 *
 * fdt must stay readable as long as fdt_early_each_reserved() or fdt_early_check_firmware() is
 * used.
 * Bound: n log n in the size of the tree.
 */
int fdt_early_init(const void *fdt, phys_addr_t fdt_phys);

/*
 * Under SBI, M-mode firmware lives in memory that the tree should reserve, by custom at the start
 * of the bank the image was loaded to. If the tree reserves nothing between the start of that bank
 * and image_start, log a warning and reserve the gap as no-map, 2 MiB of it at most. Returns 0, 1 when
 * it had to reserve, or -ENOMEM. Call after fdt_early_init().
 */
int fdt_early_check_firmware(phys_addr_t image_start);

/* What a reservation is, for reports. */
enum fdt_early_kind {
	FDT_EARLY_MEMRESERVE, /* an entry of the memory reservation block */
	FDT_EARLY_STATIC,     /* a child of /reserved-memory with reg */
	FDT_EARLY_DYNAMIC,    /* a child of /reserved-memory with size, now placed */
	FDT_EARLY_BLOB,	      /* the device tree itself */
	FDT_EARLY_INITRD,
	FDT_EARLY_ELFCOREHDR, /* the header of a crashed kernel's memory */
	FDT_EARLY_KEXEC,      /* measurements another kernel left (linux,ima-kexec-buffer) */
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
