/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_assign.c: addresses for BARs, from the windows of the host bridge.
 *
 * A window is handed out from its start upwards, each BAR at the next multiple of its size. What is
 * behind a bridge is handed out in one go, between two multiples of the bridge's granule, which are
 * then the bridge's window. So nothing can overlap, and no size has to be known in advance.
 *
 * First comes the window below 4 GiB, then the one above, for BARs that have 64 bits and are large,
 * or did not fit below. A bridge passes only prefetchable BARs on from above (PCI-to-PCI Bridge
 * Specification 1.2, 3.2.5.9): its other window has 32 bits.
 */
#include <inttypes.h>

#include "drivers/base/io.h"
#include "drivers/pci/pci_internal.h"

#define GRANULE	   ((uint64_t)1 << 20) /* of a bridge's memory windows */
#define LARGE	   ((uint64_t)64 << 20) /* such BARs leave the room below 4 GiB to those that need it */
#define PREF_64BIT 1			/* in bits 3:0 of the prefetchable base */

/*
 * size bytes at a multiple of size; false if the window has no such room left, and nothing has
 * changed.
 */
static bool take(struct pci_window *window, uint64_t size, uint64_t *addr)
{
	uint64_t start = ALIGN_UP(window->next, size);

	if (start < window->next || start >= window->end || size > window->end - start)
		return false;
	window->next = start + size;
	*addr = start;
	return true;
}

/* May this BAR lie above 4 GiB? */
static bool may_be_high(const struct pci_dev *pdev, const struct pci_bar *bar)
{
	const struct pci_window *high = &pdev->host->high;

	if (bar->kind != PCI_BAR_MEM64 || high->range.size == 0 ||
	    (high->range.prefetchable && !bar->prefetchable))
		return false;
	for (const struct pci_dev *bridge = pdev->bridge; bridge; bridge = bridge->bridge)
		if (!bar->prefetchable ||
		    (readw(bridge->config + PCI_PREF_BASE_LIMIT) & 15) != PREF_64BIT)
			return false;
	return true;
}

static void assign_function(struct pci_dev *pdev, struct pci_window *window, bool high)
{
	for (unsigned int i = 0; i < PCI_NR_BARS; i++) {
		struct pci_bar *bar = &pdev->bar[i];
		bool later;
		uint64_t addr;

		if (bar->kind < PCI_BAR_MEM32 || bar->placed)
			continue;
		later = !high && may_be_high(pdev, bar);
		if (later && bar->size > LARGE)
			continue;
		if (high && !may_be_high(pdev, bar))
			continue; /* reported when it did not fit below */
		if (take(window, bar->size, &addr)) {
			writel((uint32_t)addr, pdev->config + PCI_BAR(i));
			if (bar->kind == PCI_BAR_MEM64)
				writel((uint32_t)(addr >> 32), pdev->config + PCI_BAR(i + 1));
			bar->cpu = addr - window->range.pci + window->range.cpu;
			bar->placed = true;
		} else if (!later) {
			pci_log(pdev, "BAR %u: no room for %#" PRIx64 " bytes: not usable", i,
				bar->size);
			pdev->unusable = true;
			return;
		}
	}
}

/* Write one of a bridge's windows, [start, end), whole granules. */
static void open_window(const struct pci_dev *bridge, bool high, uint64_t start, uint64_t end)
{
	uint64_t last = end - 1;
	uint32_t value = (uint32_t)(last >> 16 & 0xfff0) << 16 | (uint32_t)(start >> 16 & 0xfff0);

	writel(value, bridge->config + (high ? PCI_PREF_BASE_LIMIT : PCI_MEMORY_BASE_LIMIT));
	if (high) {
		writel((uint32_t)(start >> 32), bridge->config + PCI_PREF_BASE_UPPER);
		writel((uint32_t)(last >> 32), bridge->config + PCI_PREF_LIMIT_UPPER);
	}
}

/*
 * All BARs behind bridge (NULL: on the root bus) that belong into this window. Recursion: as
 * pci_scan()'s.
 */
static void assign_bus(struct pci_host *host, const struct pci_dev *bridge,
		       struct pci_window *window, bool high)
{
	for (unsigned int i = 0; i < host->nr_functions; i++) {
		struct pci_dev *pdev = pci_function(host, i);
		struct pci_window behind;

		if (pdev->bridge != bridge)
			continue;
		if (!pdev->unusable)
			assign_function(pdev, window, high);
		if (!pdev->secondary)
			continue;
		behind = *window;
		behind.next = ALIGN_UP(window->next, GRANULE);
		behind.end = ALIGN_DOWN(window->end, GRANULE);
		if (behind.next < window->next)
			behind.end = behind.next; /* past the last address: no room */
		assign_bus(host, pdev, &behind, high);
		if (behind.next > ALIGN_UP(window->next, GRANULE)) {
			behind.end = ALIGN_UP(behind.next, GRANULE);
			open_window(pdev, high, ALIGN_UP(window->next, GRANULE), behind.end);
			window->next = behind.end;
		}
	}
}

void pci_assign(struct pci_host *host)
{
	assign_bus(host, NULL, &host->low, false);
	assign_bus(host, NULL, &host->high, true);
}
