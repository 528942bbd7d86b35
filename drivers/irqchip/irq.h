/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.h: interrupts as drivers ask for them, whatever the controller is.
 *
 * An interrupt is named as the device tree names it: the controller's node and a specifier of
 * #interrupt-cells cells. The controller's driver registers an irq_chip for its node.
 */
#ifndef DRIVERS_IRQ_H
#define DRIVERS_IRQ_H

#include "drivers/base/driver.h"
#include "boot/dt/of.h"

/* Runs in interrupt context, interrupts masked on this CPU. */
typedef void (*irq_fn)(void *arg);

struct irq_chip {
	/* The controller's number for a specifier, or -EINVAL. */
	int (*xlate)(struct device *chip, const uint32_t *cells, unsigned int nr_cells);
	/* Deliver interrupt hwirq to fn(arg). 0, -EBUSY if it has a handler, -EINVAL. */
	int (*enable)(struct device *chip, unsigned int hwirq, irq_fn fn, void *arg);
	void (*disable)(struct device *chip, unsigned int hwirq);
	/* Deliver it no more until it is enabled anew; its own handler may ask for that. */
	void (*mask)(struct device *chip, unsigned int hwirq);
};

/* Make chip the controller behind dev's node, as long as dev is bound or until it is taken back. */
void irq_chip_register(struct device *dev, const struct irq_chip *chip);
void irq_chip_unregister(struct device *dev);

/*
 * irq_request() - deliver the interrupt irq (of_irq()) to fn(arg). Returns the controller's number
 * for it, -ENXIO if no driver serves its controller, or the controller's refusal. Context: thread.
 */
int irq_request(const struct of_irq *irq, irq_fn fn, void *arg);
void irq_free(const struct of_irq *irq);

/*
 * irq_set_poll() - a controller's driver has sources that interrupt no CPU which we take interrupts
 * on: fn() serves those that ask, and the timer calls it each IRQ_POLL_NS, in interrupt context.
 * NULL: no more. irq_poll() - call it; false: there is none. Context of the former: thread, before
 * the timer's driver is bound and after it is gone.
 */
#define IRQ_POLL_NS 250000ULL
void irq_set_poll(void (*fn)(void));
bool irq_poll(void);

/*
 * irq_reason() - in words, for `devices`: why a device is polled that got this error for its
 * interrupt.
 */
const char *irq_reason(int error);

/*
 * irq_mask() - do not deliver it any more; it still has to be freed. Context: any, its handler too.
 */
void irq_mask(const struct of_irq *irq);

#endif
