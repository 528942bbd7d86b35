/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_reserved.c: read every reservation from the device tree (devicetree specification 0.4:
 * section 3.5 /reserved-memory, 5.3 memory reservation block; Linux's binding of /chosen for the
 * initrd).
 *
 * Static ones say where they are. Dynamic ones are children of /reserved-memory with a size, and
 * perhaps alignment and alloc-ranges, whose place is left to us.
 */
#include <errno.h>

#include <libfdt.h>

#include "fdt_early_tree.h"
#include <quarry/port.h>

/* ---- static reservations ---- */

static int each_memreserve(const struct fdt_tree *tree,
			   int (*fn)(const struct fdt_early_resv *resv, void *ctx), void *ctx)
{
	struct fdt_early_resv resv = {
		.kind = FDT_EARLY_MEMRESERVE, .name = "/memreserve/", .node = -1};
	uint64_t base = 0, size = 0;

	/* A size of 0 ends the list, whatever the address: so do libfdt, dtc and Linux. */
	for (int i = 0; fdt_get_mem_rsv(tree->fdt, i, &base, &size) == 0 && size; i++) {
		int err;

		resv.base = base;
		resv.size = size;
		if (!fdt_tree_clip(tree, resv.name, resv.base, &resv.size))
			continue;
		err = fn(&resv, ctx);
		if (err)
			return err;
	}
	if (base && tree->log)
		port_log("fdt: /memreserve/: the empty entry at 0x%llx ends the list",
			 (unsigned long long)base);
	return 0;
}

static int each_reserved_child(const struct fdt_tree *tree,
			       int (*fn)(const struct fdt_early_resv *resv, void *ctx), void *ctx)
{
	int node, parent = fdt_path_offset(tree->fdt, "/reserved-memory");
	struct fdt_cells cells;
	int err;

	if (parent < 0)
		return 0;
	err = fdt_tree_cells(tree, parent, &cells);
	if (err)
		return err;
	fdt_for_each_subnode (node, tree->fdt, parent) {
		struct fdt_early_resv resv = {.kind = FDT_EARLY_STATIC, .node = node};
		const void *ranges;
		int count;

		if (!fdt_tree_available(tree, node))
			continue;
		err = fdt_tree_ranges(tree, node, "reg", cells, &ranges, &count);
		if (err < 0)
			return err;
		if (err == 0 && tree->log && !fdt_getprop(tree->fdt, node, "size", NULL))
			port_log("fdt: %s: neither reg nor size: ignored",
				 fdt_tree_path(tree, node));
		resv.name = fdt_get_name(tree->fdt, node, NULL);
		resv.nomap = fdt_getprop(tree->fdt, node, "no-map", NULL);
		resv.reusable = fdt_getprop(tree->fdt, node, "reusable", NULL);
		for (int i = 0; i < count; i++) {
			fdt_tree_read_range(ranges, cells, i, &resv.base, &resv.size);
			if (!fdt_tree_clip(tree, fdt_tree_path(tree, node), resv.base, &resv.size))
				continue;
			err = fn(&resv, ctx);
			if (err)
				return err;
		}
	}
	return 0;
}

/* A number of one cell or two. 1 found, 0 no such property, -EINVAL wrong length. */
static int get_number(const struct fdt_tree *tree, int node, const char *name, phys_addr_t *value)
{
	int len;
	const fdt32_t *p = fdt_getprop(tree->fdt, node, name, &len);

	if (!p)
		return 0;
	if (len != 4 && len != 8) {
		port_log("fdt: %s: %s is %d bytes, not 4 or 8", fdt_tree_path(tree, node), name,
			 len);
		return -EINVAL;
	}
	*value = fdt_tree_read_cells(p, len / 4);
	return 1;
}

static int get_initrd(const struct fdt_tree *tree, struct fdt_early_resv *resv)
{
	int chosen = fdt_path_offset(tree->fdt, "/chosen");
	phys_addr_t start = 0, end = 0;
	int has_start, has_end;

	if (chosen < 0)
		return 0;
	has_start = get_number(tree, chosen, "linux,initrd-start", &start);
	has_end = get_number(tree, chosen, "linux,initrd-end", &end);
	if (has_start < 0 || has_end < 0)
		return -EINVAL;
	if (!has_start && !has_end)
		return 0;
	if (!has_start || !has_end || end <= start) {
		if (tree->log)
			port_log("fdt: /chosen: initrd from 0x%llx to 0x%llx is no range: ignored",
				 (unsigned long long)start, (unsigned long long)end);
		return 0;
	}
	*resv = (struct fdt_early_resv){.kind = FDT_EARLY_INITRD,
					.name = "initrd",
					.node = -1,
					.base = start,
					.size = end - start};
	return fdt_tree_clip(tree, "initrd", resv->base, &resv->size);
}

int fdt_tree_each_static(const struct fdt_tree *tree,
			 int (*fn)(const struct fdt_early_resv *resv, void *ctx), void *ctx)
{
	struct fdt_early_resv resv = {.kind = FDT_EARLY_BLOB,
				      .name = "device tree",
				      .node = -1,
				      .base = tree->fdt_phys,
				      .size = fdt_totalsize(tree->fdt)};
	int err = each_memreserve(tree, fn, ctx);

	if (!err)
		err = each_reserved_child(tree, fn, ctx);
	if (!err && tree->fdt_phys != FDT_EARLY_NOWHERE &&
	    fdt_tree_clip(tree, resv.name, resv.base, &resv.size))
		err = fn(&resv, ctx);
	if (err)
		return err;
	err = get_initrd(tree, &resv);
	return err > 0 ? fn(&resv, ctx) : err;
}

/* ---- dynamic reservations ---- */

/* 1 and *dyn filled in, 0 for a node to leave out, -EINVAL. */
static int get_dynamic(const struct fdt_tree *tree, int node, struct fdt_dynamic *dyn)
{
	phys_addr_t align = PAGE_SIZE;
	int err;

	if (!fdt_tree_available(tree, node) || fdt_getprop(tree->fdt, node, "reg", NULL))
		return 0;
	err = get_number(tree, node, "size", &dyn->size);
	if (err <= 0)
		return err;
	/* The specification counts it in size cells, Linux in address cells: both occur. */
	err = get_number(tree, node, "alignment", &align);
	if (err < 0)
		return err;
	if (align & (align - 1)) {
		port_log("fdt: %s: alignment 0x%llx is no power of two", fdt_tree_path(tree, node),
			 (unsigned long long)align);
		return -EINVAL;
	}
	if (!fdt_tree_clip(tree, fdt_tree_path(tree, node), 0, &dyn->size))
		return 0;
	dyn->node = node;
	dyn->size = ALIGN_UP(dyn->size, PAGE_SIZE);
	dyn->align = align > PAGE_SIZE ? align : PAGE_SIZE;
	dyn->nomap = fdt_getprop(tree->fdt, node, "no-map", NULL);
	dyn->reusable = fdt_getprop(tree->fdt, node, "reusable", NULL);
	return 1;
}

int fdt_tree_each_dynamic(const struct fdt_tree *tree,
			  int (*fn)(const struct fdt_dynamic *dyn, void *ctx), void *ctx)
{
	int node, parent = fdt_path_offset(tree->fdt, "/reserved-memory");

	if (parent < 0)
		return 0;
	fdt_for_each_subnode (node, tree->fdt, parent) {
		struct fdt_dynamic dyn;
		int err = get_dynamic(tree, node, &dyn);

		if (err > 0)
			err = fn(&dyn, ctx);
		if (err)
			return err;
	}
	return 0;
}

int fdt_tree_alloc_range(const struct fdt_tree *tree, int node, int n, phys_addr_t *start,
			 phys_addr_t *end)
{
	int err, count, parent = fdt_parent_offset(tree->fdt, node);
	struct fdt_cells cells;
	const void *ranges;
	phys_addr_t size;

	err = fdt_tree_cells(tree, parent, &cells);
	if (!err)
		err = fdt_tree_ranges(tree, node, "alloc-ranges", cells, &ranges, &count);
	if (err < 0)
		return err;
	if (err == 0) {
		*start = 0;
		*end = PHYS_LIMIT;
		return n == 0;
	}
	if (n >= count)
		return 0;
	fdt_tree_read_range(ranges, cells, n, start, &size);
	if (!fdt_tree_clip(tree, fdt_tree_path(tree, node), *start, &size))
		size = 0;
	*end = *start + size;
	return 1;
}
