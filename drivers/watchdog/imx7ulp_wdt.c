/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * imx7ulp_wdt.c: WDOG32, the watchdog of i.MX 7ULP, 8ULP, 93 and 95 (i.MX 93 Reference Manual, chapter
 * "Watchdog Timer"; devicetree binding watchdog/fsl-imx7ulp-wdt). Whether it may be stopped is
 * settled when it is started, so it is fed.
 */
#include <errno.h>

#include "drivers/base/io.h"
#include "drivers/timer/timer.h"
#include "drivers/watchdog/watchdog.h"

#define CS	      0x0
#define CS_EN	      (1U << 7)
#define CS_CMD32EN    (1U << 13) /* a feed is one word; else two half words */
#define CNT	      0x4
#define CNT_FEED      0xb480a602
#define CNT_FIRST     0xa602
#define CNT_SECOND    0xb480
#define WDOG32_SIZE   0x10
#define WDOG32_PERIOD (NSEC_PER_SEC / 4) /* well within a second, the shortest that loaders set */

struct imx7ulp_wdt {
	char *base;
};

static void imx7ulp_wdt_feed(struct device *dev)
{
	const struct imx7ulp_wdt *wdt = device_priv(dev);

	if (readl(wdt->base + CS) & CS_CMD32EN) {
		writel(CNT_FEED, wdt->base + CNT);
		return;
	}
	writew(CNT_FIRST, wdt->base + CNT);
	writew(CNT_SECOND, wdt->base + CNT);
}

static int imx7ulp_wdt_probe(struct device *dev)
{
	struct imx7ulp_wdt *wdt = device_priv(dev);

	wdt->base = device_map_reg(dev, 0);
	if (!wdt->base)
		return -ENXIO;
	if (dev->size < WDOG32_SIZE || dev->reg & 3)
		return -EINVAL;
	if (readl(wdt->base + CS) & CS_EN)
		(void)watchdog_feed_from_now_on(dev, WDOG32_PERIOD, imx7ulp_wdt_feed);
	return 0;
}

static void imx7ulp_wdt_remove(struct device *dev)
{
	watchdog_leave(dev);
}

const char *const imx7ulp_wdt_compatible[] = {"fsl,imx7ulp-wdt", "fsl,imx8ulp-wdt", "fsl,imx93-wdt",
					      NULL};

DRIVER(imx7ulp_wdt, "imx7ulp-wdt", DRIVER_DEVICE, imx7ulp_wdt_compatible, imx7ulp_wdt_probe,
       imx7ulp_wdt_remove, sizeof(struct imx7ulp_wdt));
