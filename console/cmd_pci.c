/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_pci.c: what is on the PCI buses, and where its BARs are.
 */
#include <inttypes.h>
#include <stdio.h>

#include "drivers/pci/pci.h"
#include "console/command.h"

static const char *const kinds[] = {
	[PCI_BAR_IO] = "I/O",
	[PCI_BAR_MEM32] = "memory, 32 bits",
	[PCI_BAR_MEM64] = "memory, 64 bits",
};

static void print_bar(unsigned int n, const struct pci_bar *bar)
{
	printf("         BAR%u %#" PRIx64 " bytes of %s%s", n, bar->size, kinds[bar->kind],
	       bar->prefetchable ? ", prefetchable" : "");
	if (bar->placed)
		printf(" at 0x%" PRIx64 "\n", bar->cpu);
	else
		printf(", %s\n", bar->kind == PCI_BAR_IO ? "not used" : "not placed");
}

static int cmd_pci(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	if (!pci_first()) {
		printf("pci: this board has no host bridge that a driver knows\n");
		return 1;
	}
	printf("function id        class  driver\n");
	for (const struct pci_dev *pdev = pci_first(); pdev; pdev = pci_next(pdev)) {
		printf("%-8s %04x:%04x %06" PRIx32 " %s%s\n", pdev->name, pdev->vendor,
		       pdev->device, pdev->class, pdev->dev ? pdev->dev->driver->name : "-",
		       pdev->unusable ? " not usable" : "");
		if (pdev->secondary)
			printf("         bridge to bus %02x\n", pdev->secondary);
		for (unsigned int i = 0; i < PCI_NR_BARS; i++)
			if (pdev->bar[i].kind != PCI_BAR_NONE)
				print_bar(i, &pdev->bar[i]);
	}
	return 0;
}

CONSOLE_COMMAND(pci, cmd_pci, "pci",
		"functions on the PCI buses: ids, class, driver, BARs\n"
		"sizes in bytes, addresses as the CPU sees them\n"
		"example: pci");
