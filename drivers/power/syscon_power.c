/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscon_power.c: one register write that reboots or switches off: bindings power/reset/
 * syscon-poweroff and syscon-reboot, and SiFive's test finisher.
 */
#include <errno.h>
#include <libfdt.h>
#include <quarry/port.h>
#include <string.h>

#include "boot/mmu/mmu.h"
#include "drivers/base/driver.h"
#include "drivers/base/io.h"
#include "boot/dt/of.h"
#include "drivers/power/power.h"
#include "drivers/timer/timer.h"

struct syscon_power {
	char *addr;
	uint32_t width;
	uint32_t mask, value;
};

#define SETTLE_NS NSEC_PER_SEC /* a board may take a while to lose its power */

static int syscon_power(void *arg, enum power_action action)
{
	const struct syscon_power *power = device_priv(arg);

	(void)action;
	if (power->width == 1)
		writeb((uint8_t)((readb(power->addr) & ~power->mask) | power->value), power->addr);
	else if (power->width == 2)
		writew((uint16_t)((readw(power->addr) & ~power->mask) | power->value), power->addr);
	else
		writel((readl(power->addr) & ~power->mask) | power->value, power->addr);
	timer_delay(SETTLE_NS);
	return -ETIMEDOUT;
}

static int syscon_power_probe(struct device *dev)
{
	struct syscon_power *power = device_priv(dev);
	const void *fdt = dev->fdt;
	bool reboot = strcmp(dev->compatible, "syscon-reboot") == 0;
	uint32_t regmap = of_u32(fdt, dev->node, "regmap", 0);
	int syscon = regmap ? fdt_node_offset_by_phandle(fdt, regmap)
			    : fdt_parent_offset(fdt, dev->node);
	uint32_t offset = of_u32(fdt, dev->node, "offset", 0);
	phys_addr_t base, size;
	int len;

	/* reg of a syscon-reboot is Linux's newer spelling of offset */
	if (fdt_getprop(fdt, dev->node, "reg", &len) && len >= 4)
		offset = fdt32_ld(fdt_getprop(fdt, dev->node, "reg", NULL));
	if (syscon < 0 || of_reg(fdt, syscon, 0, &base, &size) != 0)
		return -ENXIO;
	power->width = of_u32(fdt, syscon, "reg-io-width", 4);
	if ((power->width != 1 && power->width != 2 && power->width != 4) || size < power->width ||
	    offset > size - power->width || ((base + offset) & (power->width - 1)) != 0)
		return -EINVAL;
	/* without `value`, the old binding: `mask` is the value */
	power->mask = of_u32(fdt, dev->node, "mask", UINT32_MAX);
	power->value = of_u32(fdt, dev->node, "value", power->mask);
	if (!fdt_getprop(fdt, dev->node, "value", NULL)) {
		if (!fdt_getprop(fdt, dev->node, "mask", NULL))
			return -EINVAL;
		power->mask = UINT32_MAX;
	}
	power->value &= power->mask;
	power->addr = ioremap(base + offset, power->width);
	if (!power->addr)
		return -ENXIO;
	dev->reg = base + offset;
	dev->size = power->width;
	return power_register(dev->compatible, reboot ? POWER_REBOOT : POWER_OFF, POWER_RANK_DEVICE,
			      syscon_power, dev);
}

static void power_remove(struct device *dev)
{
	power_unregister(dev);
}

static const char *const syscon_compatible[] = {"syscon-poweroff", "syscon-reboot", NULL};

DRIVER(syscon_power, "syscon-power", DRIVER_POWER, syscon_compatible, syscon_power_probe,
       power_remove, sizeof(struct syscon_power));

/* SiFive test finisher: what to store in its one register. */
#define FINISHER_PASS  0x5555
#define FINISHER_RESET 0x7777 /* sifive,test1 only */

static int finisher_power(void *arg, enum power_action action)
{
	char *const *base = device_priv(arg);

	writel(action == POWER_OFF ? FINISHER_PASS : FINISHER_RESET, *base);
	timer_delay(SETTLE_NS);
	return -ETIMEDOUT;
}

static int finisher_probe(struct device *dev)
{
	char **base = device_priv(dev);
	int error;

	*base = device_map_reg(dev, 0);
	if (!*base)
		return -ENXIO;
	if (dev->size < 4 || (dev->reg & 3) != 0)
		return -EINVAL;
	error = power_register(dev->compatible, POWER_OFF, POWER_RANK_DEVICE, finisher_power, dev);
	if (!error && strcmp(dev->compatible, "sifive,test1") == 0)
		error = power_register(dev->compatible, POWER_REBOOT, POWER_RANK_DEVICE,
				       finisher_power, dev);
	if (error)
		power_unregister(dev);
	return error;
}

static const char *const finisher_compatible[] = {"sifive,test1", "sifive,test0", NULL};

DRIVER(sifive_test, "sifive-test", DRIVER_POWER, finisher_compatible, finisher_probe, power_remove,
       sizeof(char *));
