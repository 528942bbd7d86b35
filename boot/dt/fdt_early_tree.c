/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_tree.c: read cells, address ranges and the memory nodes from the device tree
 * (devicetree specification 0.4: section 2.3.5 cells, 3.4 /memory; Linux's binding of /chosen for
 * linux,usable-memory-range).
 *
 * All walking is libfdt's. The tree has passed fdt_early_check(), so structure can be relied upon,
 * and contents (cells, lengths, addresses) cannot.
 */
#include <errno.h>
#include <string.h>

#include <libfdt.h>

#include "fdt_early_tree.h"
#include <quarry/port.h>

_Static_assert(CONFIG_PHYS_BITS > PAGE_SHIFT && CONFIG_PHYS_BITS < 64,
	       "rounding a region up to a page must not wrap");

const char *fdt_tree_path(const struct fdt_tree *tree, int node)
{
	static char path[128];
	const char *name;

	if (fdt_get_path(tree->fdt, node, path, sizeof(path)) == 0)
		return path;
	name = fdt_get_name(tree->fdt, node, NULL);
	return name ? name : "(unnamed node)";
}

int fdt_tree_cells(const struct fdt_tree *tree, int node, struct fdt_cells *cells)
{
	cells->addr = fdt_address_cells(tree->fdt, node);
	cells->size = fdt_size_cells(tree->fdt, node);
	if (cells->addr >= 1 && cells->addr <= 2 && cells->size >= 1 && cells->size <= 2)
		return 0;
	port_log("fdt: %s: #address-cells and #size-cells must be 1 or 2 here: %s is not",
		 fdt_tree_path(tree, node),
		 cells->addr >= 1 && cells->addr <= 2 ? "#size-cells" : "#address-cells");
	return -EINVAL;
}

uint64_t fdt_tree_read_cells(const void *cells, int n)
{
	const fdt32_t *p = cells;

	return n == 2 ? (uint64_t)fdt32_ld(p) << 32 | fdt32_ld(p + 1) : fdt32_ld(p);
}

int fdt_tree_ranges(const struct fdt_tree *tree, int node, const char *name, struct fdt_cells cells,
		    const void **ranges, int *count)
{
	int len, pair = 4 * (cells.addr + cells.size);

	*ranges = fdt_getprop(tree->fdt, node, name, &len);
	*count = 0;
	if (!*ranges)
		return 0;
	if (len == 0 || len % pair) {
		port_log("fdt: %s: %s is %d bytes, not a multiple of %d (#address-cells %d, "
			 "#size-cells %d)",
			 fdt_tree_path(tree, node), name, len, pair, cells.addr, cells.size);
		return -EINVAL;
	}
	*count = len / pair;
	return 1;
}

void fdt_tree_read_range(const void *ranges, struct fdt_cells cells, int n, phys_addr_t *base,
			 phys_addr_t *size)
{
	const fdt32_t *p = (const fdt32_t *)ranges + n * (cells.addr + cells.size);

	*base = fdt_tree_read_cells(p, cells.addr);
	*size = fdt_tree_read_cells(p + cells.addr, cells.size);
}

bool fdt_tree_available(const struct fdt_tree *tree, int node)
{
	return !fdt_getprop(tree->fdt, node, "status", NULL) ||
	       fdt_stringlist_search(tree->fdt, node, "status", "okay") == 0 ||
	       fdt_stringlist_search(tree->fdt, node, "status", "ok") == 0;
}

bool fdt_tree_clip(const struct fdt_tree *tree, const char *what, phys_addr_t base,
		   phys_addr_t *size)
{
	const char *why;

	if (*size == 0) {
		if (tree->log)
			port_log("fdt: %s: the region at 0x%llx is empty: ignored", what,
				 (unsigned long long)base);
		return false;
	}
	if (base >= PHYS_LIMIT) {
		if (tree->log)
			port_log(
				"fdt: %s: 0x%llx is beyond the %d-bit physical address space: dropped",
				what, (unsigned long long)base, CONFIG_PHYS_BITS);
		return false;
	}
	if (*size <= PHYS_LIMIT - base)
		return true;
	why = *size > PHYS_ADDR_MAX - base ? "wraps around" : "leaves the physical address space";
	if (tree->log)
		port_log("fdt: %s: 0x%llx + 0x%llx %s: clipped at 0x%llx", what,
			 (unsigned long long)base, (unsigned long long)*size, why,
			 (unsigned long long)PHYS_LIMIT);
	*size = PHYS_LIMIT - base;
	return true;
}

/* ---- memory ---- */

static bool is_memory(const struct fdt_tree *tree, int node)
{
	int len;
	const char *name, *type = fdt_getprop(tree->fdt, node, "device_type", &len);

	if (type)
		return len == sizeof("memory") && memcmp(type, "memory", sizeof("memory")) == 0;
	name = fdt_get_name(tree->fdt, node, &len);
	return name && strncmp(name, "memory", 6) == 0 && (name[6] == '\0' || name[6] == '@');
}

/* /chosen's linux,usable-memory-range; ranges is NULL without it. */
struct usable {
	const void *ranges;
	int count;
};

/* Hand out the parts of a bank that are usable. */
static int usable_parts(const struct fdt_tree *tree, struct fdt_cells cells, struct usable usable,
			const struct fdt_bank *bank,
			int (*fn)(const struct fdt_bank *bank, void *ctx), void *ctx)
{
	phys_addr_t left = bank->size;

	if (!usable.ranges)
		return fn(bank, ctx);
	for (int i = 0; i < usable.count; i++) {
		struct fdt_bank part = *bank;
		phys_addr_t base, size, end = bank->base + bank->size;
		int err;

		fdt_tree_read_range(usable.ranges, cells, i, &base, &size);
		size = size < PHYS_ADDR_MAX - base ? size : PHYS_ADDR_MAX - base;
		part.base = base > bank->base ? base : bank->base;
		end = base + size < end ? base + size : end;
		if (part.base >= end)
			continue;
		part.size = end - part.base;
		left -= part.size < left ? part.size : left;
		err = fn(&part, ctx);
		if (err)
			return err;
	}
	if (left && tree->log)
		port_log("fdt: %s: 0x%llx of 0x%llx bytes at 0x%llx lie outside "
			 "linux,usable-memory-range: left out",
			 fdt_tree_path(tree, bank->node), (unsigned long long)left,
			 (unsigned long long)bank->size, (unsigned long long)bank->base);
	return 0;
}

static int each_range_of(const struct fdt_tree *tree, int node, struct fdt_cells cells,
			 struct usable usable, int (*fn)(const struct fdt_bank *bank, void *ctx),
			 void *ctx)
{
	struct fdt_bank bank = {.node = node, .flags = MEMBLOCK_NONE};
	const void *ranges;
	int count, err;

	/* linux,usable-memory takes the place of reg (kexec writes it). */
	err = fdt_tree_ranges(tree, node, "linux,usable-memory", cells, &ranges, &count);
	if (err == 0)
		err = fdt_tree_ranges(tree, node, "reg", cells, &ranges, &count);
	if (err == 0 && tree->log)
		port_log("fdt: %s: memory without reg: ignored", fdt_tree_path(tree, node));
	if (err < 0)
		return err;
	if (fdt_getprop(tree->fdt, node, "hotpluggable", NULL))
		bank.flags = MEMBLOCK_HOTPLUG;
	for (int i = 0; i < count; i++) {
		fdt_tree_read_range(ranges, cells, i, &bank.base, &bank.size);
		if (!fdt_tree_clip(tree, fdt_tree_path(tree, node), bank.base, &bank.size))
			continue;
		err = usable_parts(tree, cells, usable, &bank, fn, ctx);
		if (err)
			return err;
	}
	return 0;
}

int fdt_tree_each_bank(const struct fdt_tree *tree,
		       int (*fn)(const struct fdt_bank *bank, void *ctx), void *ctx)
{
	int node, chosen = fdt_path_offset(tree->fdt, "/chosen");
	struct usable usable = {.ranges = NULL};
	struct fdt_cells cells;
	int err = fdt_tree_cells(tree, 0, &cells);

	if (!err && chosen >= 0)
		err = fdt_tree_ranges(tree, chosen, "linux,usable-memory-range", cells,
				      &usable.ranges, &usable.count);
	if (err < 0)
		return err;
	fdt_for_each_subnode (node, tree->fdt, 0) {
		if (!is_memory(tree, node) || !fdt_tree_available(tree, node))
			continue;
		err = each_range_of(tree, node, cells, usable, fn, ctx);
		if (err)
			return err;
	}
	return 0;
}
