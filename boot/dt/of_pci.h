/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * of_pci.h: what the node of a PCI host bridge says, in the words of the PCI Bus Binding to Open
 * Firmware (IEEE Std 1275, revision 2.1): a child's address has three cells, of which the first
 * tells the space.
 *
 * All functions: any context, cost linear in the tree, no allocation.
 */
#ifndef BOOT_OF_PCI_H
#define BOOT_OF_PCI_H

#include <quarry/types.h>

#include "boot/dt/of.h"

/* Address spaces, the `ss` bits of the first cell (section 2.2.1.1). */
enum of_pci_space {
	OF_PCI_CONFIG,
	OF_PCI_IO,
	OF_PCI_MEM32,
	OF_PCI_MEM64
};

/* A window: [pci, pci + size) on the bus is [cpu, cpu + size) for the CPU. */
struct of_pci_range {
	enum of_pci_space space;
	bool prefetchable;
	uint64_t pci;
	phys_addr_t cpu;
	uint64_t size;
};

/*
 * of_pci_range() - the index-th entry of a host bridge's `ranges`, its other end carried on to the
 * CPU. 0; -ENOENT: no such entry; -EINVAL: malformed; -ERANGE: a bus above does not pass it on.
 */
int of_pci_range(const void *fdt, int node, int index, struct of_pci_range *range);

/*
 * of_pci_irq() - where interrupt pin 1 to 4 (INTA# to INTD#) of the function devfn on the root bus
 * `bus` ends, from `interrupt-map` (devicetree specification, 2.4.4). 0; -ENOENT: the map does not
 * have it; -EINVAL: malformed.
 */
int of_pci_irq(const void *fdt, int node, unsigned int bus, unsigned int devfn, unsigned int pin,
	       struct of_irq *irq);

/*
 * of_pci_msi() - which controller takes the messages of the function with this requester id (bus <<
 * 8 | devfn), from the bridge's `msi-map` (devicetree binding pci/pci-msi), else from its
 * `msi-parent`, and the id by which that knows the function. 0; -ENOENT: neither names one for it;
 * -EINVAL: malformed.
 */
int of_pci_msi(const void *fdt, int node, uint32_t requester, int *controller, uint32_t *id);

#endif
