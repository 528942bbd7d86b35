/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * of_pci.c: windows and interrupts of a PCI host bridge: see of_pci.h.
 */
#include "boot/dt/of_pci.h"

#include <errno.h>
#include <libfdt.h>

#define ADDRESS_CELLS	 3 /* of a child: phys.hi, phys.mid, phys.lo */
#define SIZE_CELLS	 2
#define HI_SPACE_SHIFT	 24
#define HI_PREFETCHABLE	 0x40000000U
#define HI_BUS_SHIFT	 16
#define HI_DEVFN_SHIFT	 8
#define CELL		 ((int)sizeof(fdt32_t))
#define MAX_PARENT_CELLS 2
#define MSI_MAP_CELLS	 4
#define MAP_CHILD_CELLS	 (ADDRESS_CELLS + 1) /* and the pin */

static uint64_t get_cells(const fdt32_t *cell, int count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = value << 32 | fdt32_ld(cell++);
	return value;
}

int of_pci_range(const void *fdt, int node, int index, struct of_pci_range *range)
{
	int parent = fdt_parent_offset(fdt, node);
	int len, entry, parent_cells;
	struct of_pci_range found;
	const fdt32_t *cell = fdt_getprop(fdt, node, "ranges", &len);
	uint32_t hi;

	if (!cell || index < 0)
		return -ENOENT;
	parent_cells = fdt_address_cells(fdt, parent);
	if (parent < 0 || parent_cells < 1 || parent_cells > MAX_PARENT_CELLS ||
	    fdt_address_cells(fdt, node) != ADDRESS_CELLS ||
	    fdt_size_cells(fdt, node) != SIZE_CELLS)
		return -EINVAL;
	entry = ADDRESS_CELLS + parent_cells + SIZE_CELLS;
	if (len % (entry * CELL))
		return -EINVAL;
	if (index >= len / (entry * CELL))
		return -ENOENT;
	cell += index * entry;
	hi = fdt32_ld(cell);
	found.space = (enum of_pci_space)(hi >> HI_SPACE_SHIFT & 3);
	found.prefetchable = hi & HI_PREFETCHABLE;
	found.pci = get_cells(cell + 1, ADDRESS_CELLS - 1);
	found.cpu = get_cells(cell + ADDRESS_CELLS, parent_cells);
	found.size = get_cells(cell + ADDRESS_CELLS + parent_cells, SIZE_CELLS);
	if (found.size == 0 || found.size - 1 > UINT64_MAX - found.pci ||
	    found.size > PHYS_ADDR_MAX - found.cpu)
		return -EINVAL;
	if (found.space != OF_PCI_MEM64 && found.size - 1 + found.pci > UINT32_MAX)
		return -EINVAL;
	*range = found;
	return of_translate(fdt, parent, &range->cpu, range->size);
}

/* The cells of the controller's own specifier, at cell, if the map's entry has so many left. */
static int read_parent(const void *fdt, int controller, const fdt32_t *cell, struct of_irq *irq)
{
	irq->controller = controller;
	irq->nr_cells = of_u32(fdt, controller, "#interrupt-cells", 0);
	for (unsigned int i = 0; i < OF_IRQ_MAX_CELLS; i++)
		irq->cells[i] = i < irq->nr_cells ? fdt32_ld(cell + i) : 0;
	return 0;
}

/*
 * An entry of the map: the child's address and pin, the controller's phandle, an address as the
 * controller's node counts it (#address-cells, none if it does not say), the specifier.
 */
int of_pci_irq(const void *fdt, int node, unsigned int bus, unsigned int devfn, unsigned int pin,
	       struct of_irq *irq)
{
	const uint32_t child[MAP_CHILD_CELLS] = {
		(uint32_t)bus << HI_BUS_SHIFT | devfn << HI_DEVFN_SHIFT, 0, 0, pin};
	int map_len, mask_len;
	const fdt32_t *cell = fdt_getprop(fdt, node, "interrupt-map", &map_len);
	const fdt32_t *mask = fdt_getprop(fdt, node, "interrupt-map-mask", &mask_len);
	int left = map_len / CELL;

	if (!cell)
		return -ENOENT;
	if (of_u32(fdt, node, "#interrupt-cells", 0) != 1 ||
	    (mask && mask_len != MAP_CHILD_CELLS * CELL))
		return -EINVAL;
	while (left > MAP_CHILD_CELLS) {
		int controller = fdt_node_offset_by_phandle(fdt, fdt32_ld(cell + MAP_CHILD_CELLS));
		uint32_t address_cells, irq_cells;
		bool hit = true;

		if (controller < 0)
			return -EINVAL;
		address_cells = of_u32(fdt, controller, "#address-cells", 0);
		irq_cells = of_u32(fdt, controller, "#interrupt-cells", 0);
		if (address_cells > MAX_PARENT_CELLS || irq_cells < 1 ||
		    irq_cells > OF_IRQ_MAX_CELLS ||
		    left < MAP_CHILD_CELLS + 1 + (int)(address_cells + irq_cells))
			return -EINVAL;
		for (int i = 0; i < MAP_CHILD_CELLS; i++) {
			uint32_t bits = mask ? fdt32_ld(mask + i) : UINT32_MAX;

			hit = hit && (child[i] & bits) == (fdt32_ld(cell + i) & bits);
		}
		cell += MAP_CHILD_CELLS + 1 + address_cells;
		if (hit)
			return read_parent(fdt, controller, cell, irq);
		cell += irq_cells;
		left -= MAP_CHILD_CELLS + 1 + (int)(address_cells + irq_cells);
	}
	return left ? -EINVAL : -ENOENT;
}

int of_pci_msi(const void *fdt, int node, uint32_t requester, int *controller, uint32_t *id)
{
	int len;
	/* entries of a first requester id, a phandle, a first id, and how many there are */
	const fdt32_t *cell = fdt_getprop(fdt, node, "msi-map", &len);
	uint32_t masked = requester & of_u32(fdt, node, "msi-map-mask", UINT32_MAX);

	if (!cell) {
		/* cells of the controller's own (#msi-cells) would only say what it is told here */
		cell = fdt_getprop(fdt, node, "msi-parent", &len);
		if (!cell)
			return -ENOENT;
		if (len < CELL)
			return -EINVAL;
		*controller = fdt_node_offset_by_phandle(fdt, fdt32_ld(cell));
		*id = requester;
		return *controller < 0 ? -EINVAL : 0;
	}
	if (len % (MSI_MAP_CELLS * CELL))
		return -EINVAL;
	for (int left = len; left > 0; left -= MSI_MAP_CELLS * CELL, cell += MSI_MAP_CELLS) {
		uint32_t first = fdt32_ld(cell);

		if (masked < first || masked - first >= fdt32_ld(cell + 3))
			continue;
		*controller = fdt_node_offset_by_phandle(fdt, fdt32_ld(cell + 1));
		*id = masked - first + fdt32_ld(cell + 2);
		return *controller < 0 ? -EINVAL : 0;
	}
	return -ENOENT;
}
