/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * riscv_ext.h: the supervisor external interrupt of the boot hart, which any number of controllers
 * may raise, and which of a controller's contexts that is.
 */
#ifndef DRIVERS_RISCV_EXT_H
#define DRIVERS_RISCV_EXT_H

#include "drivers/base/driver.h"

/* At the start of device_priv() of a controller that raises the interrupt. */
struct riscv_ext {
	struct device *dev;
	void (*fn)(struct device *dev); /* quiets what this controller asks for */
	struct riscv_ext *next;
};

/*
 * riscv_ext_register() - fn(dev) runs on each external interrupt, or if it is polled, as the
 * controller interrupts other harts only, each IRQ_POLL_NS, and dev->irq_note says so.
 * riscv_ext_unregister(): not any more. Context: thread.
 */
void riscv_ext_register(struct device *dev, void (*fn)(struct device *dev), bool polled);
void riscv_ext_unregister(struct device *dev);

/*
 * riscv_ext_find() - the entry of the node's `interrupts-extended` that is the boot hart's supervisor
 * external interrupt. Return: its index, -ENXIO: none is. *other: the first entry of another hart's,
 * -ENXIO: there is none. Bound: linear in the entries and the tree.
 */
int riscv_ext_find(const void *fdt, int node, int *other);

#endif
