/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcm2836.c: the interrupt controller beside the four CPUs of BCM2836 and BCM2837 (Raspberry Pi 2
 * and 3), as the ARM-local peripherals are described in Broadcom's QA7_rev3.4 (devicetree binding
 * interrupt-controller/brcm,bcm2836-l1-intc).
 *
 * It has each CPU's timers and mailboxes. The mailbox 0 of each CPU is what CPUs interrupt each
 * other with. All devices are behind another controller, of which this one has one line: nothing
 * here drives that one, so they poll.
 */
#include <errno.h>
#include <libfdt.h>

#include "boot/arm64/trap.h"
#include "boot/cpu/smp.h"
#include "drivers/base/driver.h"
#include "drivers/base/io.h"
#include "drivers/irqchip/irq.h"

#define NR_CORES      4
#define NR_TIMERS     4	   /* secure, non-secure, hypervisor, virtual: lines 0 to 3 */
#define TIMER_CTL     0x40 /* a word a core: a bit a timer that is delivered as an IRQ */
#define MAILBOX_CTL   0x50 /* a word a core: a bit a mailbox, likewise */
#define IRQ_SOURCE    0x60 /* a word a core: what is pending */
#define MAILBOX_SET   0x80 /* four words a core; the interrupt is pending while one is not 0 */
#define MAILBOX_CLEAR 0xc0
#define SIZE	      0x100
#define LINE_MAILBOX  4

struct bcm2836 {
	char *base;
	struct {
		irq_fn fn;
		void *arg;
	} handler[NR_TIMERS];
};

static struct device *bcm2836_dev; /* the one the trap handler serves */

/* A core's register in an array of words, or of four words. */
static char *reg(unsigned long hart, unsigned long offset, unsigned int words)
{
	struct bcm2836 *chip = device_priv(bcm2836_dev);

	return chip->base + offset + hart % NR_CORES * words * 4;
}

static void bcm2836_interrupt(void)
{
	struct bcm2836 *chip = device_priv(bcm2836_dev);
	unsigned long hart = this_cpu()->hart;
	uint32_t pending = readl(reg(hart, IRQ_SOURCE, 1));

	if (pending & 1U << LINE_MAILBOX) {
		writel(UINT32_MAX, reg(hart, MAILBOX_CLEAR, 4));
		smp_ipi();
	}
	for (unsigned int line = 0; line < NR_TIMERS; line++) {
		if (!(pending & 1U << line))
			continue;
		if (chip->handler[line].fn)
			chip->handler[line].fn(chip->handler[line].arg);
		else
			writel(readl(reg(hart, TIMER_CTL, 1)) & ~(1U << line),
			       reg(hart, TIMER_CTL, 1));
	}
}

/* Two cells: the line, flags. */
static int bcm2836_xlate(struct device *dev, const uint32_t *cells, unsigned int nr_cells)
{
	(void)dev;
	return nr_cells == 2 && cells[0] < NR_TIMERS ? (int)cells[0] : -EINVAL;
}

static void deliver(unsigned int line, bool on)
{
	char *control = reg(boot_info.hart, TIMER_CTL, 1);
	uint32_t value = readl(control) & ~(1U << line);

	writel(value | (uint32_t)on << line, control);
}

static int bcm2836_enable(struct device *dev, unsigned int irq, irq_fn fn, void *arg)
{
	struct bcm2836 *chip = device_priv(dev);

	if (chip->handler[irq].fn)
		return -EBUSY;
	chip->handler[irq].arg = arg;
	chip->handler[irq].fn = fn;
	deliver(irq, true);
	return 0;
}

static void bcm2836_mask(struct device *dev, unsigned int irq)
{
	(void)dev;
	deliver(irq, false);
}

static void bcm2836_disable(struct device *dev, unsigned int irq)
{
	struct bcm2836 *chip = device_priv(dev);

	deliver(irq, false);
	chip->handler[irq].fn = NULL;
}

static const struct irq_chip bcm2836_chip = {
	.xlate = bcm2836_xlate,
	.enable = bcm2836_enable,
	.disable = bcm2836_disable,
	.mask = bcm2836_mask,
};

static void bcm2836_send_ipi(unsigned int cpu)
{
	writel(1, reg(smp_hart(cpu), MAILBOX_SET, 4)); /* orders what was written before */
}

/* No timer of this CPU, and its mailbox 0 empty and delivered. */
static void init_core(unsigned long hart)
{
	writel(0, reg(hart, TIMER_CTL, 1));
	writel(UINT32_MAX, reg(hart, MAILBOX_CLEAR, 4));
	writel(1, reg(hart, MAILBOX_CTL, 1));
}

static int bcm2836_init_ipi(const struct cpu *cpu)
{
	if (cpu->hart >= NR_CORES)
		return -ENODEV;
	init_core(cpu->hart);
	return 0;
}

static const struct ipi_ops bcm2836_ipi_ops = {
	.send = bcm2836_send_ipi,
	.init = bcm2836_init_ipi,
};

static int bcm2836_probe(struct device *dev)
{
	struct bcm2836 *chip = device_priv(dev);
	int error;

	/* BCM2711 has this block beside its GIC: no controller, by its node */
	if (!fdt_getprop(dev->fdt, dev->node, "#interrupt-cells", NULL))
		return -ENODEV;
	if (bcm2836_dev)
		return -EBUSY;
	chip->base = device_map_reg(dev, 0);
	if (!chip->base)
		return -ENXIO;
	if (dev->size < SIZE || (dev->reg & 3) != 0 || boot_info.hart >= NR_CORES)
		return -EINVAL;
	bcm2836_dev = dev;
	init_core(boot_info.hart);
	error = arm64_irq_register(bcm2836_interrupt);
	if (error) {
		writel(0, reg(boot_info.hart, MAILBOX_CTL, 1));
		bcm2836_dev = NULL;
		return error;
	}
	irq_chip_register(dev, &bcm2836_chip);
	smp_set_ipi(&bcm2836_ipi_ops);
	return 0;
}

/* The other CPUs' mailboxes stay on: nobody writes into them until this driver is back. */
static void bcm2836_remove(struct device *dev)
{
	smp_set_ipi(NULL);
	writel(0, reg(boot_info.hart, TIMER_CTL, 1));
	writel(0, reg(boot_info.hart, MAILBOX_CTL, 1));
	arm64_irq_register(NULL);
	irq_chip_unregister(dev);
	bcm2836_dev = NULL;
}

static const char *const bcm2836_compatible[] = {"brcm,bcm2836-l1-intc", NULL};

DRIVER(bcm2836, "bcm2836-l1-intc", DRIVER_IRQCHIP, bcm2836_compatible, bcm2836_probe,
       bcm2836_remove, sizeof(struct bcm2836));
