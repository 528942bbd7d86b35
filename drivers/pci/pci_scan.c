/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_scan.c: what is on the buses: functions, the buses behind bridges, the sizes of BARs.
 *
 * Everything is found in one walk that forgets what firmware had set up: every function is switched
 * off, and every bridge is closed before any is opened, so that no two claim the same bus number.
 */
#include <errno.h>
#include <inttypes.h>
#include <quarry/port.h>
#include <stdarg.h>
#include <stdio.h>

#include "drivers/base/io.h"
#include "drivers/pci/pci_internal.h"

#define VENDOR_NONE   0xffff
#define HEADER_DEVICE 0
#define HEADER_BRIDGE 1
#define MAX_DEPTH     8 /* bridges behind one another */
#define NR_SLOTS      32
#define NR_FUNCS      8

#define BAR_IO	      0x1
#define BAR_TYPE      0x6 /* memory: */
#define BAR_TYPE_32   0x0
#define BAR_TYPE_64   0x4
#define BAR_PREFETCH  0x8
#define BAR_IO_MASK   0x3
#define BAR_MEM_MASK  0xf

void pci_log(const struct pci_dev *pdev, const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	port_log("pci %s: %s", pdev->name, text);
}

/* What a BAR reads after all ones were written to it, with its own value put back. */
static uint32_t probe_bar(char *reg)
{
	uint32_t value = readl(reg), ones;

	writel(UINT32_MAX, reg);
	ones = readl(reg);
	writel(value, reg);
	return ones;
}

/*
 * The size of the BAR at index i (6.2.5.1), the address bits being those that can be written.
 * Returns how many registers it takes, or 0 if what it reads makes no sense.
 */
static unsigned int size_bar(struct pci_dev *pdev, unsigned int i, unsigned int count)
{
	struct pci_bar *bar = &pdev->bar[i];
	uint32_t ones = probe_bar(pdev->config + PCI_BAR(i));
	unsigned int registers = 1;
	uint64_t writable;

	if (ones == 0)
		return 1;
	if (ones == UINT32_MAX)
		return 0;
	if (ones & BAR_IO) {
		ones &= ~(uint32_t)BAR_IO_MASK;
		bar->kind = PCI_BAR_IO;
		bar->size = ones & (0 - ones);
		return 1;
	}
	writable = ones & ~(uint32_t)BAR_MEM_MASK;
	if ((ones & BAR_TYPE) == BAR_TYPE_64 && i + 1 < count) {
		registers = 2;
		writable |= (uint64_t)probe_bar(pdev->config + PCI_BAR(i + 1)) << 32;
	} else if ((ones & BAR_TYPE) == BAR_TYPE_32) {
		writable |= (uint64_t)UINT32_MAX << 32;
	} else {
		return 0;
	}
	bar->size = writable & (0 - writable);
	/* a power of two: all bits above the lowest one can be written too */
	if (bar->size < 16 || writable != 0 - bar->size)
		return 0;
	bar->kind = registers == 2 ? PCI_BAR_MEM64 : PCI_BAR_MEM32;
	bar->prefetchable = ones & BAR_PREFETCH;
	return registers;
}

static void size_bars(struct pci_dev *pdev)
{
	unsigned int count = pdev->is_bridge ? 2 : PCI_NR_BARS, registers;

	for (unsigned int i = 0; i < count; i += registers) {
		registers = size_bar(pdev, i, count);
		if (!registers) {
			pdev->bar[i] = (struct pci_bar){.kind = PCI_BAR_NONE};
			pci_log(pdev, "BAR %u has no size that makes sense: not usable", i);
			pdev->unusable = true;
			return;
		}
		if (pdev->bar[i].kind == PCI_BAR_IO)
			pci_log(pdev, "BAR %u: %" PRIu64 " bytes of I/O space, not used", i,
				pdev->bar[i].size);
	}
}

/* Room for one more function, zeroed; NULL if there is none. */
static struct pci_dev *new_function(struct pci_host *host)
{
	unsigned int chunk = host->nr_functions / PCI_CHUNK_FUNCTIONS;

	if (host->nr_functions == PCI_MAX_FUNCTIONS) {
		if (!host->full)
			device_log(host->dev, "more than %u functions: the rest is not used",
				   (unsigned int)PCI_MAX_FUNCTIONS);
		host->full = true;
		return NULL;
	}
	if (!host->chunk[chunk]) {
		host->chunk[chunk] = device_alloc(host->dev, 0);
		if (!host->chunk[chunk])
			return NULL;
	}
	return pci_function(host, host->nr_functions++);
}

/* The function is off already. No expansion ROM; a bridge leads nowhere. */
static void close_windows(const struct pci_dev *pdev)
{
	if (!pdev->is_bridge) {
		writel(0, pdev->config + PCI_ROM_ADDRESS);
		return;
	}
	writel(0, pdev->config + PCI_BRIDGE_ROM_ADDRESS);
	writel(readl(pdev->config + PCI_BUS_NUMBERS) & 0xff000000, pdev->config + PCI_BUS_NUMBERS);
	/* windows whose base is above their limit */
	writew(0x00f0, pdev->config + PCI_IO_BASE_LIMIT);
	writel(0x0000fff0, pdev->config + PCI_MEMORY_BASE_LIMIT);
	writel(0x0000fff0, pdev->config + PCI_PREF_BASE_LIMIT);
	writel(0, pdev->config + PCI_PREF_BASE_UPPER);
	writel(0, pdev->config + PCI_PREF_LIMIT_UPPER);
}

/* *more: other functions of the slot may be there. 0, or -ENOMEM. */
static int scan_function(struct pci_host *host, struct pci_dev *bridge, unsigned int bus,
			 unsigned int devfn, bool *more)
{
	char *config = host->ecam + (bus - host->first_bus) * PCI_BUS_ECAM_SIZE +
		       devfn * (size_t)PAGE_SIZE;
	uint16_t vendor = readw(config + PCI_VENDOR_ID);
	struct pci_dev *pdev;
	uint8_t header;

	*more = PCI_FUNC(devfn) != 0;
	if (vendor == VENDOR_NONE || vendor == 0)
		return 0;
	header = readb(config + PCI_HEADER_TYPE);
	*more = *more || header & PCI_HEADER_MULTIFUNCTION;
	header &= (uint8_t)~PCI_HEADER_MULTIFUNCTION;
	/* off, known or not: no decoding, no bus mastering, no interrupt */
	writew(PCI_COMMAND_INTX_DISABLE, config + PCI_COMMAND);
	pdev = new_function(host);
	if (!pdev)
		return host->full ? 0 : -ENOMEM;
	pdev->host = host;
	pdev->bridge = bridge;
	pdev->config = config;
	pdev->vendor = vendor;
	pdev->device = readw(config + PCI_DEVICE_ID);
	pdev->class = readl(config + PCI_CLASS_REVISION) >> 8;
	pdev->bus = (uint8_t)bus;
	pdev->devfn = (uint8_t)devfn;
	pdev->pin = readb(config + PCI_INTERRUPT_PIN);
	if (pdev->pin > 4)
		pdev->pin = 0;
	pci_messages_off(pdev);
	pdev->is_bridge = header == HEADER_BRIDGE;
	snprintf(pdev->name, sizeof(pdev->name), "%02x:%02x.%u", bus & 0xff, PCI_SLOT(devfn) & 31,
		 PCI_FUNC(devfn));
	snprintf(pdev->compatible, sizeof(pdev->compatible), "pci%x,%x", pdev->vendor,
		 pdev->device);
	if (header != HEADER_DEVICE && header != HEADER_BRIDGE) {
		pci_log(pdev, "header type %u is not known: not usable", header);
		pdev->unusable = true;
		return 0;
	}
	close_windows(pdev);
	size_bars(pdev);
	return 0;
}

static int scan_bus(struct pci_host *host, struct pci_dev *bridge, unsigned int bus,
		    unsigned int depth);

/* Number the bus behind a bridge and look what is on it. */
static int go_behind(struct pci_host *host, struct pci_dev *bridge, unsigned int depth)
{
	uint32_t numbers = readl(bridge->config + PCI_BUS_NUMBERS) & 0xff000000;
	int error;

	if (depth > MAX_DEPTH || host->top_bus == host->last_bus) {
		pci_log(bridge, "%s: what is behind it is not used",
			depth > MAX_DEPTH ? "too many bridges above" : "no bus number is left");
		bridge->unusable = true;
		return 0;
	}
	bridge->secondary = (uint8_t)++host->top_bus;
	numbers |= (uint32_t)bridge->secondary << 8 | bridge->bus;
	/* all numbers that are left are behind it until it is known which are */
	writel(numbers | (uint32_t)host->last_bus << 16, bridge->config + PCI_BUS_NUMBERS);
	error = scan_bus(host, bridge, bridge->secondary, depth);
	writel(numbers | (uint32_t)host->top_bus << 16, bridge->config + PCI_BUS_NUMBERS);
	return error;
}

static int scan_bus(struct pci_host *host, struct pci_dev *bridge, unsigned int bus,
		    unsigned int depth)
{
	unsigned int first = host->nr_functions, end;
	int error = 0;

	for (unsigned int slot = 0; slot < NR_SLOTS; slot++) {
		bool more = true;

		for (unsigned int func = 0; more && func < NR_FUNCS && !error; func++)
			error = scan_function(host, bridge, bus, slot * NR_FUNCS + func, &more);
	}
	end = host->nr_functions;
	for (unsigned int i = first; i < end && !error; i++)
		if (pci_function(host, i)->is_bridge)
			error = go_behind(host, pci_function(host, i), depth + 1);
	return error;
}

int pci_scan(struct pci_host *host)
{
	host->top_bus = host->first_bus;
	return scan_bus(host, NULL, host->first_bus, 0);
}
