/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_pci.h: PCI functions that are not there, for test_pci.c: their configuration space, bridges
 * that pass requests on as their registers say, and the sources under test on top of that.
 */
#ifndef TEST_HOST_FAKE_PCI_H
#define TEST_HOST_FAKE_PCI_H

#include <stdlib.h>
#include <string.h>

#include <quarry/port.h>

/* Lines of log are counted. */
static unsigned int nr_lines;

static void count_line(const char *fmt, ...)
{
	(void)fmt;
	nr_lines++;
}
#define port_log count_line

/* Accesses to registers come here instead of to memory. */
#define DRIVERS_IO_H
static uint32_t readl(const volatile void *reg);
static uint16_t readw(const volatile void *reg);
static uint8_t readb(const volatile void *reg);
static void writel(uint32_t value, volatile void *reg);
static void writew(uint16_t value, volatile void *reg);

/* the sources themselves: they are not among the objects that every host test links */
#include "drivers/pci/pci_assign.c"
#include "drivers/pci/pci_msix.c"
#include "drivers/pci/pci_scan.c"

#define NR_FAKES   128
#define ROOT	   (-1)
#define NONE	   0xffffffffU
#define FIRST_BUS  3
#define LAST_BUS   40
#define LOW_BASE   0x40000000ULL
#define LOW_SIZE   0x3eff0000ULL /* no multiple of a bridge's granule */
#define HIGH_BASE  0x400000000ULL
#define HIGH_SIZE  0x400000000ULL
#define CPU_OFFSET 0x1000000000ULL

/*
 * A function: its registers, the bits of them that can be written, and which bridge it is behind.
 */
struct fake {
	int bridge;
	unsigned int devfn;
	uint32_t reg[64], writable[64];
};

static struct fake fakes[NR_FAKES];
static int nr_fakes;
static struct device host_dev;
static struct pci_host host;
static bool alloc_fails;
static uint32_t seed;

/* Never touched: only differences of addresses in it count. */
static char *const ecam = (char *)0x100000000000;

static uint32_t next(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static uint32_t bus_numbers(int bridge)
{
	return fakes[bridge].reg[PCI_BUS_NUMBERS / 4];
}

/* The bus behind bridge. */
static unsigned int secondary(int bridge)
{
	return bridge == ROOT ? FIRST_BUS : bus_numbers(bridge) >> 8 & 0xff;
}

/*
 * Does a request for bus get to the bus behind bridge? One for the bus that the bridge is on is not
 * for bridges.
 */
static bool routed(int bridge, unsigned int bus)
{
	int above;

	if (bridge == ROOT)
		return true;
	above = fakes[bridge].bridge;
	return secondary(bridge) != 0 && secondary(bridge) <= bus &&
	       (bus_numbers(bridge) >> 16 & 0xff) >= bus && secondary(above) != bus &&
	       routed(above, bus);
}

/* The function that a request ends at. Two would be a conflict on the bus. */
static struct fake *answering(const volatile void *reg)
{
	size_t at = (size_t)((const volatile char *)reg - ecam);
	unsigned int bus = FIRST_BUS + (unsigned int)(at >> 20), devfn = at >> 12 & 0xff;
	struct fake *found = NULL;

	assert_true(bus <= LAST_BUS);
	for (int i = 0; i < nr_fakes; i++) {
		int bridge = fakes[i].bridge;

		if (fakes[i].devfn != devfn || secondary(bridge) != bus || !routed(bridge, bus))
			continue;
		assert_null(found);
		found = &fakes[i];
	}
	return found;
}

static uint32_t readl(const volatile void *reg)
{
	const struct fake *fake = answering(reg);
	size_t offset = (uintptr_t)reg & 0xffc;

	assert_true(((uintptr_t)reg & 3) == 0 && offset < sizeof(fake->reg));
	return fake ? fake->reg[offset / 4] : NONE;
}

static uint16_t readw(const volatile void *reg)
{
	uintptr_t addr = (uintptr_t)reg;

	return (uint16_t)(readl((void *)(addr & ~(uintptr_t)3)) >> (addr & 2) * 8);
}

static uint8_t readb(const volatile void *reg)
{
	uintptr_t addr = (uintptr_t)reg;

	return (uint8_t)(readl((void *)(addr & ~(uintptr_t)3)) >> (addr & 3) * 8);
}

static void writel(uint32_t value, volatile void *reg)
{
	struct fake *fake = answering(reg);
	size_t i = ((uintptr_t)reg & 0xffc) / 4;

	if (fake)
		fake->reg[i] = (fake->reg[i] & ~fake->writable[i]) | (value & fake->writable[i]);
}

static void writew(uint16_t value, volatile void *reg)
{
	uintptr_t addr = (uintptr_t)reg & ~(uintptr_t)3;
	unsigned int shift = ((uintptr_t)reg & 2) * 8;

	writel((readl((void *)addr) & ~(0xffffU << shift)) | (uint32_t)value << shift,
	       (void *)addr);
}

/* Nothing here interrupts. */
int of_pci_msi(const void *fdt, int node, uint32_t requester, int *controller, uint32_t *id)
{
	(void)fdt;
	(void)node;
	(void)requester;
	(void)controller;
	(void)id;
	abort();
}

int msi_request(int controller, uint32_t id, irq_fn fn, void *arg, struct msi_msg *msg)
{
	(void)controller;
	(void)id;
	(void)fn;
	(void)arg;
	(void)msg;
	abort();
}

void msi_free(int controller, unsigned int hwirq)
{
	(void)controller;
	(void)hwirq;
	abort();
}

void *ioremap(phys_addr_t addr, size_t size)
{
	(void)addr;
	(void)size;
	abort();
}

void *device_alloc(struct device *dev, unsigned int order)
{
	assert_true(dev == &host_dev && order == 0 && dev->nr_blocks < PCI_CHUNKS);
	return alloc_fails ? NULL : (dev->block[dev->nr_blocks++].addr = calloc(1, PAGE_SIZE));
}

void device_log(const struct device *dev, const char *fmt, ...)
{
	(void)dev;
	(void)fmt;
	nr_lines++;
}

/* ---- making functions ------------------------------------------------------------------------ */

static int add(int bridge, unsigned int devfn, uint32_t header)
{
	struct fake *fake = &fakes[nr_fakes];

	assert_true(nr_fakes < NR_FAKES);
	memset(fake, 0, sizeof(*fake));
	fake->bridge = bridge;
	fake->devfn = devfn;
	fake->reg[0] = 0x00010000U * (uint32_t)nr_fakes | 0x1234;
	fake->reg[PCI_HEADER_TYPE / 4] = header << 16;
	fake->reg[1] = 0xffff0007; /* left on by somebody */
	fake->writable[1] = 0x0407;
	if ((header & 0x7f) == 1) {
		/* stale numbers and windows, as firmware may leave them */
		fake->reg[PCI_BUS_NUMBERS / 4] = 0x00ff0000U | (FIRST_BUS + 1) << 8 | FIRST_BUS;
		fake->writable[PCI_BUS_NUMBERS / 4] = 0x00ffffff;
		fake->writable[PCI_IO_BASE_LIMIT / 4] = 0x0000f0f0;
		fake->reg[PCI_MEMORY_BASE_LIMIT / 4] = 0x7ff04000;
		fake->writable[PCI_MEMORY_BASE_LIMIT / 4] = 0xfff0fff0;
		fake->reg[PCI_PREF_BASE_LIMIT / 4] = 0xfff10001;
		fake->writable[PCI_PREF_BASE_LIMIT / 4] = 0xfff0fff0;
		fake->writable[PCI_PREF_BASE_UPPER / 4] = NONE;
		fake->writable[PCI_PREF_LIMIT_UPPER / 4] = NONE;
	}
	return nr_fakes++;
}

/* Give a function a memory BAR of 2^shift bytes; returns the number of registers it takes. */
static int add_bar(int function, int i, unsigned int shift, bool is64, bool prefetchable)
{
	struct fake *fake = &fakes[function];
	uint64_t mask = 0 - ((uint64_t)1 << shift);

	fake->reg[PCI_BAR(i) / 4] = (is64 ? BAR_TYPE_64 : 0) | (prefetchable ? BAR_PREFETCH : 0);
	fake->writable[PCI_BAR(i) / 4] = (uint32_t)mask & ~15U;
	if (is64)
		fake->writable[PCI_BAR(i + 1) / 4] = (uint32_t)(mask >> 32);
	return is64 ? 2 : 1;
}

static void start(uint32_t new_seed)
{
	nr_fakes = 0;
	seed = new_seed;
	alloc_fails = false;
	nr_lines = 0;
	memset(&host, 0, sizeof(host));
	memset(&host_dev, 0, sizeof(host_dev));
	host.dev = &host_dev;
	host.ecam = ecam;
	host.first_bus = FIRST_BUS;
	host.last_bus = LAST_BUS;
	host.low.range = (struct of_pci_range){OF_PCI_MEM32, false, LOW_BASE, LOW_BASE + CPU_OFFSET,
					       LOW_SIZE};
	host.low.next = LOW_BASE;
	host.low.end = LOW_BASE + LOW_SIZE;
	host.high.range = (struct of_pci_range){OF_PCI_MEM64, false, HIGH_BASE,
						HIGH_BASE + CPU_OFFSET, HIGH_SIZE};
	host.high.next = HIGH_BASE;
	host.high.end = HIGH_BASE + HIGH_SIZE;
}

static void finish(void)
{
	for (uint32_t i = 0; i < host_dev.nr_blocks; i++)
		free(host_dev.block[i].addr);
}

static void scan_and_assign(void)
{
	assert_int_equal(pci_scan(&host), 0);
	pci_assign(&host);
}

#endif
