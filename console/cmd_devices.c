/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_devices.c: which drivers serve which nodes, what memory the devices reach, and what they
 * hold of it.
 */
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "boot/mmu/cache.h"
#include "boot/mmu/mmu.h"
#include "drivers/base/driver.h"
#include "console/command.h"
#include "console/terminal.h"

#define PATH_SIZE  128
#define NODE_WIDTH 20 /* of the path in a line of 80 columns */

/*
 * The node's path, and behind it the name on its bus of a device that has no node, if it is
 * another.
 */
static void device_path(const struct device *dev, char *path, size_t size)
{
	size_t used;

	if (fdt_get_path(dev->fdt, dev->node, path, (int)size) != 0)
		snprintf(path, size, ".../%s", fdt_get_name(dev->fdt, dev->node, NULL));
	used = strlen(path);
	if (dev->name && strcmp(dev->name, strrchr(path, '/') + 1) != 0)
		snprintf(path + used, size - used, " %s", dev->name);
}

/* The mask as a number of bits, or as it is if it has holes. */
static void mask_text(uint64_t mask, char *text, size_t size)
{
	unsigned int bits = 0;

	while (bits < 64 && mask >> bits & 1)
		bits++;
	if (bits > 0 && mask == DMA_BIT_MASK(bits))
		snprintf(text, size, "%u", bits);
	else
		snprintf(text, size, "%#" PRIx64, mask);
}

/* Bytes of memory that are there for this device alone. */
static uint64_t bytes_held(const struct device *dev)
{
	return (uint64_t)device_bytes(dev) + dev->dma.record_pages * PAGE_SIZE +
	       dev->dma.coherent_bytes + dev->dma.bounce_bytes;
}

/*
 * The same where 96 columns do not fit: of paths the last part, or none, as the whole does not fit; of what is coherent and
 * in which zone the device's memory lies, `coh` and `zone`.
 */
static int narrow_devices(void)
{
	printf("driver       reg          irq pages  bytes mask zone   coh node\n");
	for (const struct device *dev = device_first(); dev; dev = dev->next) {
		char path[PATH_SIZE], reg[24] = "-", irq[12] = "-", mask[24];
		const char *name;

		device_path(dev, path, sizeof(path));
		name = strrchr(path, '/');
		name = strlen(path) <= NODE_WIDTH || !name ? path : name + 1;
		if (dev->size)
			snprintf(reg, sizeof(reg), "0x%" PRIx64, dev->reg);
		if (dev->irq)
			snprintf(irq, sizeof(irq), "%" PRIu32, dev->irq);
		mask_text(dev->dma.mask, mask, sizeof(mask));
		printf("%-12s %-11s %4s %5lu %6" PRIu64 " %4s %-6s %-3s %.*s\n", dev->driver->name,
		       reg, irq, device_pages(dev), bytes_held(dev), mask, dma_zone_name(dev),
		       dev->dma.coherent ? "yes" : "no", NODE_WIDTH, name);
		if (dev->irq_note)
			printf("             %s\n", dev->irq_note);
	}
	return 0;
}

static int cmd_devices(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	if (terminal_is_narrow(96))
		return narrow_devices();
	printf("driver       reg            irq pages    bytes mask zone   coherent node\n");
	for (const struct device *dev = device_first(); dev; dev = dev->next) {
		char path[PATH_SIZE], reg[24] = "-", irq[12] = "-", mask[24];

		device_path(dev, path, sizeof(path));
		if (dev->size)
			snprintf(reg, sizeof(reg), "0x%" PRIx64, dev->reg);
		if (dev->irq)
			snprintf(irq, sizeof(irq), "%" PRIu32, dev->irq);
		mask_text(dev->dma.mask, mask, sizeof(mask));
		printf("%-12s %-12s %5s %5lu %8" PRIu64 " %4s %-6s %-8s %s\n", dev->driver->name,
		       reg, irq, device_pages(dev), bytes_held(dev), mask, dma_zone_name(dev),
		       dev->dma.coherent ? "yes" : "no", path);
		if (dev->irq_note)
			printf("             %s\n", dev->irq_note);
	}
	return 0;
}

CONSOLE_COMMAND(devices, cmd_devices, "devices",
		"bound drivers, what their devices reach and hold\n"
		"pages: whole ones of 4 KiB; bytes: all that is held; mask: address bits driven;\n"
		"zone: the highest that the device reaches\n"
		"example: devices | grep timer");

/* ---- dma ------------------------------------------------------------------------------------ */

static void show_device(const struct device *dev)
{
	const struct device_dma *dma = &dev->dma;
	char path[PATH_SIZE];
	const char *name;

	device_path(dev, path, sizeof(path));
	name = strrchr(path, '/');
	name = terminal_is_narrow(100) && strlen(path) > NODE_WIDTH && name ? name + 1 : path;
	printf("%-12s %8lu %8lu %8lu %10" PRIu64 " %8" PRIu64 " %s%s\n", dev->driver->name,
	       dma->coherent_bytes, dma->mapped_bytes, dma->bounce_bytes, dma->bounced,
	       dma->refused, name, dma->broken ? " (broken dma-ranges)" : "");
	for (uint32_t i = 0; i < dma->nr_windows; i++) {
		const struct dma_window *w = &dma->window[i];

		printf("             %#" PRIx64 "-%#" PRIx64 " is memory %#" PRIx64 "-%#" PRIx64
		       "\n",
		       w->bus, w->bus + (w->size - 1), w->cpu, w->cpu + (w->size - 1));
	}
}

static int show_dma(void)
{
	const char *why;
	unsigned int line = cache_line(&why);

	printf("bounce pages: %s\n", dma_bounce ? "on" : "off");
	if (line)
		printf("devices that are not coherent: cache lines of %u bytes, ", line);
	else
		printf("devices that are not coherent: refused, %s, ", why);
	printf("%s\n", mmu_uncached_offset() ? "uncached memory" : "no uncached memory");
	if (dma_kept_pages)
		printf("pages that devices which could not be stopped may still write: %lu, kept from "
		       "the allocator\n",
		       dma_kept_pages);
	printf("driver       coherent   mapped   bounce    bounced  refused node\n");
	for (const struct device *dev = device_first(); dev; dev = dev->next)
		show_device(dev);
	return 0;
}

static int cmd_dma(int argc, char **argv)
{
	if (argc == 1)
		return show_dma();
	if (argc != 3 || strcmp(argv[1], "bounce") != 0 ||
	    (strcmp(argv[2], "on") != 0 && strcmp(argv[2], "off") != 0))
		return console_usage(argv[0]);
	dma_bounce = strcmp(argv[2], "on") == 0;
	printf("bounce pages: %s\n", dma_bounce ? "on" : "off");
	return 0;
}

CONSOLE_COMMAND_WORDS(dma, cmd_dma, "dma [bounce on|off]",
		      "mappings of devices, windows of buses, bounce pages\n"
		      "sizes in bytes; bounce: pages in between for memory out of a device's\n"
		      "reach, on by default\n"
		      "example: dma bounce off",
		      "bounce", "on", "off");
