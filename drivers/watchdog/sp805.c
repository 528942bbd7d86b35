/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sp805.c: Arm's watchdog module SP805 (DDI0270, chapter 3; devicetree binding watchdog/arm,sp805),
 * of the LS1028A among others. It can be stopped, so it is.
 */
#include <errno.h>

#include "drivers/base/io.h"
#include "drivers/watchdog/watchdog.h"

#define CONTROL	     0x008
#define CONTROL_RUNS 0x3 /* INTEN: it counts; RESEN: it resets */
#define LOCK	     0xc00
#define LOCK_OPEN    0x1acce551 /* and anything else closes it */
#define SP805_SIZE   0xc04

static int sp805_probe(struct device *dev)
{
	char *base = device_map_reg(dev, 0);

	if (!base)
		return -ENXIO;
	if (dev->size < SP805_SIZE || dev->reg & 3)
		return -EINVAL;
	if (!(readl(base + CONTROL) & CONTROL_RUNS))
		return 0;
	writel(LOCK_OPEN, base + LOCK);
	writel(0, base + CONTROL);
	writel(0, base + LOCK);
	device_log(dev, readl(base + CONTROL) & CONTROL_RUNS
				? "was left running and does not stop: it will reset this machine"
				: "was left running: stopped");
	return 0;
}

const char *const sp805_compatible[] = {"arm,sp805", "arm,sp805-wdt", NULL};

DRIVER(sp805, "sp805", DRIVER_DEVICE, sp805_compatible, sp805_probe, NULL, 0);
