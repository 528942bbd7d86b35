/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msi.h: interrupts that a device asks for by a write to memory: message-signalled interrupts.
 *
 * A controller that takes such writes is a node of the device tree; its driver says for each
 * interrupt what has to be written where. Devices are told apart by the number that the tree's
 * msi-map or msi-parent gives them; controllers that do not look at it ignore it.
 */
#ifndef DRIVERS_MSI_H
#define DRIVERS_MSI_H

#include "drivers/irqchip/irq.h"

struct msi_msg {
	uint64_t addr; /* as the CPU has it: no bus is known whose addresses of it differ */
	uint32_t data; /* 32 bits, little endian */
};

struct msi_chip {
	/*
	 * A new interrupt of device `id` goes to fn(arg); *msg asks for it. Its number, or -ENOSPC,
	 * -ENOMEM, -EIO.
	 */
	int (*request)(struct device *chip, uint32_t id, irq_fn fn, void *arg, struct msi_msg *msg);
	void (*free)(struct device *chip, unsigned int hwirq);
	/* Deliver it no more; it still has to be freed. Any context. */
	void (*mask)(struct device *chip, unsigned int hwirq);
};

/* Make chip the controller behind dev's node, as long as dev is bound or until it is taken back. */
void msi_chip_register(struct device *dev, const struct msi_chip *chip);
void msi_chip_unregister(struct device *dev);

/*
 * msi_request() - an interrupt of the controller of this node: its number, -ENXIO: no driver serves
 * it, or its refusal. The device writes nothing there before it is told to, nor when the interrupt
 * is freed. Context: thread, CPU 0. msi_mask(): any context.
 */
int msi_request(int controller, uint32_t id, irq_fn fn, void *arg, struct msi_msg *msg);
void msi_free(int controller, unsigned int hwirq);
void msi_mask(int controller, unsigned int hwirq);

#endif
