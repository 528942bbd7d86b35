/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dw_wdt.c: Synopsys DesignWare's watchdog (DW_apb_wdt Databook, "Registers"; devicetree binding
 * watchdog/snps,dw-wdt). Once enabled only a reset of the block stops it, so it is fed.
 */
#include <errno.h>

#include "drivers/base/io.h"
#include "drivers/timer/timer.h"
#include "drivers/watchdog/watchdog.h"

#define CR	  0x00
#define CR_EN	  0x1
#define TORR	  0x04 /* bits 3:0: 2^(16 + n) cycles */
#define TORR_MAX  0xff /* the longest, and the same for the time after a start */
#define CRR	  0x0c
#define CRR_FEED  0x76
#define REGS_SIZE 0x10
#define FEED_NS	  (NSEC_PER_SEC / 4) /* 2^16 cycles of an unknown clock may be short: see TORR */

struct dw_wdt {
	char *base;
};

static void dw_wdt_feed(struct device *dev)
{
	const struct dw_wdt *wdt = device_priv(dev);

	writel(CRR_FEED, wdt->base + CRR);
}

static int dw_wdt_probe(struct device *dev)
{
	struct dw_wdt *wdt = device_priv(dev);

	wdt->base = device_map_reg(dev, 0);
	if (!wdt->base)
		return -ENXIO;
	if (dev->size < REGS_SIZE || dev->reg & 3)
		return -EINVAL;
	if (!(readl(wdt->base + CR) & CR_EN))
		return 0;
	writel(TORR_MAX, wdt->base + TORR); /* from the next feed on */
	(void)watchdog_feed_from_now_on(dev, FEED_NS, dw_wdt_feed);
	return 0;
}

static void dw_wdt_remove(struct device *dev)
{
	watchdog_leave(dev);
}

const char *const dw_wdt_compatible[] = {"snps,dw-wdt", NULL};

DRIVER(dw_wdt, "dw-wdt", DRIVER_DEVICE, dw_wdt_compatible, dw_wdt_probe, dw_wdt_remove,
       sizeof(struct dw_wdt));
