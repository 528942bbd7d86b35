/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_model.h: memblock as a map of bytes, for fuzz_memblock.c. Nothing here is clever: each question is
 * answered by a walk over all bytes.
 *
 * The space is [0, LOW_END) and the last HIGH_SIZE bytes of the address space, backed by the host; what
 * lies between is one cell, which can be reserved but is never memory. So a cell is a byte, but for
 * one, and the end of the last cell is the end of the address space.
 */
#ifndef QUARRY_MEMBLOCK_MODEL_H
#define QUARRY_MEMBLOCK_MODEL_H

#include <stdbool.h>

#include <quarry/memblock.h>

#define LOW_END	  16384u
#define HIGH_SIZE 8192u
#define CELLS	  (LOW_END + 1 + HIGH_SIZE)

/* What a cell is; the first three bits are the flags by which memory regions differ. */
enum {
	MEMORY = 1,
	HOTPLUG = 2,
	NOMAP = 4,
	RESERVED = 8,
};
#define MEMORY_BITS (MEMORY | HOTPLUG | NOMAP)

struct model {
	unsigned char cell[CELLS];
};

/* Cells [from, to). */
struct cells {
	unsigned int from, to;
};

phys_addr_t addr_of(unsigned int cell);
unsigned int cell_of(phys_addr_t addr); /* of an address where a cell begins */
/* The cells of [base, base + size), cut at the top of the address space. */
struct cells cells_of(phys_addr_t base, phys_addr_t size);

/* Set and clear bits in those cells that have all bits of `only`. */
void model_set(struct model *map, struct cells range, int set, int clear, int only);

/* The regions of `memory` (bits MEMORY_BITS) or `reserved` (RESERVED), as the array must list them. */
struct regions {
	unsigned int cnt;
	struct memblock_region region[CELLS];
};
void model_regions(const struct model *map, int bits, struct regions *regions);

/*
 * The most regions that a change of one array in one pass has too many at any moment, against those it
 * has read: it reads old ones in ascending order, and a new one is complete when the next begins.
 */
unsigned int most_ahead(const struct regions *old, const struct regions *new);

/* Where memory may be looked for. */
struct bounds {
	phys_addr_t low, high; /* within these */
	struct cells avoid;    /* and outside these */
	phys_addr_t trim;      /* in memory that rounding inward to this keeps */
};

/*
 * until[c]: how many cells from c on are free, in one memory region and within the bounds. Page 0 is never
 * free.
 */
void model_free(const struct model *map, const struct bounds *bounds, unsigned int until[CELLS]);

/* The highest, or lowest, aligned place of so many free bytes in [start, end); 0: there is none. */
phys_addr_t model_find(const unsigned int until[CELLS], phys_addr_t size, phys_addr_t align,
		       phys_addr_t start, phys_addr_t end, bool bottom_up);

/* Are there places for both sizes at once, each at a multiple of align? 0 needs none. */
bool model_has_both(const unsigned int until[CELLS], phys_addr_t a, phys_addr_t b,
		    phys_addr_t align);

#endif
