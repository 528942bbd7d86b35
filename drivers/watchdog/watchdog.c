/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog.c: feeds the watchdogs of watchdog.h, and warns of those that nothing here knows: their
 * loader may have left them running (60 seconds, with U-Boot's default).
 */
#include "drivers/watchdog/watchdog.h"

#include <errno.h>
#include <libfdt.h>
#include <quarry/port.h>
#include <string.h>

#include "boot/dt/of.h"
#include "drivers/timer/timer.h"

static struct fed {
	struct device *dev; /* NULL: this place is free */
	void (*feed)(struct device *dev);
	uint64_t ns;
} fed[WATCHDOG_MAX];

/* Interrupt context. */
static void feed_all(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < WATCHDOG_MAX; i++)
		if (fed[i].dev)
			fed[i].feed(fed[i].dev);
}

/* At the pace of the hungriest. */
static int set_timer(void)
{
	uint64_t ns = UINT64_MAX;

	for (unsigned int i = 0; i < WATCHDOG_MAX; i++)
		if (fed[i].dev && fed[i].ns < ns)
			ns = fed[i].ns;
	return timer_set_watchdogs(ns, ns == UINT64_MAX ? NULL : feed_all);
}

int watchdog_feed_from_now_on(struct device *dev, uint64_t ns, void (*feed)(struct device *dev))
{
	unsigned int i = 0;
	int error;

	feed(dev);
	while (i < WATCHDOG_MAX && fed[i].dev)
		i++;
	if (i == WATCHDOG_MAX) {
		device_log(dev, "is running, and too many are: it will reset this machine");
		return -ENOSPC;
	}
	fed[i].feed = feed;
	fed[i].ns = ns;
	fed[i].dev = dev;
	error = set_timer();
	if (error) {
		fed[i].dev = NULL;
		device_log(dev, "is running, and there is no timer to feed it by: it will reset "
				"this machine");
		return error;
	}
	device_log(dev, "was left running and cannot be stopped: it is fed");
	return 0;
}

void watchdog_leave(struct device *dev)
{
	for (unsigned int i = 0; i < WATCHDOG_MAX; i++)
		if (fed[i].dev == dev)
			fed[i].dev = NULL;
	(void)set_timer();
}

/* ---- those that have no driver ---------------------------------------------------------------- */

static bool is_known(const void *fdt, int node)
{
	static const char *const *const lists[] = {sbsa_gwdt_compatible, imx2_wdt_compatible,
						   dw_wdt_compatible, sp805_compatible,
						   imx7ulp_wdt_compatible};

	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++)
		for (const char *const *name = lists[l]; *name; name++)
			if (fdt_node_check_compatible(fdt, node, *name) == 0)
				return true;
	return false;
}

/* The generic name (devicetree specification, 2.2.2), with or without an address. */
static bool is_watchdog(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);

	return name && strncmp(name, "watchdog", 8) == 0 && (name[8] == '@' || name[8] == '\0') &&
	       fdt_getprop(fdt, node, "compatible", NULL) && of_is_enabled(fdt, node);
}

static int watchdog_probe(struct device *dev)
{
	const void *fdt = dev->fdt;

	for (int node = fdt_next_node(fdt, -1, NULL); node >= 0;
	     node = fdt_next_node(fdt, node, NULL))
		if (is_watchdog(fdt, node) && !is_known(fdt, node))
			port_log(
				"watchdog: %s (%s) has no driver: if the loader has left it running "
				"it will reset this machine; U-Boot stops it by `wdt stop`",
				fdt_get_name(fdt, node, NULL),
				fdt_stringlist_get(fdt, node, "compatible", 0, NULL));
	return -ENODEV; /* nothing is bound: all has been said */
}

DRIVER(watchdog, "watchdog", DRIVER_DEVICE, NULL, watchdog_probe, NULL, 0);
