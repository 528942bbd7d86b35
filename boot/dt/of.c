/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * of.c: the devicetree specification's rules that libfdt leaves to its user: status, address
 * translation, interrupt parents and the console's path.
 */
#include "boot/dt/of.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

bool of_is_enabled(const void *fdt, int node)
{
	for (; node >= 0; node = fdt_parent_offset(fdt, node)) {
		int len;
		const char *status = fdt_getprop(fdt, node, "status", &len);

		if (!status)
			continue;
		if (!(len == 5 && memcmp(status, "okay", 5) == 0) &&
		    !(len == 3 && memcmp(status, "ok", 3) == 0))
			return false;
	}
	return true;
}

uint32_t of_u32(const void *fdt, int node, const char *name, uint32_t def)
{
	int len;
	const fdt32_t *cell = fdt_getprop(fdt, node, name, &len);

	return cell && len == sizeof(*cell) ? fdt32_ld(cell) : def;
}

uint64_t of_u64(const void *fdt, int node, const char *name, uint64_t def)
{
	int len;
	const fdt64_t *cells = fdt_getprop(fdt, node, name, &len);

	return cells && len == sizeof(*cells) ? fdt64_ld(cells) : def;
}

/* An address or size of one or two cells. */
static uint64_t read_cells(const fdt32_t *cell, int count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = value << 32 | fdt32_ld(cell++);
	return value;
}

/* Carry [addr, addr + size) from the children of bus to bus's own parent. */
static int translate(const void *fdt, int bus, int parent, phys_addr_t *addr, phys_addr_t size)
{
	int child_cells = fdt_address_cells(fdt, bus);
	int parent_cells = fdt_address_cells(fdt, parent);
	int size_cells = fdt_size_cells(fdt, bus);
	int entry, len;
	const fdt32_t *ranges = fdt_getprop(fdt, bus, "ranges", &len);

	if (!ranges)
		return -ERANGE;
	if (len == 0)
		return 0; /* the two address spaces are the same */
	if (child_cells < 1 || child_cells > 2 || parent_cells < 1 || parent_cells > 2 ||
	    size_cells < 1 || size_cells > 2)
		return -EINVAL;
	entry = child_cells + parent_cells + size_cells;
	for (int n = len / (int)sizeof(*ranges); n >= entry; n -= entry, ranges += entry) {
		uint64_t from = read_cells(ranges, child_cells);
		uint64_t to = read_cells(ranges + child_cells, parent_cells);
		uint64_t span = read_cells(ranges + child_cells + parent_cells, size_cells);

		if (*addr < from || *addr - from >= span || size > span - (*addr - from))
			continue;
		if (to > PHYS_ADDR_MAX - (*addr - from))
			return -EINVAL;
		*addr = to + (*addr - from);
		return 0;
	}
	return -ERANGE;
}

int of_translate(const void *fdt, int bus, phys_addr_t *addr, phys_addr_t size)
{
	phys_addr_t base = *addr;

	while (bus > 0) { /* the root's children are in the CPU's address space */
		int parent = fdt_parent_offset(fdt, bus);
		int error = parent < 0 ? -EINVAL : translate(fdt, bus, parent, &base, size);

		if (error)
			return error;
		bus = parent;
	}
	*addr = base;
	return 0;
}

/* The index-th entry of `reg` as the node's own bus sees it. */
static int read_reg(const void *fdt, int node, int bus, int index, phys_addr_t *addr,
		    phys_addr_t *size)
{
	int len, address_cells, size_cells, entry;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &len);

	if (bus < 0 || !reg || index < 0)
		return -ENOENT;
	address_cells = fdt_address_cells(fdt, bus);
	size_cells = fdt_size_cells(fdt, bus);
	if (address_cells < 1 || address_cells > 2 || size_cells < 0 || size_cells > 2)
		return -EINVAL;
	entry = address_cells + size_cells;
	len /= (int)sizeof(*reg);
	if (len % entry)
		return -EINVAL;
	if (index >= len / entry)
		return -ENOENT;
	reg += index * entry;
	*addr = read_cells(reg, address_cells);
	*size = read_cells(reg + address_cells, size_cells);
	return *size > PHYS_ADDR_MAX - *addr ? -EINVAL : 0;
}

int of_reg(const void *fdt, int node, int index, phys_addr_t *addr, phys_addr_t *size)
{
	int bus = fdt_parent_offset(fdt, node);
	phys_addr_t base, span;
	int error = read_reg(fdt, node, bus, index, &base, &span);

	if (!error)
		error = of_translate(fdt, bus, &base, span);
	if (error)
		return error;
	*addr = base;
	*size = span;
	return 0;
}

int of_cpu_id(const void *fdt, int node, uint64_t *id)
{
	phys_addr_t size;

	return read_reg(fdt, node, fdt_parent_offset(fdt, node), 0, id, &size);
}

/* #interrupt-cells of a controller, 0 if it is none or has more than we take. */
static unsigned int interrupt_cells(const void *fdt, int controller)
{
	uint32_t cells = of_u32(fdt, controller, "#interrupt-cells", 0);

	return cells <= OF_IRQ_MAX_CELLS ? cells : 0;
}

static int take_irq(int controller, unsigned int nr_cells, const fdt32_t *cell, struct of_irq *irq)
{
	irq->controller = controller;
	irq->nr_cells = nr_cells;
	for (unsigned int i = 0; i < OF_IRQ_MAX_CELLS; i++)
		irq->cells[i] = i < nr_cells ? fdt32_ld(cell + i) : 0;
	return 0;
}

static int extended_irq(const void *fdt, const fdt32_t *cell, int len, unsigned int index,
			struct of_irq *irq)
{
	unsigned int left = (unsigned int)len / (unsigned int)sizeof(*cell);

	while (left > 0) {
		int controller = fdt_node_offset_by_phandle(fdt, fdt32_ld(cell));
		unsigned int nr_cells;

		if (controller < 0)
			return -EINVAL;
		nr_cells = interrupt_cells(fdt, controller);
		if (nr_cells == 0 || left - 1 < nr_cells)
			return -EINVAL;
		if (index-- == 0)
			return take_irq(controller, nr_cells, cell + 1, irq);
		cell += 1 + nr_cells;
		left -= 1 + nr_cells;
	}
	return -ENOENT;
}

/* The controller `interrupts` of node refers to: the nearest one named, or met, on the way up. */
static int interrupt_parent(const void *fdt, int node)
{
	/* a tree may send us in a circle by phandle: no way up is longer than the depth allows */
	for (int steps = 0; steps < 64; steps++) {
		uint32_t phandle = of_u32(fdt, node, "interrupt-parent", 0);

		node = phandle ? fdt_node_offset_by_phandle(fdt, phandle)
			       : fdt_parent_offset(fdt, node);
		if (node < 0)
			return -EINVAL;
		if (fdt_getprop(fdt, node, "#interrupt-cells", NULL))
			return node;
	}
	return -EINVAL;
}

int of_irq(const void *fdt, int node, unsigned int index, struct of_irq *irq)
{
	int controller, len;
	unsigned int nr_cells;
	const fdt32_t *cell = fdt_getprop(fdt, node, "interrupts-extended", &len);

	if (cell)
		return extended_irq(fdt, cell, len, index, irq);
	cell = fdt_getprop(fdt, node, "interrupts", &len);
	if (!cell)
		return -ENOENT;
	controller = interrupt_parent(fdt, node);
	if (controller < 0)
		return controller;
	nr_cells = interrupt_cells(fdt, controller);
	if (nr_cells == 0)
		return -EINVAL;
	if (index >= (unsigned int)len / (unsigned int)sizeof(*cell) / nr_cells)
		return -ENOENT;
	return take_irq(controller, nr_cells, cell + index * nr_cells, irq);
}

int of_path(const void *fdt, const char *path, int length)
{
	const char *end = path + length, *slash = memchr(path, '/', (size_t)length), *target;
	int size, node = 0;

	if (length > 0 && *path != '/') {
		/* libfdt would follow an alias that names itself without end */
		slash = slash ? slash : end;
		node = fdt_path_offset(fdt, "/aliases");
		target = node < 0
				 ? NULL
				 : fdt_getprop_namelen(fdt, node, path, (int)(slash - path), &size);
		if (!target || size < 2 || *target != '/' || target[size - 1] != '\0')
			return -FDT_ERR_BADPATH;
		node = fdt_path_offset(fdt, target);
		path = slash;
	} else if (length <= 0) {
		return -FDT_ERR_BADPATH;
	}
	while (node >= 0 && path < end) {
		const char *name = path + 1;

		slash = memchr(name, '/', (size_t)(end - name));
		path = slash ? slash : end;
		if (path > name)
			node = fdt_subnode_offset_namelen(fdt, node, name, (int)(path - name));
	}
	return node;
}

int of_stdout(const void *fdt, const char **options)
{
	int chosen = fdt_path_offset(fdt, "/chosen");
	const char *path, *colon;
	int len;

	if (options)
		*options = NULL;
	if (chosen < 0)
		return -ENOENT;
	path = fdt_stringlist_get(fdt, chosen, "stdout-path", 0, &len);
	if (!path)
		path = fdt_stringlist_get(fdt, chosen, "linux,stdout-path", 0, &len);
	if (!path)
		return -ENOENT;
	colon = strchr(path, ':');
	if (colon) {
		if (options)
			*options = colon + 1;
		len = (int)(colon - path);
	}
	return of_path(fdt, path, len);
}
