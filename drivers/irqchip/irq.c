/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c: finds the driver of an interrupt's controller; the rest is the controller's.
 */
#include "drivers/irqchip/irq.h"

#include <errno.h>

void irq_chip_register(struct device *dev, const struct irq_chip *chip)
{
	dev->irq_chip = chip;
}

void irq_chip_unregister(struct device *dev)
{
	dev->irq_chip = NULL;
}

/* The device that serves the controller's node; NULL: none does. */
static struct device *chip_at(int node)
{
	for (struct device *dev = device_first(); dev; dev = dev->next)
		if (dev->irq_chip && dev->node == node && !dev->parent)
			return dev;
	return NULL;
}

int irq_request(const struct of_irq *irq, irq_fn fn, void *arg)
{
	struct device *chip = chip_at(irq->controller);
	int hwirq, error;

	if (!chip)
		return -ENXIO;
	hwirq = chip->irq_chip->xlate(chip, irq->cells, irq->nr_cells);
	if (hwirq < 0)
		return hwirq;
	error = chip->irq_chip->enable(chip, (unsigned int)hwirq, fn, arg);
	return error ? error : hwirq;
}

static void turn_off(const struct of_irq *irq, bool for_good)
{
	struct device *chip = chip_at(irq->controller);
	int hwirq = chip ? chip->irq_chip->xlate(chip, irq->cells, irq->nr_cells) : -ENXIO;

	if (hwirq >= 0 && for_good)
		chip->irq_chip->disable(chip, (unsigned int)hwirq);
	else if (hwirq >= 0)
		chip->irq_chip->mask(chip, (unsigned int)hwirq);
}

void irq_free(const struct of_irq *irq)
{
	turn_off(irq, true);
}

void irq_mask(const struct of_irq *irq)
{
	turn_off(irq, false);
}

static void (*poll_fn)(void);

void irq_set_poll(void (*fn)(void))
{
	poll_fn = fn;
}

bool irq_poll(void)
{
	if (!poll_fn)
		return false;
	poll_fn();
	return true;
}

const char *irq_reason(int error)
{
	switch (error) {
	case -ENOENT:
		return "polled: the device tree names no interrupt for it";
	case -ENXIO:
		return "polled: its interrupt controller has no driver, or none for this hart";
	case -EINVAL:
		return "polled: its interrupt in the device tree makes no sense";
	case -EBUSY:
		return "polled: its interrupt is another device's";
	case -ENOSYS:
		return "polled: its driver knows no interrupt of it";
	}
	return "polled: its interrupt controller has none left";
}
