/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_tree.c: read cells, address ranges and the memory nodes from the device tree
 * (devicetree specification 0.4: section 2.3.5 cells, 3.4 /memory; Linux's binding of /chosen for
 * linux,usable-memory-range).
 *
 * All walking is libfdt's. The tree has passed fdt_early_check(), so structure can be relied upon,
 * and contents (cells, lengths, addresses) cannot. Whatever costs more than a step, a path for
 * instance, is done once a node, never once a region.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "fdt_early_note.h"
#include "fdt_early_tree.h"
#include <quarry/port.h>

_Static_assert(CONFIG_PHYS_BITS > PAGE_SHIFT && CONFIG_PHYS_BITS < 64,
	       "rounding a region up to a page must not wrap");

const char *fdt_tree_path(const struct fdt_tree *tree, const char *parent, int node)
{
	static char path[96];
	int len;
	const char *name = fdt_get_name(tree->fdt, node, &len);

	snprintf(path, sizeof(path), "%s/%.*s", parent, name && len < 64 ? len : 64,
		 name ? name : "?");
	return path;
}

/* What is not 1 to FDT_TREE_MAX_CELLS is named: -EINVAL. */
int fdt_tree_cells(const struct fdt_tree *tree, int node, struct fdt_cells *cells)
{
	cells->addr = fdt_address_cells(tree->fdt, node);
	cells->size = fdt_size_cells(tree->fdt, node);
	return cells->addr < 1 || cells->size < 1 ? -EINVAL : 0;
}

/* n cells as one number; UINT64_MAX if 64 bits do not hold it. */
uint64_t fdt_tree_read_cells(const void *cells, int n)
{
	const fdt32_t *p = cells;
	uint64_t value = 0;

	for (; n > 0; n--, p++) {
		if (value >> 32)
			return UINT64_MAX;
		value = value << 32 | fdt32_ld(p);
	}
	return value;
}

/* Its whole pairs; pairs->cells is set. 1: found, 0: absent, -EINVAL: there is a part of one. */
int fdt_tree_pairs(const struct fdt_tree *tree, int node, const char *name, struct fdt_pairs *pairs)
{
	int pair = 4 * (pairs->cells.addr + pairs->cells.size);

	pairs->at = fdt_getprop(tree->fdt, node, name, &pairs->len);
	pairs->count = pairs->at ? pairs->len / pair : 0;
	return !pairs->at ? 0 : pairs->len % pair ? -EINVAL : 1;
}

/* What is wrong with it then; valid until the next call. */
const char *fdt_tree_misfit(const char *name, const struct fdt_pairs *pairs)
{
	static char text[112];

	snprintf(text, sizeof(text),
		 "%s is %d bytes, not a multiple of %d (#address-cells %d, #size-cells %d)", name,
		 pairs->len, 4 * (pairs->cells.addr + pairs->cells.size), pairs->cells.addr,
		 pairs->cells.size);
	return text;
}

void fdt_tree_read_pair(const struct fdt_pairs *pairs, int n, phys_addr_t *base, phys_addr_t *size)
{
	const struct fdt_cells *cells = &pairs->cells;
	const fdt32_t *p = (const fdt32_t *)pairs->at + n * (cells->addr + cells->size);

	*base = fdt_tree_read_cells(p, cells->addr);
	*size = fdt_tree_read_cells(p + cells->addr, cells->size);
}

/* Is a property the string, or a list that begins with it? */
static bool says(const struct fdt_tree *tree, int node, const char *name, const char *text)
{
	int len, size = (int)strlen(text) + 1;
	const char *value = fdt_getprop(tree->fdt, node, name, &len);

	return value && len >= size && memcmp(value, text, (size_t)size) == 0;
}

/* status is absent, "okay" or "ok" (2.3.4). */
bool fdt_tree_available(const struct fdt_tree *tree, int node)
{
	return !fdt_getprop(tree->fdt, node, "status", NULL) ||
	       says(tree, node, "status", "okay") || says(tree, node, "status", "ok");
}

bool fdt_tree_clip(const struct fdt_tree *tree, const char *what, phys_addr_t base,
		   phys_addr_t *size)
{
	unsigned long long from = base, bytes = *size;

	if (bytes == 0) {
		if (tree->log)
			fdt_note(FDT_NOTE_EMPTY, "%s: the region at 0x%llx is empty: ignored", what,
				 from);
		return false;
	}
	if (base >= PHYS_LIMIT) {
		if (tree->log)
			fdt_note(FDT_NOTE_BEYOND,
				 "%s: 0x%llx is beyond the %d-bit physical address space: dropped",
				 what, from, CONFIG_PHYS_BITS);
		return false;
	}
	if (bytes <= PHYS_LIMIT - base)
		return true;
	if (tree->log)
		fdt_note(FDT_NOTE_BEYOND, "%s: 0x%llx + 0x%llx %s: clipped at 0x%llx", what, from,
			 bytes,
			 bytes > PHYS_ADDR_MAX - base ? "wraps around"
						      : "leaves the physical address space",
			 (unsigned long long)PHYS_LIMIT);
	*size = PHYS_LIMIT - base;
	return true;
}

int fdt_tree_count(unsigned long *count, const char *what)
{
	if (++*count <= FDT_EARLY_MAX_REGIONS)
		return 0;
	port_log("fdt: more than %d %s: refused", FDT_EARLY_MAX_REGIONS, what);
	return -E2BIG;
}

/* ---- memory -------------------------------------------------------------------------------- */

static bool is_memory(const struct fdt_tree *tree, int node)
{
	const char *name;

	if (fdt_getprop(tree->fdt, node, "device_type", NULL))
		return says(tree, node, "device_type", "memory");
	name = fdt_get_name(tree->fdt, node, NULL);
	return name && strncmp(name, "memory", 6) == 0 && (name[6] == '\0' || name[6] == '@') &&
	       !fdt_getprop(tree->fdt, node, "compatible", NULL);
}

/* The pairs that say where a memory node's memory is. Linux reads those that are whole. */
static void memory_pairs(const struct fdt_tree *tree, int node, const char *path,
			 struct fdt_pairs *pairs)
{
	/* linux,usable-memory takes the place of reg (kexec writes it) */
	const char *name = "linux,usable-memory";
	int found = fdt_tree_pairs(tree, node, name, pairs);

	if (found == 0)
		found = fdt_tree_pairs(tree, node, name = "reg", pairs);
	if (!tree->log)
		return;
	if (found == 0)
		fdt_note(FDT_NOTE_EMPTY, "%s: memory without reg: ignored", path);
	else if (found > 0 && pairs->count == 0)
		fdt_note(FDT_NOTE_EMPTY, "%s: %s is empty: ignored", path, name);
	else if (found < 0)
		fdt_note(FDT_NOTE_UNREADABLE, "%s: %s: the rest is ignored", path,
			 fdt_tree_misfit(name, pairs));
}

static int each_range_of(const struct fdt_tree *tree, int node, struct fdt_cells cells,
			 unsigned long *count, int (*fn)(const struct fdt_bank *bank, void *ctx),
			 void *ctx)
{
	struct fdt_bank bank = {.node = node, .flags = MEMBLOCK_NONE};
	const char *path = tree->log ? fdt_tree_path(tree, "", node) : "";
	struct fdt_pairs pairs = {.cells = cells};

	memory_pairs(tree, node, path, &pairs);
	if (fdt_getprop(tree->fdt, node, "hotpluggable", NULL))
		bank.flags = MEMBLOCK_HOTPLUG;
	for (int i = 0; i < pairs.count; i++) {
		int err = fdt_tree_count(count, "memory ranges");

		fdt_tree_read_pair(&pairs, i, &bank.base, &bank.size);
		if (!err && fdt_tree_clip(tree, path, bank.base, &bank.size))
			err = fn(&bank, ctx);
		if (err)
			return err;
	}
	return 0;
}

/* The root's cells. Without them no memory can be read. */
static int root_cells(const struct fdt_tree *tree, struct fdt_cells *cells)
{
	int err = fdt_tree_cells(tree, 0, cells);

	if (err)
		port_log("fdt: /: %s must be 1 to %d",
			 cells->addr < 1 ? "#address-cells" : "#size-cells", FDT_TREE_MAX_CELLS);
	return err;
}

int fdt_tree_each_bank(const struct fdt_tree *tree,
		       int (*fn)(const struct fdt_bank *bank, void *ctx), void *ctx)
{
	unsigned long count = 0;
	struct fdt_cells cells;
	int node, err = root_cells(tree, &cells);

	if (err)
		return err;
	fdt_for_each_subnode (node, tree->fdt, 0) {
		if (!is_memory(tree, node) || !fdt_tree_available(tree, node))
			continue;
		err = each_range_of(tree, node, cells, &count, fn, ctx);
		if (err)
			return err;
	}
	return 0;
}

int fdt_tree_each_usable(const struct fdt_tree *tree,
			 int (*fn)(phys_addr_t base, phys_addr_t size, void *ctx), void *ctx)
{
	int chosen = fdt_path_offset(tree->fdt, "/chosen");
	struct fdt_pairs pairs;
	unsigned long count = 0;
	int found, err = root_cells(tree, &pairs.cells);

	if (err || chosen < 0)
		return err;
	found = fdt_tree_pairs(tree, chosen, "linux,usable-memory-range", &pairs);
	/* that a limit cannot be read does not mean that there is none */
	if (found < 0 || (found > 0 && pairs.count == 0)) {
		port_log("fdt: /chosen: %s", fdt_tree_misfit("linux,usable-memory-range", &pairs));
		return -EINVAL;
	}
	for (int i = 0; i < pairs.count; i++) {
		phys_addr_t base, size;

		err = fdt_tree_count(&count, "usable memory ranges");
		fdt_tree_read_pair(&pairs, i, &base, &size);
		if (!err && fdt_tree_clip(tree, "linux,usable-memory-range", base, &size))
			err = fn(base, size, ctx);
		if (err)
			return err;
	}
	return found;
}
