// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_pci.c: what the PCI layer leaves behind after it has looked at a bus: BARs that lie where they may and never
 * overlap, bridges that pass on exactly that, and functions without a driver that are off.
 */
#include "ktap.h"

#include "drivers/base/io.h"
#include "drivers/pci/pci.h"

#define BAR(n)		      (0x10 + 4 * (n))
#define BRIDGE_MEMORY	      0x20
#define BRIDGE_PREFETCH	      0x24
#define BRIDGE_PREFETCH_UPPER 0x28
#define BRIDGE_LIMIT_UPPER    0x2c

static bool found(void)
{
	if (!pci_first())
		test_skip("no PCI host bridge");
	return pci_first() != NULL;
}

/* The bus address a BAR has been given, from the function itself. */
static uint64_t bar_address(const struct pci_dev *pdev, unsigned int i)
{
	uint64_t addr = readl(pdev->config + BAR(i)) & ~15U;

	if (pdev->bar[i].kind == PCI_BAR_MEM64)
		addr |= (uint64_t)readl(pdev->config + BAR(i + 1)) << 32;
	return addr;
}

/* Does one of the bridge's windows have all of [start, end)? */
static bool passes(const struct pci_dev *bridge, uint64_t start, uint64_t end)
{
	uint32_t memory = readl(bridge->config + BRIDGE_MEMORY);
	uint32_t pref = readl(bridge->config + BRIDGE_PREFETCH);
	uint64_t base = (memory & 0xfff0) << 16;
	uint64_t limit = (memory & 0xfff00000) | 0xfffff;

	if (start >= base && end - 1 <= limit)
		return true;
	base = (uint64_t)readl(bridge->config + BRIDGE_PREFETCH_UPPER) << 32 | (pref & 0xfff0)
										       << 16;
	limit = (uint64_t)readl(bridge->config + BRIDGE_LIMIT_UPPER) << 32 | (pref & 0xfff00000) |
		0xfffff;
	return start >= base && end - 1 <= limit;
}

/* No other BAR overlaps, and those of functions that are not behind the bridge are not in its windows. */
static void expect_alone(const struct pci_dev *pdev, unsigned int n)
{
	uint64_t start = bar_address(pdev, n), end = start + pdev->bar[n].size;

	for (const struct pci_dev *other = pci_first(); other; other = pci_next(other)) {
		const struct pci_dev *above = pdev->bridge;

		if (other->host != pdev->host)
			continue;
		for (unsigned int i = 0; i < PCI_NR_BARS; i++)
			if (other->bar[i].placed && (other != pdev || i != n))
				EXPECT(bar_address(other, i) >= end ||
				       bar_address(other, i) + other->bar[i].size <= start);
		if (!other->secondary)
			continue;
		while (above && above != other)
			above = above->bridge;
		EXPECT_EQ(above == other, passes(other, start, end));
	}
}

static void bars(void)
{
	unsigned int count = 0;

	if (!found())
		return;
	for (const struct pci_dev *pdev = pci_first(); pdev; pdev = pci_next(pdev)) {
		for (unsigned int i = 0; i < PCI_NR_BARS; i++) {
			if (!pdev->bar[i].placed)
				continue;
			count++;
			EXPECT(bar_address(pdev, i) != 0);
			EXPECT_EQ(0, bar_address(pdev, i) & (pdev->bar[i].size - 1));
			expect_alone(pdev, i);
		}
	}
	test_note("%u BARs", count);
	EXPECT(readw(pci_first()->config + PCI_VENDOR_ID) == pci_first()->vendor);
}

static void off(void)
{
	const uint16_t bits = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	if (!found())
		return;
	for (const struct pci_dev *pdev = pci_first(); pdev; pdev = pci_next(pdev)) {
		uint16_t command = readw(pdev->config + PCI_COMMAND);

		if (pdev->is_bridge)
			EXPECT_EQ(pdev->users ? bits : 0, command & bits);
		else if (!pdev->dev)
			EXPECT_EQ(PCI_COMMAND_INTX_DISABLE,
				  command & (bits | PCI_COMMAND_INTX_DISABLE));
		else
			EXPECT(command & PCI_COMMAND_MEMORY);
	}
}

TEST_CASE(pci, bars, bars);
TEST_CASE(pci, off, off);
