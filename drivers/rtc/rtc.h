/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtc.h: the time of day, by whichever clock the board has.
 */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include "drivers/base/driver.h"

/* Seconds since 1970-01-01 00:00:00 UTC. Context: thread. Bound: a register's access or three. */
typedef uint64_t (*rtc_fn)(struct device *dev);

/*
 * rtc_register() - dev has a clock. The first one registered is the board's. Context: probe,
 * remove.
 */
void rtc_register(struct device *dev, rtc_fn read);
void rtc_unregister(const struct device *dev);

/* rtc_read() - the board's clock, or -ENODEV without one. Context: thread. */
int rtc_read(uint64_t *seconds);

#endif
