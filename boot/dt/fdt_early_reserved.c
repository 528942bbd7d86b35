/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_reserved.c: read every reservation from the device tree (devicetree specification 0.4:
 * section 3.5 /reserved-memory, 5.3 memory reservation block; Linux's binding of /chosen for the
 * initrd and for what another kernel left behind).
 *
 * Static ones say where they are. Dynamic ones are children of /reserved-memory with a size, and
 * perhaps alignment and alloc-ranges, whose place is left to us.
 */
#include <errno.h>

#include <libfdt.h>

#include "fdt_early_note.h"
#include "fdt_early_tree.h"
#include <quarry/port.h>

#define RESERVED_MEMORY "/reserved-memory"

/* A walk over static reservations. */
struct walk {
	const struct fdt_tree *tree;
	int (*fn)(const struct fdt_early_resv *resv, void *ctx);
	void *ctx;
	unsigned long count; /* entries so far, those that are left out too */
};

/* One entry of a list. */
static int visit(struct walk *walk, struct fdt_early_resv *resv, const char *what)
{
	int err = fdt_tree_count(&walk->count, "reservations");

	if (err || !fdt_tree_clip(walk->tree, what, resv->base, &resv->size))
		return err;
	return walk->fn(resv, walk->ctx);
}

/* ---- static reservations ------------------------------------------------------------------- */

static int each_memreserve(struct walk *walk)
{
	uint64_t base = 0, size = 0;

	/* A size of 0 ends the list, whatever the address: so do libfdt, dtc and Linux. */
	for (int i = 0; fdt_get_mem_rsv(walk->tree->fdt, i, &base, &size) == 0 && size; i++) {
		struct fdt_early_resv resv = {.kind = FDT_EARLY_MEMRESERVE,
					      .name = "/memreserve/",
					      .node = -1,
					      .base = base,
					      .size = size};
		int err = visit(walk, &resv, resv.name);

		if (err)
			return err;
	}
	if (base && walk->tree->log)
		port_log("fdt: /memreserve/: the empty entry at 0x%llx ends the list",
			 (unsigned long long)base);
	return 0;
}

/* The node /reserved-memory and its cells; negative if there is none whose children can be read. */
static int reserved_memory(const struct fdt_tree *tree, struct fdt_cells *cells)
{
	int parent = fdt_path_offset(tree->fdt, RESERVED_MEMORY);

	return parent < 0 || fdt_tree_cells(tree, parent, cells) == 0 ? parent : -EINVAL;
}

/* The reg of one child, or none of it: Linux leaves out a node whose cells do not divide it. */
static int each_range_of(struct walk *walk, int node, struct fdt_pairs *pairs)
{
	const struct fdt_tree *tree = walk->tree;
	const char *path = tree->log ? fdt_tree_path(tree, RESERVED_MEMORY, node) : "";
	int found = fdt_tree_pairs(tree, node, "reg", pairs);
	struct fdt_early_resv resv = {
		.kind = FDT_EARLY_STATIC,
		.name = fdt_get_name(tree->fdt, node, NULL),
		.node = node,
		.nomap = fdt_getprop(tree->fdt, node, "no-map", NULL),
		.reusable = fdt_getprop(tree->fdt, node, "reusable", NULL),
	};

	if (found == 0 && tree->log && !fdt_getprop(tree->fdt, node, "size", NULL))
		fdt_note(FDT_NOTE_UNREADABLE, "%s: neither reg nor size: ignored", path);
	if (found < 0 && tree->log)
		fdt_note(FDT_NOTE_UNREADABLE, "%s: %s: not reserved", path,
			 fdt_tree_misfit("reg", pairs));
	for (int i = 0; found > 0 && i < pairs->count; i++) {
		int err;

		fdt_tree_read_pair(pairs, i, &resv.base, &resv.size);
		err = visit(walk, &resv, path);
		if (err)
			return err;
	}
	return 0;
}

static int each_reserved_child(struct walk *walk)
{
	const struct fdt_tree *tree = walk->tree;
	struct fdt_pairs pairs;
	int node, parent = reserved_memory(tree, &pairs.cells);

	if (parent == -EINVAL && tree->log)
		fdt_note(FDT_NOTE_UNREADABLE, RESERVED_MEMORY ": %s is not 1 to %d: left out",
			 pairs.cells.addr < 1 ? "#address-cells" : "#size-cells",
			 FDT_TREE_MAX_CELLS);
	if (parent < 0)
		return 0;
	fdt_for_each_subnode (node, tree->fdt, parent) {
		int err = fdt_tree_available(tree, node) ? each_range_of(walk, node, &pairs) : 0;

		if (err)
			return err;
	}
	return 0;
}

/*
 * A number of one cell or more. 1 found, 0 no such property, -EINVAL: it is none, and what it
 * belongs to is left out.
 */
static int get_number(const struct fdt_tree *tree, const char *path, int node, const char *name,
		      phys_addr_t *value)
{
	int len;
	const void *p = fdt_getprop(tree->fdt, node, name, &len);

	if (!p)
		return 0;
	if (len % 4 || len < 4 || len > 4 * FDT_TREE_MAX_CELLS) {
		if (tree->log)
			fdt_note(FDT_NOTE_UNREADABLE, "%s: %s of %d bytes is no number: ignored",
				 path, name, len);
		return -EINVAL;
	}
	*value = fdt_tree_read_cells(p, len / 4);
	return 1;
}

static int visit_initrd(struct walk *walk, int chosen)
{
	const struct fdt_tree *tree = walk->tree;
	struct fdt_early_resv resv = {.kind = FDT_EARLY_INITRD, .name = "initrd", .node = -1};
	phys_addr_t end = 0;
	int has_start = get_number(tree, "/chosen", chosen, "linux,initrd-start", &resv.base);
	int has_end = get_number(tree, "/chosen", chosen, "linux,initrd-end", &end);

	if (has_start > 0 && has_end > 0 && end > resv.base) {
		resv.size = end - resv.base;
		return visit(walk, &resv, resv.name);
	}
	if (tree->log && has_start >= 0 && has_end >= 0 && has_start + has_end > 0)
		fdt_note(FDT_NOTE_UNREADABLE,
			 "/chosen: initrd from 0x%llx to 0x%llx is no range: ignored",
			 (unsigned long long)resv.base, (unsigned long long)end);
	return 0;
}

/* A pair of /chosen, in the root's cells: where another kernel left something for this one. */
static int visit_left_behind(struct walk *walk, int chosen, enum fdt_early_kind kind,
			     const char *name)
{
	const struct fdt_tree *tree = walk->tree;
	struct fdt_early_resv resv = {.kind = kind, .name = name, .node = -1};
	struct fdt_pairs pairs;

	if (fdt_tree_cells(tree, 0, &pairs.cells) != 0 ||
	    fdt_tree_pairs(tree, chosen, name, &pairs) == 0)
		return 0;
	if (pairs.count == 0) {
		if (tree->log)
			fdt_note(FDT_NOTE_UNREADABLE, "/chosen: %s: not reserved",
				 fdt_tree_misfit(name, &pairs));
		return 0;
	}
	fdt_tree_read_pair(&pairs, 0, &resv.base, &resv.size);
	return visit(walk, &resv, name);
}

int fdt_tree_each_static(const struct fdt_tree *tree,
			 int (*fn)(const struct fdt_early_resv *resv, void *ctx), void *ctx)
{
	struct walk walk = {.tree = tree, .fn = fn, .ctx = ctx};
	struct fdt_early_resv blob = {.kind = FDT_EARLY_BLOB,
				      .name = "device tree",
				      .node = -1,
				      .base = tree->fdt_phys,
				      .size = fdt_totalsize(tree->fdt)};
	int chosen = fdt_path_offset(tree->fdt, "/chosen");
	int err = each_memreserve(&walk);

	if (!err)
		err = each_reserved_child(&walk);
	walk.count = 0; /* the limit is of those whose number the tree chooses */
	if (!err && tree->fdt_phys != FDT_EARLY_NOWHERE)
		err = visit(&walk, &blob, blob.name);
	if (!err && chosen >= 0)
		err = visit_initrd(&walk, chosen);
	if (!err && chosen >= 0)
		err = visit_left_behind(&walk, chosen, FDT_EARLY_ELFCOREHDR, "linux,elfcorehdr");
	if (!err && chosen >= 0)
		err = visit_left_behind(&walk, chosen, FDT_EARLY_KEXEC, "linux,ima-kexec-buffer");
	return err;
}

/* ---- dynamic reservations ------------------------------------------------------------------ */

/* The node is left out, as Linux has it: false after a line. */
static bool left_out(const struct fdt_tree *tree, const char *path, const char *why)
{
	if (tree->log)
		fdt_note(FDT_NOTE_UNREADABLE, "%s: %s: not reserved", path, why);
	return false;
}

/* Is the node one, and can it be read? */
static bool get_dynamic(const struct fdt_tree *tree, int node, struct fdt_dynamic *dyn)
{
	const char *path = tree->log ? fdt_tree_path(tree, RESERVED_MEMORY, node) : "";
	phys_addr_t align = PAGE_SIZE;
	int found;

	if (get_number(tree, path, node, "size", &dyn->size) <= 0)
		return false;
	/* The specification counts it in size cells, Linux in address cells: both occur. */
	if (get_number(tree, path, node, "alignment", &align) < 0)
		return false;
	if (align & (align - 1))
		return left_out(tree, path, "its alignment is no power of two");
	if (!fdt_tree_clip(tree, path, 0, &dyn->size))
		return false;
	found = fdt_tree_pairs(tree, node, "alloc-ranges", &dyn->where);
	if (found < 0)
		return left_out(tree, path, fdt_tree_misfit("alloc-ranges", &dyn->where));
	dyn->anywhere = found == 0;
	dyn->node = node;
	dyn->size = ALIGN_UP(dyn->size, PAGE_SIZE);
	dyn->align = align > PAGE_SIZE ? align : PAGE_SIZE;
	dyn->nomap = fdt_getprop(tree->fdt, node, "no-map", NULL);
	dyn->reusable = fdt_getprop(tree->fdt, node, "reusable", NULL);
	return true;
}

int fdt_tree_each_dynamic(const struct fdt_tree *tree,
			  int (*fn)(const struct fdt_dynamic *dyn, void *ctx), void *ctx)
{
	struct fdt_dynamic dyn;
	unsigned long count = 0;
	int node, parent = reserved_memory(tree, &dyn.where.cells);

	if (parent < 0)
		return 0;
	fdt_for_each_subnode (node, tree->fdt, parent) {
		int err = 0;

		if (!fdt_tree_available(tree, node) || fdt_getprop(tree->fdt, node, "reg", NULL) ||
		    !get_dynamic(tree, node, &dyn))
			continue;
		for (int i = 0; !err && i < dyn.where.count; i++)
			err = fdt_tree_count(&count, "alloc-ranges");
		if (!err)
			err = fn(&dyn, ctx);
		if (err)
			return err;
	}
	return 0;
}
