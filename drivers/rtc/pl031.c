/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pl031.c: the Arm PrimeCell real-time clock PL031 (DDI0224; devicetree binding rtc/arm,pl031). It
 * counts seconds since 1970 in UTC, in 32 bits: until 2106.
 */
#include <errno.h>

#include "drivers/base/io.h"
#include "drivers/rtc/rtc.h"

#define RTCDR	   0x000 /* the time */
#define RTCCR	   0x00c
#define RTCIMSC	   0x010
#define PERIPHID0  0xfe0 /* a byte in each of four words */
#define PERIPHID1  0xfe4
#define REGS_SIZE  0x1000
#define CR_START   0x1
#define PART_PL031 0x031

struct pl031 {
	char *base;
};

static uint64_t pl031_read(struct device *dev)
{
	const struct pl031 *rtc = device_priv(dev);

	return readl(rtc->base + RTCDR);
}

static int pl031_probe(struct device *dev)
{
	struct pl031 *rtc = device_priv(dev);
	uint32_t part;

	rtc->base = device_map_reg(dev, 0);
	if (!rtc->base)
		return -ENXIO;
	if (dev->size < REGS_SIZE || (dev->reg & 3) != 0)
		return -EINVAL;
	part = (readl(rtc->base + PERIPHID0) & 0xff) | (readl(rtc->base + PERIPHID1) & 0xf) << 8;
	if (part != PART_PL031) {
		device_log(dev, "part number %#x, not PL031's", (unsigned int)part);
		return -ENODEV; /* reported */
	}
	writel(0, rtc->base + RTCIMSC);	     /* we set no alarm, and want none from before us */
	writel(CR_START, rtc->base + RTCCR); /* no effect on one that counts already */
	rtc_register(dev, pl031_read);
	return 0;
}

static void pl031_remove(struct device *dev)
{
	rtc_unregister(dev);
}

static const char *const pl031_compatible[] = {"arm,pl031", NULL};

DRIVER(pl031, "pl031", DRIVER_DEVICE, pl031_compatible, pl031_probe, pl031_remove,
       sizeof(struct pl031));
