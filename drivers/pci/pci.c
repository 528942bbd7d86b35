/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.c: functions in use: their drivers, what they decode, and whether they may reach memory.
 *
 * A bridge passes nothing on, in neither direction, while no function behind it is in use.
 */
#include "drivers/pci/pci.h"

#include <errno.h>
#include <quarry/port.h>

#include "boot/mmu/mmu.h"
#include "drivers/base/io.h"
#include "drivers/pci/pci_internal.h"

struct pci_host *pci_hosts;

/* The first function of host or, if it has none, of those after it. */
static struct pci_dev *first_of(const struct pci_host *host)
{
	while (host && host->nr_functions == 0)
		host = host->next;
	return host ? pci_function(host, 0) : NULL;
}

struct pci_dev *pci_first(void)
{
	return first_of(pci_hosts);
}

struct pci_dev *pci_next(const struct pci_dev *pdev)
{
	const struct pci_host *host = pdev->host;

	for (unsigned int i = 0; i + 1 < host->nr_functions; i++)
		if (pci_function(host, i) == pdev)
			return pci_function(host, i + 1);
	return first_of(host->next);
}

/* Change the command register. Interrupt handlers change it too. */
static void change_command(struct pci_dev *pdev, uint16_t clear, uint16_t set)
{
	unsigned long flags = port_irq_save();
	uint16_t command = readw(pdev->config + PCI_COMMAND);

	writew((uint16_t)((command & ~clear) | set), pdev->config + PCI_COMMAND);
	/* an answer from the function: the write, and what the function had posted, have arrived */
	readw(pdev->config + PCI_COMMAND);
	port_irq_restore(flags);
}

int pci_enable_device(struct pci_dev *pdev)
{
	for (const struct pci_dev *p = pdev; p; p = p->bridge)
		if (p->unusable)
			return -ENXIO;
	if (readw(pdev->config + PCI_VENDOR_ID) != pdev->vendor)
		return -ENXIO; /* it has gone since it was found */
	if (pdev->enabled)
		return 0;
	for (struct pci_dev *bridge = pdev->bridge; bridge; bridge = bridge->bridge)
		if (bridge->users++ == 0)
			change_command(bridge, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	change_command(pdev, 0, PCI_COMMAND_MEMORY);
	pdev->enabled = true;
	return 0;
}

void pci_disable_device(struct pci_dev *pdev)
{
	pci_clear_master(pdev);
	if (!pdev->enabled)
		return;
	pdev->enabled = false;
	change_command(pdev, PCI_COMMAND_MEMORY, 0);
	for (struct pci_dev *bridge = pdev->bridge; bridge; bridge = bridge->bridge)
		if (--bridge->users == 0)
			change_command(bridge, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
}

void pci_set_master(struct pci_dev *pdev)
{
	change_command(pdev, 0, PCI_COMMAND_MASTER);
}

void pci_clear_master(struct pci_dev *pdev)
{
	change_command(pdev, PCI_COMMAND_MASTER, 0);
}

void *pci_iomap(struct device *dev, unsigned int bar, uint64_t min_size)
{
	const struct pci_dev *pdev = to_pci_dev(dev);
	const struct pci_bar *b = bar < PCI_NR_BARS ? &pdev->bar[bar] : NULL;

	if (!b || !b->placed || b->size < min_size) {
		device_log(dev, "BAR %u is not memory of the size it should have", bar);
		return NULL;
	}
	if (dev->size == 0) {
		dev->reg = b->cpu;
		dev->size = b->size;
	}
	return ioremap(b->cpu, b->size);
}

/* The driver is done, or its probe has failed: before the device's memory is given back. */
static void quiesce(struct device *dev)
{
	struct pci_dev *pdev = to_pci_dev(dev);

	pci_free_msix(pdev);
	pci_disable_device(pdev);
	pci_free_irq(pdev);
	pdev->dev = NULL;
}

int pci_bind(struct pci_dev *pdev)
{
	if (pdev->dev)
		return -EBUSY;
	if (pdev->is_bridge || pdev->unusable)
		return -ENXIO;
	pdev->dev = device_create(pdev->host->dev, pdev->name, pdev->compatible, pdev, quiesce);
	return pdev->dev ? 0 : -ENODEV;
}
