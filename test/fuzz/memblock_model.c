/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_model.c: see memblock_model.h.
 */
#include "test/fuzz/memblock_model.h"

#include <string.h>

/* ---- cells ---- */

phys_addr_t addr_of(unsigned int cell)
{
	return cell <= LOW_END ? cell : (phys_addr_t)0 - HIGH_SIZE + (cell - LOW_END - 1);
}

unsigned int cell_of(phys_addr_t addr)
{
	return addr <= LOW_END ? (unsigned int)addr
			       : (unsigned int)(addr + HIGH_SIZE) + LOW_END + 1;
}

struct cells cells_of(phys_addr_t base, phys_addr_t size)
{
	phys_addr_t end = size < PHYS_ADDR_MAX - base ? base + size : PHYS_ADDR_MAX;

	return (struct cells){cell_of(base), cell_of(end)};
}

void model_set(struct model *map, struct cells range, int set, int clear, int only)
{
	for (unsigned int c = range.from; c < range.to; c++)
		if ((map->cell[c] & only) == only)
			map->cell[c] = (unsigned char)((map->cell[c] | set) & ~clear);
}

/* ---- regions ---- */

/* The first cell from c on that differs in these bits. */
static unsigned int end_of_run(const struct model *map, unsigned int c, int bits)
{
	const uint64_t ones = 0x0101010101010101;
	int same = map->cell[c] & bits;

	while (++c < CELLS && (map->cell[c] & bits) == same) {
		uint64_t eight;

		/* Eight at a time where that many are alike. */
		while (c + 16 < CELLS) {
			memcpy(&eight, &map->cell[c + 1], sizeof(eight));
			if ((eight & ones * (unsigned int)bits) != ones * (unsigned int)same)
				break;
			c += 8;
		}
	}
	return c;
}

void model_regions(const struct model *map, int bits, struct regions *regions)
{
	regions->cnt = 0;
	for (unsigned int c = 0, next; c < CELLS; c = next) {
		int cell = map->cell[c] & bits;

		next = end_of_run(map, c, bits);
		if (!(cell & (MEMORY | RESERVED)))
			continue;
		regions->region[regions->cnt++] = (struct memblock_region){
			.base = addr_of(c),
			.size = addr_of(next) - addr_of(c),
			.flags = (cell & HOTPLUG ? MEMBLOCK_HOTPLUG : 0u) |
				 (cell & NOMAP ? MEMBLOCK_NOMAP : 0u),
		};
	}
}

unsigned int most_ahead(const struct regions *old, const struct regions *new)
{
	unsigned int ahead = new->cnt > old->cnt ? new->cnt - old->cnt : 0, complete = 0;

	for (unsigned int read = 1; read <= old->cnt; read++) {
		const struct memblock_region *next = &old->region[read - 1];

		while (complete <
		       new->cnt &&new->region[complete].base + new->region[complete].size <=
		       next->base)
			complete++;
		if (complete > read + ahead)
			ahead = complete - read;
	}
	return ahead;
}

/* ---- places ---- */

void model_free(const struct model *map, const struct bounds *bounds, unsigned int until[CELLS])
{
	memset(until, 0, CELLS * sizeof(until[0]));
	for (unsigned int c = 0, end; c < CELLS; c = end) {
		phys_addr_t low = ALIGN_UP(addr_of(c), bounds->trim), high;

		end = end_of_run(map, c, MEMORY_BITS);
		high = ALIGN_DOWN(addr_of(end), bounds->trim);
		if ((map->cell[c] & (MEMORY | NOMAP)) != MEMORY || low < addr_of(c))
			continue;
		for (unsigned int i = end; i-- > c;) {
			phys_addr_t addr = addr_of(i);

			if (map->cell[i] & RESERVED || addr < PAGE_SIZE || addr < low ||
			    addr >= high || addr < bounds->low || addr >= bounds->high ||
			    (i >= bounds->avoid.from && i < bounds->avoid.to))
				continue;
			until[i] = 1 + (i + 1 < end ? until[i + 1] : 0);
		}
	}
}

phys_addr_t model_find(const unsigned int until[CELLS], phys_addr_t size, phys_addr_t align,
		       phys_addr_t start, phys_addr_t end, bool bottom_up)
{
	phys_addr_t found = 0;

	for (unsigned int c = 0; c < CELLS && !(bottom_up && found); c++) {
		phys_addr_t addr = addr_of(c);

		if (until[c] && until[c] >= size && !(addr & (align - 1)) && addr >= start &&
		    addr < end && end - addr >= size)
			found = addr;
	}
	return found;
}

bool model_has_both(const unsigned int until[CELLS], phys_addr_t a, phys_addr_t b,
		    phys_addr_t align)
{
	unsigned int for_a = 0, for_b = 0, for_either = 0;

	for (unsigned int c = 0; c < CELLS; c++) { /* runs of free cells */
		phys_addr_t skip = ALIGN_UP(addr_of(c), align) - addr_of(c), run = until[c];

		if (!run || (c && until[c - 1] == run + 1))
			continue;
		run = run > skip ? run - skip : 0;
		if (run >= a + b)
			return true;
		for_a += run >= a;
		for_b += run >= b;
		for_either += run >= a || run >= b;
	}
	/* Else each needs a run of its own. */
	return for_a && for_b && for_either > 1;
}
