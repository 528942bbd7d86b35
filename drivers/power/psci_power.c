/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * psci_power.c: switching off and rebooting by PSCI. The node is looked for here and not by the
 * driver core, to say so when there is none.
 */
#include <errno.h>
#include <libfdt.h>
#include <quarry/port.h>

#include "boot/arm64/psci.h"
#include "drivers/base/driver.h"
#include "drivers/power/power.h"

static int psci_power(void *arg, enum power_action action)
{
	(void)arg;
	return action == POWER_OFF ? psci_system_off() : psci_system_reset();
}

static int psci_power_probe(struct device *dev)
{
	int node = psci_init(dev->fdt);
	int error;

	if (node == -ENODEV)
		port_log("psci: not in the device tree: no reboot, no poweroff");
	if (node < 0)
		return -ENODEV; /* psci_init() has said why */
	dev->node = node;
	dev->compatible = fdt_stringlist_get(dev->fdt, node, "compatible", 0, NULL);
	if (psci_version() < 2) {
		device_log(dev, "version 0.%u has no reboot and no poweroff", psci_version());
		return 0;
	}
	device_log(dev, "version %u.%u by %s", psci_version() >> 16, psci_version() & 0xffff,
		   psci_method());
	error = power_register("PSCI", POWER_OFF, POWER_RANK_FIRMWARE, psci_power, dev);
	if (!error)
		error = power_register("PSCI", POWER_REBOOT, POWER_RANK_FIRMWARE, psci_power, dev);
	if (error)
		power_unregister(dev);
	return error;
}

static void psci_power_remove(struct device *dev)
{
	power_unregister(dev);
}

DRIVER(psci_power, "psci-power", DRIVER_POWER, NULL, psci_power_probe, psci_power_remove, 0);
