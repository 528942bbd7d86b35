/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msi.c: finds the driver of a controller of message-signalled interrupts; the rest is the
 * controller's.
 */
#include "drivers/irqchip/msi.h"

#include <errno.h>

void msi_chip_register(struct device *dev, const struct msi_chip *chip)
{
	dev->msi_chip = chip;
}

void msi_chip_unregister(struct device *dev)
{
	dev->msi_chip = NULL;
}

static struct device *chip_at(int node)
{
	for (struct device *dev = device_first(); dev; dev = dev->next)
		if (dev->msi_chip && dev->node == node && !dev->parent)
			return dev;
	return NULL;
}

int msi_request(int controller, uint32_t id, irq_fn fn, void *arg, struct msi_msg *msg)
{
	struct device *chip = chip_at(controller);

	return chip ? chip->msi_chip->request(chip, id, fn, arg, msg) : -ENXIO;
}

void msi_free(int controller, unsigned int hwirq)
{
	struct device *chip = chip_at(controller);

	if (chip)
		chip->msi_chip->free(chip, hwirq);
}

void msi_mask(int controller, unsigned int hwirq)
{
	struct device *chip = chip_at(controller);

	if (chip)
		chip->msi_chip->mask(chip, hwirq);
}
