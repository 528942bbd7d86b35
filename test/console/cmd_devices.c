/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_devices.c: which drivers serve which nodes.
 */
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>

#include "drivers/driver.h"
#include "test/console/command.h"

#define PATH_SIZE 128

static int cmd_devices(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	printf("driver       reg                irq pages compatible           node\n");
	for (const struct device *dev = device_first(); dev; dev = dev->next) {
		char path[PATH_SIZE], reg[24] = "-", irq[12] = "-";

		if (fdt_get_path(dev->fdt, dev->node, path, sizeof(path)) != 0)
			snprintf(path, sizeof(path), ".../%s",
				 fdt_get_name(dev->fdt, dev->node, NULL));
		if (dev->size)
			snprintf(reg, sizeof(reg), "0x%" PRIx64, dev->reg);
		if (dev->irq)
			snprintf(irq, sizeof(irq), "%" PRIu32, dev->irq);
		printf("%-12s %-16s %5s %5lu %-20s %s\n", dev->driver->name, reg, irq,
		       device_pages(dev), dev->compatible, path);
	}
	return 0;
}

CONSOLE_COMMAND(devices, cmd_devices, "devices", "bound drivers and the pages they hold");
