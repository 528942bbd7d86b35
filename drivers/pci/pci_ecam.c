/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_ecam.c: a PCI host bridge whose configuration space is mapped as memory, 4 KiB a function, 1
 * MiB a bus (PCI Express Base Specification 3.0, 7.2.2; binding pci/host-generic-pci).
 */
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <quarry/port.h>

#include "boot/mmu/mmu.h"
#include "drivers/base/io.h"
#include "drivers/pci/pci_internal.h"

#define MAX_BUS 255

/* Buses from `bus-range`, as far as the configuration space goes. */
static int read_buses(struct pci_host *host, phys_addr_t ecam_size)
{
	const struct device *dev = host->dev;
	uint32_t first = 0, last = MAX_BUS;
	uint64_t room = ecam_size / PCI_BUS_ECAM_SIZE;
	int len;
	const fdt32_t *range = fdt_getprop(dev->fdt, dev->node, "bus-range", &len);

	if (range && len != 2 * (int)sizeof(*range))
		return -EINVAL;
	if (range) {
		first = fdt32_ld(range);
		last = fdt32_ld(range + 1);
	}
	if (first > last || last > MAX_BUS || room == 0)
		return -EINVAL;
	host->first_bus = first;
	host->last_bus = room <= last - first ? first + (uint32_t)room - 1 : last;
	return 0;
}

/* Use this window if it is the largest of its kind. Bus address 0 means "none" to many devices. */
static void offer_window(struct pci_window *window, const struct of_pci_range *range)
{
	if (range->size <= window->range.size)
		return;
	window->range = *range;
	window->next = range->pci ? range->pci : 1;
	window->end = range->pci + range->size;
}

static int read_windows(struct pci_host *host)
{
	const struct device *dev = host->dev;
	struct of_pci_range range;
	int error;

	for (int i = 0; (error = of_pci_range(dev->fdt, dev->node, i, &range)) == 0; i++) {
		if (range.space != OF_PCI_MEM32 && range.space != OF_PCI_MEM64)
			continue;
		if (range.pci + range.size - 1 > UINT32_MAX) {
			if (range.space == OF_PCI_MEM64 && range.pci > UINT32_MAX)
				offer_window(&host->high, &range);
		} else if (!range.prefetchable) {
			offer_window(&host->low, &range);
		}
	}
	if (error != -ENOENT)
		device_log(dev, "`ranges` cannot be used (error %d)", error);
	return error == -ENOENT ? 0 : error;
}

/* Every function off; those nearest to the root last. */
static void silence_all(struct pci_host *host)
{
	for (unsigned int i = host->nr_functions; i-- > 0;)
		writew(PCI_COMMAND_INTX_DISABLE, pci_function(host, i)->config + PCI_COMMAND);
}

static int ecam_probe(struct device *dev)
{
	struct pci_host *host = device_priv(dev);
	struct pci_host **tail = &pci_hosts;
	int error;

	host->dev = dev;
	error = of_reg(dev->fdt, dev->node, 0, &dev->reg, &dev->size);
	if (error)
		return error;
	if (dev->reg % PCI_BUS_ECAM_SIZE)
		return -EINVAL;
	error = read_buses(host, dev->size);
	if (!error)
		error = read_windows(host);
	if (error)
		return error;
	/* all buses at once: large pages, and so few tables */
	host->ecam = ioremap(dev->reg, (host->last_bus - host->first_bus + 1) * PCI_BUS_ECAM_SIZE);
	if (!host->ecam)
		return -ENXIO;
	error = pci_scan(host);
	if (error) {
		silence_all(host);
		return error;
	}
	pci_assign(host);
	while (*tail)
		tail = &(*tail)->next;
	*tail = host;
	for (unsigned int i = 0; i < host->nr_functions; i++)
		if (!pci_function(host, i)->is_bridge)
			pci_bind(pci_function(host, i));
	return 0;
}

static void ecam_remove(struct device *dev)
{
	struct pci_host *host = device_priv(dev), **link = &pci_hosts;

	silence_all(host);
	while (*link != host)
		link = &(*link)->next;
	*link = host->next;
}

static const char *const ecam_compatible[] = {"pci-host-ecam-generic", NULL};

DRIVER(pci_ecam, "pci-ecam", DRIVER_DEVICE, ecam_compatible, ecam_probe, ecam_remove,
       sizeof(struct pci_host));
