/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sbsa_gwdt.c: the generic watchdog of Arm's Base System Architecture (DEN0094, "Generic Watchdog";
 * devicetree binding watchdog/arm,sbsa-gwdt). It can be stopped, so it is.
 */
#include <errno.h>

#include "drivers/base/io.h"
#include "drivers/watchdog/watchdog.h"

/* the control frame, the first of `reg` */
#define WCS    0x000
#define WCS_EN 0x1

static int sbsa_gwdt_probe(struct device *dev)
{
	char *base = device_map_reg(dev, 0);

	if (!base)
		return -ENXIO;
	if (dev->size < WCS + 4 || dev->reg & 3)
		return -EINVAL;
	if (readl(base + WCS) & WCS_EN) {
		writel(0, base + WCS);
		device_log(dev, readl(base + WCS) & WCS_EN
					? "was left running and does not stop: it will reset this "
					  "machine"
					: "was left running: stopped");
	}
	return 0;
}

const char *const sbsa_gwdt_compatible[] = {"arm,sbsa-gwdt", NULL};

DRIVER(sbsa_gwdt, "sbsa-gwdt", DRIVER_DEVICE, sbsa_gwdt_compatible, sbsa_gwdt_probe, NULL, 0);
