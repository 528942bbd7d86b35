/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * riscv_ext.c: shares the supervisor external interrupt among controllers: see riscv_ext.h.
 */
#include "drivers/irqchip/riscv_ext.h"

#include <errno.h>
#include <libfdt.h>
#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/dt/of.h"
#include "boot/riscv64/trap.h"

#define MAX_ENTRIES 65536 /* harts and modes: more than a tree of 2 MiB has room for */

static struct riscv_ext *first;

static void external_interrupt(void)
{
	for (const struct riscv_ext *ext = first; ext; ext = ext->next)
		ext->fn(ext->dev);
}

void riscv_ext_register(struct device *dev, void (*fn)(struct device *dev))
{
	struct riscv_ext *ext = device_priv(dev);
	unsigned long flags = port_irq_save();

	ext->dev = dev;
	ext->fn = fn;
	ext->next = first;
	first = ext;
	if (!ext->next)
		riscv_irq_register(RISCV_IRQ_EXTERNAL, external_interrupt);
	port_irq_restore(flags);
}

void riscv_ext_unregister(struct device *dev)
{
	struct riscv_ext **link = &first;
	unsigned long flags = port_irq_save();

	while (*link && (*link)->dev != dev)
		link = &(*link)->next;
	if (*link)
		*link = (*link)->next;
	if (!first)
		riscv_irq_register(RISCV_IRQ_EXTERNAL, NULL);
	port_irq_restore(flags);
}

int riscv_ext_find(const void *fdt, int node, bool *supervisor)
{
	struct of_irq irq;

	*supervisor = false;
	for (unsigned int i = 0; i < MAX_ENTRIES; i++) {
		uint64_t hart;
		int cpu;

		if (of_irq(fdt, node, i, &irq) != 0)
			break;
		if (irq.cells[0] != RISCV_IRQ_EXTERNAL)
			continue;
		*supervisor = true;
		/* the controller is the hart's own, a child of its cpu node */
		cpu = fdt_parent_offset(fdt, irq.controller);
		if (cpu >= 0 && of_cpu_id(fdt, cpu, &hart) == 0 && hart == boot_info.hart)
			return (int)i;
	}
	return -ENXIO;
}
