/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog.h: watchdogs that a loader left running. Where the hardware can, a driver stops its own;
 * what cannot be stopped is fed from the timer's interrupt. So a machine that hangs with interrupts
 * off is reset, and one that waits at its prompt is not.
 */
#ifndef DRIVERS_WATCHDOG_H
#define DRIVERS_WATCHDOG_H

#include "drivers/base/driver.h"

#define WATCHDOG_MAX 8 /* that are fed */

/*
 * watchdog_feed_from_now_on() - call feed(dev) at once, and then at least every ns. 0; -ENODEV:
 * there is no timer; -ENOSPC: WATCHDOG_MAX are fed already. One line of log in each case.
 * watchdog_leave() - no more. Context: thread.
 */
int watchdog_feed_from_now_on(struct device *dev, uint64_t ns, void (*feed)(struct device *dev));
void watchdog_leave(struct device *dev);

/* The compatible strings of the drivers here, each list ended by NULL. */
extern const char *const sbsa_gwdt_compatible[],
	*const imx2_wdt_compatible[], *const dw_wdt_compatible[],
					      *const sp805_compatible[],
						      *const imx7ulp_wdt_compatible[];

#endif
