/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * imx2_wdt.c: the watchdog of i.MX and Layerscape SoCs (i.MX 8M Plus Reference Manual, chapter
 * "Watchdog Timer"; devicetree binding watchdog/fsl-imx-wdt). Once enabled it cannot be stopped.
 * Registers are 16 bits wide, in the byte order that `big-endian` says.
 */
#include <errno.h>
#include <libfdt.h>

#include "drivers/base/io.h"
#include "drivers/timer/timer.h"
#include "drivers/watchdog/watchdog.h"

#define WCR	     0x0
#define WCR_WDE	     0x4
#define WCR_WT_SHIFT 8 /* of the timeout, half seconds less one */
#define WSR	     0x2
#define WSR_FIRST    0x5555
#define WSR_SECOND   0xaaaa
#define WMCR	     0x8 /* bit 0: reset 16 s after power-up unless it is cleared */
#define REGS_SIZE    0xa

struct imx2_wdt {
	char *base;
	bool swap;
};

static uint16_t in_order(const struct imx2_wdt *wdt, uint16_t value)
{
	return wdt->swap ? __builtin_bswap16(value) : value;
}

static uint16_t imx2_read(const struct imx2_wdt *wdt, unsigned int reg)
{
	return in_order(wdt, readw(wdt->base + reg));
}

static void imx2_write(const struct imx2_wdt *wdt, unsigned int reg, uint16_t value)
{
	writew(in_order(wdt, value), wdt->base + reg);
}

static void imx2_wdt_feed(struct device *dev)
{
	const struct imx2_wdt *wdt = device_priv(dev);

	imx2_write(wdt, WSR, WSR_FIRST);
	imx2_write(wdt, WSR, WSR_SECOND);
}

static int imx2_wdt_probe(struct device *dev)
{
	struct imx2_wdt *wdt = device_priv(dev);
	uint16_t control;

	wdt->base = device_map_reg(dev, 0);
	if (!wdt->base)
		return -ENXIO;
	if (dev->size < REGS_SIZE || dev->reg & 1)
		return -EINVAL;
	wdt->swap = fdt_getprop(dev->fdt, dev->node, "big-endian", NULL) != NULL;
	imx2_write(wdt, WMCR, 0);
	control = imx2_read(wdt, WCR);
	if (!(control & WCR_WDE))
		return 0;
	/* four times in its time */
	(void)watchdog_feed_from_now_on(dev, ((control >> WCR_WT_SHIFT) + 1U) * NSEC_PER_SEC / 8,
					imx2_wdt_feed);
	return 0;
}

static void imx2_wdt_remove(struct device *dev)
{
	watchdog_leave(dev);
}

const char *const imx2_wdt_compatible[] = {"fsl,imx21-wdt", "fsl,imx2-wdt", NULL};

DRIVER(imx2_wdt, "imx2-wdt", DRIVER_DEVICE, imx2_wdt_compatible, imx2_wdt_probe, imx2_wdt_remove,
       sizeof(struct imx2_wdt));
