/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pgtable.c: write and read page-table trees: see pgtable.h.
 *
 * A range is walked twice: first to find conflicts and to allocate every table that is missing,
 * then to write entries, which cannot fail. So an error leaves all mappings as they were.
 */
#include "boot/mmu/pgtable.h"

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
	pgtable_arch_order();
	*pte = pte_table(table);
	return table;
}

/*
 * What a range is mapped to: the address less `offset`, with these rights; write: the second
 * walk.
 */
struct mapping {
	phys_addr_t offset;
	unsigned int flags;
	bool write;
};

/* One table's part of [start, end); its entries are of the level given. */
static int walk(struct pgtable *pgt, uint64_t *table, unsigned int level, phys_addr_t start,
		phys_addr_t end, const struct mapping *to)
{
	phys_addr_t size = level_size(level), next;

	for (phys_addr_t addr = start; addr < end; addr = next) {
		uint64_t *pte = &table[level_index(addr, level)], *below;
		bool whole;
		int err;

		next = ALIGN_DOWN(addr, size) + size;
		whole = next - addr == size && next <= end && level <= pgt->max_leaf &&
			to->offset % size == 0;
		next = next < end ? next : end;
		if (*pte && !pte_is_table(*pte, level)) {
			if (pte_flags(*pte) != to->flags)
				return -EBUSY;
			continue;
		}
		/* a large entry, unless a finer table is there already */
		if (!*pte && whole) {
			if (to->write)
				*pte = pte_leaf(addr - to->offset, to->flags, level);
			continue;
		}
		below = next_table(pgt, pte);
		if (!below)
			return -ENOMEM;
		err = walk(pgt, below, level - 1, addr, next, to);
		if (err)
			return err;
	}
	return 0;
}

static int map(struct pgtable *pgt, phys_addr_t start, phys_addr_t end, struct mapping to)
{
	int err = walk(pgt, pgt->root, pgt->levels - 1, start, end, &to);

	if (err)
		return err;
	to.write = true;
	return walk(pgt, pgt->root, pgt->levels - 1, start, end, &to);
}

int pgtable_map(struct pgtable *pgt, phys_addr_t start, phys_addr_t end, unsigned int flags)
{
	if (start >= end)
		return 0;
	if (end > pgt->reach)
		return -ERANGE;
	return map(pgt, start, end, (struct mapping){.flags = flags});
}

int pgtable_map_alias(struct pgtable *pgt, phys_addr_t start, phys_addr_t end, phys_addr_t offset,
		      unsigned int flags)
{
	if (start >= end)
		return 0;
	if (start < pgt->reach || offset > start || end > level_size(pgt->levels))
		return -ERANGE;
	return map(pgt, start, end, (struct mapping){.offset = offset, .flags = flags});
}

/* What is to go, and the tables that are empty then. */
struct unmapping {
	unsigned int flags; /* leaves with all of these */
	phys_addr_t except; /* but not the one that has this address */
	void *emptied;
};

/* One table's part of [start, end). Returns whether the table is empty now. */
static bool unmap(struct pgtable *pgt, uint64_t *table, unsigned int level, phys_addr_t start,
		  phys_addr_t end, struct unmapping *what)
{
	phys_addr_t size = level_size(level), next;

	for (phys_addr_t addr = start; addr < end; addr = next) {
		uint64_t *pte = &table[level_index(addr, level)], *below;

		next = ALIGN_DOWN(addr, size) + size;
		next = next < end ? next : end;
		if (!*pte)
			continue;
		if (!pte_is_table(*pte, level)) {
			if ((pte_flags(*pte) & what->flags) == what->flags &&
			    (what->except < addr || what->except >= next))
				*pte = 0;
			continue;
		}
		below = phys_to_virt(pte_addr(*pte));
		if (!unmap(pgt, below, level - 1, addr, next, what))
			continue;
		*pte = 0;
		/* a page's address, so an invalid entry to a walk that is still under way */
		below[0] = (uintptr_t)what->emptied;
		what->emptied = below;
		pgt->pages--;
	}
	for (unsigned int i = 0; i < PGTABLE_ENTRIES; i++)
		if (table[i])
			return false;
	return true;
}

void *pgtable_unmap_alias(struct pgtable *pgt, phys_addr_t start, phys_addr_t end)
{
	struct unmapping what = {.except = PHYS_ADDR_MAX};

	if (start >= pgt->reach && start < end && end <= level_size(pgt->levels))
		unmap(pgt, pgt->root, pgt->levels - 1, start, end, &what);
	return what.emptied;
}

void *pgtable_unmap_devices(struct pgtable *pgt, phys_addr_t except)
{
	struct unmapping what = {.flags = PG_DEVICE, .except = except};

	unmap(pgt, pgt->root, pgt->levels - 1, 0, pgt->reach, &what);
	return what.emptied;
}

struct pgtable_range pgtable_lookup(const struct pgtable *pgt, phys_addr_t addr)
{
	struct pgtable_range range = {.start = level_size(pgt->levels), .end = PHYS_ADDR_MAX};
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
