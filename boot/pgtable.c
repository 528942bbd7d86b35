/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pgtable.c: write and read page-table trees: see pgtable.h.
 *
 * A range is walked twice: first to find conflicts and to allocate every table that is missing, then to
 * write entries, which cannot fail. So an error leaves all mappings as they were.
 */
#include "boot/pgtable.h"

#include <errno.h>
#include <quarry/port.h>

static phys_addr_t level_size(unsigned int level)
{
	return (phys_addr_t)PAGE_SIZE << (9 * level);
}

static unsigned int level_index(phys_addr_t addr, unsigned int level)
{
	return (unsigned int)(addr >> (PAGE_SHIFT + 9 * level)) % PGTABLE_ENTRIES;
}

/* The table below *pte, a new one if the entry is invalid; NULL if there is no page for it. */
static uint64_t *next_table(struct pgtable *pgt, uint64_t *pte)
{
	void *table;

	if (*pte)
		return phys_to_virt(pte_addr(*pte));
	table = pgt->alloc();
	if (!table)
		return NULL;
	pgt->pages++;
	*pte = pte_table(table);
	return table;
}

/* One table's part of [start, end); its entries are of the level given. */
static int walk(struct pgtable *pgt, uint64_t *table, unsigned int level, phys_addr_t start,
		phys_addr_t end, unsigned int flags, bool write)
{
	phys_addr_t size = level_size(level), next;

	for (phys_addr_t addr = start; addr < end; addr = next) {
		uint64_t *pte = &table[level_index(addr, level)], *below;
		bool whole;
		int err;

		next = ALIGN_DOWN(addr, size) + size;
		whole = next - addr == size && next <= end && level <= pgt->max_leaf;
		next = next < end ? next : end;
		if (*pte && !pte_is_table(*pte, level)) {
			if (pte_flags(*pte) != flags)
				return -EBUSY;
			continue;
		}
		/* a large entry, unless a finer table is there already */
		if (!*pte && whole) {
			if (write)
				*pte = pte_leaf(addr, flags, level);
			continue;
		}
		below = next_table(pgt, pte);
		if (!below)
			return -ENOMEM;
		err = walk(pgt, below, level - 1, addr, next, flags, write);
		if (err)
			return err;
	}
	return 0;
}

int pgtable_map(struct pgtable *pgt, phys_addr_t start, phys_addr_t end, unsigned int flags)
{
	int err;

	if (start >= end)
		return 0;
	if (end > pgt->reach)
		return -ERANGE;
	err = walk(pgt, pgt->root, pgt->levels - 1, start, end, flags, false);
	if (err)
		return err;
	return walk(pgt, pgt->root, pgt->levels - 1, start, end, flags, true);
}

struct pgtable_range pgtable_lookup(const struct pgtable *pgt, phys_addr_t addr)
{
	struct pgtable_range range = {.start = pgt->reach, .end = PHYS_ADDR_MAX};
	const uint64_t *table = pgt->root;

	if (addr >= range.start)
		return range;
	for (unsigned int level = pgt->levels - 1;; level--) {
		uint64_t pte = table[level_index(addr, level)];

		if (pte && pte_is_table(pte, level)) {
			table = phys_to_virt(pte_addr(pte));
			continue;
		}
		range.start = ALIGN_DOWN(addr, level_size(level));
		range.end = range.start + level_size(level);
		range.output = pte ? pte_addr(pte) : 0;
		range.flags = pte ? pte_flags(pte) : 0;
		return range;
	}
}
