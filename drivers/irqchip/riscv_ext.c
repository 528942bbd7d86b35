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
#include "drivers/irqchip/irq.h"

#define MAX_ENTRIES 65536 /* harts and modes: more than a tree of 2 MiB has room for */

static struct riscv_ext *first;	 /* those that interrupt the boot hart */
static struct riscv_ext *polled; /* those that do not */

static void serve(const struct riscv_ext *ext)
{
	for (; ext; ext = ext->next)
		ext->fn(ext->dev);
}

static void external_interrupt(void)
{
	serve(first);
}

static void poll(void)
{
	serve(polled);
}

/* Interrupts masked. */
static void update(void)
{
	riscv_irq_register(RISCV_IRQ_EXTERNAL, first ? external_interrupt : NULL);
	irq_set_poll(polled ? poll : NULL);
}

void riscv_ext_register(struct device *dev, void (*fn)(struct device *dev), bool by_polling)
{
	struct riscv_ext *ext = device_priv(dev);
	struct riscv_ext **list = by_polling ? &polled : &first;
	unsigned long flags = port_irq_save();

	ext->dev = dev;
	ext->fn = fn;
	ext->next = *list;
	*list = ext;
	if (by_polling)
		dev->irq_note =
			"polled each 250 us: it interrupts other harts than the one that boots";
	update();
	port_irq_restore(flags);
}

void riscv_ext_unregister(struct device *dev)
{
	struct riscv_ext **lists[] = {&first, &polled};
	unsigned long flags = port_irq_save();

	for (unsigned int i = 0; i < 2; i++) {
		struct riscv_ext **link = lists[i];

		while (*link && (*link)->dev != dev)
			link = &(*link)->next;
		if (*link)
			*link = (*link)->next;
	}
	update();
	port_irq_restore(flags);
}

int riscv_ext_find(const void *fdt, int node, int *other)
{
	struct of_irq irq;

	*other = -ENXIO;
	for (unsigned int i = 0; i < MAX_ENTRIES; i++) {
		uint64_t hart;
		int cpu;

		if (of_irq(fdt, node, i, &irq) != 0)
			break;
		if (irq.cells[0] != RISCV_IRQ_EXTERNAL)
			continue;
		/* the controller is the hart's own, a child of its cpu node */
		cpu = fdt_parent_offset(fdt, irq.controller);
		if (cpu >= 0 && of_cpu_id(fdt, cpu, &hart) == 0 && hart == boot_info.hart)
			return (int)i;
		if (*other < 0)
			*other = (int)i;
	}
	return -ENXIO;
}
