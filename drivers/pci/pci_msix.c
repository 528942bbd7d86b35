/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_msix.c: the capabilities of a function, and interrupts by message through the one that has a
 * table of them in a BAR: MSI-X (PCI Local Bus Specification 3.0, 6.7, 6.8.2).
 */
#include <errno.h>

#include "boot/mmu/mmu.h"
#include "drivers/base/io.h"
#include "drivers/irqchip/msi.h"
#include "drivers/pci/pci_internal.h"

#define PCI_CAPABILITIES	0x34 /* where the first one is */
#define PCI_STATUS_CAPABILITIES 0x0010
#define FIRST_CAPABILITY	0x40
#define MAX_LOOKS		((PCI_CONFIG_SIZE - FIRST_CAPABILITY) / 4)

/* The MSI-X capability, and an entry of its table. */
#define MSI_CONTROL	    2 /* of the MSI capability; bit 0 is on (6.8.1.3) */
#define MSIX_CONTROL	    2
#define MSIX_CONTROL_SIZE   0x07ff /* entries, less one */
#define MSIX_CONTROL_MASK   0x4000
#define MSIX_CONTROL_ENABLE 0x8000
#define MSIX_TABLE	    4
#define MSIX_TABLE_BAR	    7U
#define MSIX_SIZE	    12
#define ENTRY_SIZE	    16
#define ENTRY_ADDRESS	    0
#define ENTRY_DATA	    8
#define ENTRY_CONTROL	    12
#define ENTRY_MASKED	    1

unsigned int pci_find_capability(const struct pci_dev *pdev, uint8_t id, unsigned int after)
{
	bool passed = after == 0;
	unsigned int at;

	if (!(readw(pdev->config + PCI_STATUS) & PCI_STATUS_CAPABILITIES))
		return 0;
	at = readb(pdev->config + PCI_CAPABILITIES) & ~3U;
	for (unsigned int i = 0; at >= FIRST_CAPABILITY && i < MAX_LOOKS; i++) {
		if (passed && readb(pdev->config + at) == id)
			return at;
		passed = passed || at == after;
		at = readb(pdev->config + at + 1) & ~3U;
	}
	return 0;
}

void pci_messages_off(const struct pci_dev *pdev)
{
	unsigned int msi = pci_find_capability(pdev, PCI_CAP_MSI, 0);
	unsigned int msix = pci_find_capability(pdev, PCI_CAP_MSIX, 0);

	if (msi)
		writew(0, pdev->config + msi + MSI_CONTROL);
	if (msix)
		writew(0, pdev->config + msix + MSIX_CONTROL);
}

/* The table, with room for nr entries. */
static int map_table(struct pci_dev *pdev, unsigned int capability, unsigned int nr,
		     struct pci_msix *msix)
{
	uint32_t table = readl(pdev->config + capability + MSIX_TABLE);
	uint64_t offset = table & ~MSIX_TABLE_BAR;
	const struct pci_bar *bar;

	msix->control = pdev->config + capability + MSIX_CONTROL;
	if ((readw(msix->control) & MSIX_CONTROL_SIZE) + 1U < nr)
		return -ENOENT;
	if ((table & MSIX_TABLE_BAR) >= PCI_NR_BARS)
		return -EINVAL;
	bar = &pdev->bar[table & MSIX_TABLE_BAR];
	if (!bar->placed || offset > bar->size || bar->size - offset < (uint64_t)nr * ENTRY_SIZE)
		return -EINVAL;
	msix->table = ioremap(bar->cpu, bar->size);
	if (!msix->table)
		return -EINVAL;
	msix->table += offset;
	return 0;
}

static void write_entry(char *entry, const struct msi_msg *msg)
{
	writel((uint32_t)msg->addr, entry + ENTRY_ADDRESS);
	writel((uint32_t)(msg->addr >> 32), entry + ENTRY_ADDRESS + 4);
	writel(msg->data, entry + ENTRY_DATA);
	writel(0, entry + ENTRY_CONTROL);
}

static void turn_off(struct pci_msix *msix)
{
	for (unsigned int i = 0; i < msix->nr; i++)
		writel(ENTRY_MASKED, msix->table + i * ENTRY_SIZE + ENTRY_CONTROL);
	writew(MSIX_CONTROL_MASK, msix->control);
	readw(msix->control); /* it has arrived, so no message comes any more */
	while (msix->nr > 0)
		msi_free(msix->controller, msix->hwirq[--msix->nr]);
}

int pci_request_msix(struct device *dev, struct pci_msix *msix, unsigned int nr, const irq_fn fn[],
		     void *arg)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	unsigned int capability = pci_find_capability(pdev, PCI_CAP_MSIX, 0);
	uint32_t id, requester = (uint32_t)pdev->bus << 8 | pdev->devfn;
	int error, hwirq = 0;

	if (pdev->msix)
		return -EBUSY;
	if (!capability || capability + MSIX_SIZE > PCI_CONFIG_SIZE || nr > PCI_MAX_VECTORS)
		return -ENOENT;
	error = of_pci_msi(dev->fdt, dev->node, requester, &msix->controller, &id);
	if (error)
		return error == -ENOENT ? -ENODEV : error;
	error = map_table(pdev, capability, nr, msix);
	if (error)
		return error;
	/* on, which takes the wire away, but every vector masked */
	writew(MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK, msix->control);
	msix->nr = 0;
	for (unsigned int i = 0; i < nr; i++) {
		struct msi_msg msg;

		hwirq = msi_request(msix->controller, id, fn[i], arg, &msg);
		if (hwirq < 0) {
			turn_off(msix);
			return hwirq;
		}
		msix->hwirq[msix->nr++] = (unsigned int)hwirq;
		write_entry(msix->table + i * ENTRY_SIZE, &msg);
	}
	pdev->msix = msix;
	writew(MSIX_CONTROL_ENABLE, msix->control);
	return hwirq;
}

void pci_free_msix(struct pci_dev *pdev)
{
	if (!pdev->msix)
		return;
	turn_off(pdev->msix);
	pdev->msix = NULL;
}

const char *pci_msix_reason(int error)
{
	switch (error) {
	case -ENOENT:
		return "by wire: the function has no MSI-X, or fewer vectors than it needs";
	case -ENODEV:
		return "by wire: the device tree names no controller of messages for it";
	case -ENXIO:
		return "by wire: the controller of its messages has no driver";
	case -EINVAL:
		return "by wire: its MSI-X table is in no BAR, or its msi-map makes no sense";
	}
	return "by wire: the controller of its messages has none left";
}
