/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goldfish_rtc.c: the real-time clock of Android's emulated board, which RISC-V's `virt` machine
 * has too (GOLDFISH-VIRTUAL-HARDWARE, "RTC device"; devicetree binding rtc/google,goldfish-rtc). It
 * counts nanoseconds since 1970 in UTC.
 */
#include <errno.h>

#include "drivers/base/io.h"
#include "drivers/rtc/rtc.h"
#include "drivers/timer/timer.h"

#define TIME_LOW    0x00 /* reading it latches the upper half */
#define TIME_HIGH   0x04
#define IRQ_ENABLED 0x10
#define REGS_SIZE   0x20

struct goldfish_rtc {
	char *base;
};

static uint64_t goldfish_rtc_read(struct device *dev)
{
	const struct goldfish_rtc *rtc = device_priv(dev);
	uint64_t low = readl(rtc->base + TIME_LOW);

	return ((uint64_t)readl(rtc->base + TIME_HIGH) << 32 | low) / NSEC_PER_SEC;
}

static int goldfish_rtc_probe(struct device *dev)
{
	struct goldfish_rtc *rtc = device_priv(dev);

	rtc->base = device_map_reg(dev, 0);
	if (!rtc->base)
		return -ENXIO;
	if (dev->size < REGS_SIZE || (dev->reg & 3) != 0)
		return -EINVAL;
	writel(0, rtc->base + IRQ_ENABLED); /* we set no alarm, and want none from before us */
	rtc_register(dev, goldfish_rtc_read);
	return 0;
}

static void goldfish_rtc_remove(struct device *dev)
{
	rtc_unregister(dev);
}

static const char *const goldfish_rtc_compatible[] = {"google,goldfish-rtc", NULL};

DRIVER(goldfish_rtc, "goldfish-rtc", DRIVER_DEVICE, goldfish_rtc_compatible, goldfish_rtc_probe,
       goldfish_rtc_remove, sizeof(struct goldfish_rtc));
