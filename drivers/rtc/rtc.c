/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtc.c: which device is the board's clock.
 */
#include "drivers/rtc/rtc.h"

#include <errno.h>

static struct device *clock;
static rtc_fn clock_read;

void rtc_register(struct device *dev, rtc_fn read)
{
	if (clock)
		return;
	clock = dev;
	clock_read = read;
}

void rtc_unregister(const struct device *dev)
{
	if (clock == dev)
		clock = NULL;
}

int rtc_read(uint64_t *seconds)
{
	if (!clock)
		return -ENODEV;
	*seconds = clock_read(clock);
	return 0;
}
