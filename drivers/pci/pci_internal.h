/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_internal.h: what the parts of the PCI layer share: pci.c (functions in use), pci_ecam.c (the
 * host bridge), pci_scan.c (what is there), pci_assign.c (addresses), pci_irq.c.
 */
#ifndef DRIVERS_PCI_INTERNAL_H
#define DRIVERS_PCI_INTERNAL_H

#include <assert.h>

#include "boot/dt/of_pci.h"
#include "drivers/pci/pci.h"

/*
 * More of configuration space: header type 0 and 1 (6.1), bridges (PCI-to-PCI Bridge Specification
 * 1.2, 3.2).
 */
#define PCI_CLASS_REVISION	 0x08
#define PCI_HEADER_TYPE		 0x0e
#define PCI_HEADER_MULTIFUNCTION 0x80
#define PCI_BAR(n)		 (0x10 + 4 * (n))
#define PCI_ROM_ADDRESS		 0x30
#define PCI_INTERRUPT_PIN	 0x3d
#define PCI_BUS_NUMBERS		 0x18 /* primary, secondary, subordinate, latency timer */
#define PCI_IO_BASE_LIMIT	 0x1c
#define PCI_MEMORY_BASE_LIMIT	 0x20
#define PCI_PREF_BASE_LIMIT	 0x24
#define PCI_PREF_BASE_UPPER	 0x28
#define PCI_PREF_LIMIT_UPPER	 0x2c
#define PCI_BRIDGE_ROM_ADDRESS	 0x38

#define PCI_BUS_ECAM_SIZE	 ((size_t)1 << 20)
#define PCI_CHUNKS		 4
#define PCI_CHUNK_FUNCTIONS	 (PAGE_SIZE / sizeof(struct pci_dev))
#define PCI_MAX_FUNCTIONS	 (PCI_CHUNKS * PCI_CHUNK_FUNCTIONS)
#define PCI_MAX_LINES		 8

static_assert(PCI_CHUNK_FUNCTIONS >= 15, "a page holds few functions");

/*
 * Bus addresses [next, end) of a window are free; [pci, pci + size) is [cpu, cpu + size) for the
 * CPU.
 */
struct pci_window {
	struct of_pci_range range; /* size 0: the host has no such window */
	uint64_t next, end;
};

/* An interrupt of the controller that functions share. */
struct pci_line {
	struct pci_host *host;
	struct of_irq irq;
	unsigned int users;
	int hwirq;
};

struct pci_host {
	struct pci_host *next;
	struct device *dev;
	char *ecam;				   /* of first_bus */
	unsigned int first_bus, last_bus, top_bus; /* top_bus: the highest number given out */
	struct pci_window low;			   /* below 4 GiB, for every BAR */
	struct pci_window high;			   /* for 64-bit BARs */
	unsigned int nr_functions;
	bool full; /* there were more than PCI_MAX_FUNCTIONS */
	struct pci_dev *chunk[PCI_CHUNKS];
	struct pci_line line[PCI_MAX_LINES];
};

static inline struct pci_dev *pci_function(const struct pci_host *host, unsigned int i)
{
	return &host->chunk[i / PCI_CHUNK_FUNCTIONS][i % PCI_CHUNK_FUNCTIONS];
}

/* All host bridges in use; changed with no function bound. */
extern struct pci_host *pci_hosts;

/* pci_scan() - find all functions, number the buses, learn the sizes of the BARs. 0 or -ENOMEM. */
int pci_scan(struct pci_host *host);

/*
 * pci_assign() - give every memory BAR an address, and every bridge the windows for what is behind.
 */
void pci_assign(struct pci_host *host);

/* pci_messages_off() - MSI and MSI-X, which a loader may have left on, and which end the wire. */
void pci_messages_off(const struct pci_dev *pdev);

/* One line of log about a function. */
void pci_log(const struct pci_dev *pdev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
