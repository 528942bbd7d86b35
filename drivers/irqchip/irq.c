/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c: finds the driver of an interrupt's controller; the rest is the controller's.
 */
#include "drivers/irqchip/irq.h"

#include <errno.h>

static struct {
	struct device *dev;
	const struct irq_chip *ops;
} chips[IRQ_MAX_CHIPS];

int irq_chip_register(struct device *dev, const struct irq_chip *chip)
{
	for (unsigned int i = 0; i < IRQ_MAX_CHIPS; i++) {
		if (chips[i].dev)
			continue;
		chips[i].dev = dev;
		chips[i].ops = chip;
		return 0;
	}
	return -ENOSPC;
}

void irq_chip_unregister(struct device *dev)
{
	for (unsigned int i = 0; i < IRQ_MAX_CHIPS; i++)
		if (chips[i].dev == dev)
			chips[i].dev = NULL;
}

int irq_request(const struct of_irq *irq, irq_fn fn, void *arg)
{
	for (unsigned int i = 0; i < IRQ_MAX_CHIPS; i++) {
		int hwirq, error;

		if (!chips[i].dev || chips[i].dev->node != irq->controller)
			continue;
		hwirq = chips[i].ops->xlate(chips[i].dev, irq->cells, irq->nr_cells);
		if (hwirq < 0)
			return hwirq;
		error = chips[i].ops->enable(chips[i].dev, (unsigned int)hwirq, fn, arg);
		return error ? error : hwirq;
	}
	return -ENXIO;
}

static void turn_off(const struct of_irq *irq, bool for_good)
{
	for (unsigned int i = 0; i < IRQ_MAX_CHIPS; i++) {
		int hwirq;

		if (!chips[i].dev || chips[i].dev->node != irq->controller)
			continue;
		hwirq = chips[i].ops->xlate(chips[i].dev, irq->cells, irq->nr_cells);
		if (hwirq >= 0 && for_good)
			chips[i].ops->disable(chips[i].dev, (unsigned int)hwirq);
		else if (hwirq >= 0)
			chips[i].ops->mask(chips[i].dev, (unsigned int)hwirq);
		return;
	}
}

void irq_free(const struct of_irq *irq)
{
	turn_off(irq, true);
}

void irq_mask(const struct of_irq *irq)
{
	turn_off(irq, false);
}
