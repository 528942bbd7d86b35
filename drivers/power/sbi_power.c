/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sbi_power.c: the SBI's System Reset extension, or the legacy shutdown call where it is missing.
 * No tree describes it.
 */
#include <errno.h>

#include "boot/riscv64/sbi.h"
#include "drivers/base/driver.h"
#include "drivers/power/power.h"

static int sbi_power(void *arg, enum power_action action)
{
	(void)arg;
	return action == POWER_OFF ? sbi_shutdown() : sbi_reboot();
}

static int sbi_power_probe(struct device *dev)
{
	bool reset = sbi_has(SBI_EXT_SRST);
	int error;

	/* the legacy shutdown may hang the firmware instead of returning: it comes last */
	error = power_register("SBI", POWER_OFF, reset ? POWER_RANK_FIRMWARE : POWER_RANK_LAST,
			       sbi_power, dev);
	if (!error && reset)
		error = power_register("SBI", POWER_REBOOT, POWER_RANK_FIRMWARE, sbi_power, dev);
	if (error)
		power_unregister(dev);
	return error;
}

static void sbi_power_remove(struct device *dev)
{
	power_unregister(dev);
}

DRIVER(sbi_power, "sbi-power", DRIVER_POWER, NULL, sbi_power_probe, sbi_power_remove, 0);
