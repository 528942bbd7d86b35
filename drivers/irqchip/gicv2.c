/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gicv2.c: the Arm Generic Interrupt Controller, architecture version 2 (IHI0048).
 *
 * Whether the GIC has the Security Extensions or not, bit 0 of both control registers is the enable
 * of the group that we see. Where no firmware has given us that group, gic.c does; what else the
 * secure state keeps for itself is set up here (4.8.6, 4.4.2).
 */
#include <errno.h>
#include <quarry/port.h>

#include "boot/arm64/el3.h"
#include "boot/arm64/trap.h"
#include "boot/cpu/smp.h"
#include "drivers/base/driver.h"
#include "drivers/irqchip/gic.h"
#include "drivers/base/io.h"

/* CPU interface */
#define GICC_CTLR   0x00
#define GICC_PMR    0x04
#define GICC_BPR    0x08
#define GICC_IAR    0x0c
#define GICC_EOIR   0x10
#define GICC_APR    0xd0 /* four, active priorities */
#define GICC_NSAPR  0xe0 /* four, of group 1 as the secure state, or a GIC without one, sees it */
#define GICC_SIZE   0xf0 /* as much as is used here */
#define IAR_IRQ	    0x3ff
#define GICD_SIZE   0x1000
#define CTLR_ENABLE 1
#define PMR_SECURE  0xff /* a write of ours is ignored while this is below 0x80 */

static struct device *gicv2_dev; /* the one the trap handler serves */

static void gicv2_interrupt(void)
{
	struct gic *gic = device_priv(gicv2_dev);
	uint32_t ack;

	while (((ack = readl(gic->cpu + GICC_IAR)) & IAR_IRQ) < GIC_MAX_IRQS) {
		gic_dispatch(gic, ack & IAR_IRQ);
		writel(ack, gic->cpu + GICC_EOIR); /* with the sender of an SGI, bits 12:10 */
	}
}

static void gicv2_set_route(const struct gic *gic, unsigned int irq)
{
	if (gic->route)
		writeb((uint8_t)gic->route, gic->dist + GICD_ITARGETSR + irq);
}

/* This CPU's bit in ITARGETSR, from its own private interrupts; 0 on a GIC for one CPU. */
static uint64_t own_target(const struct gic *gic)
{
	uint32_t bits = 0;

	for (unsigned int irq = 0; irq < GIC_NR_PRIVATE; irq += 4)
		bits |= readl(gic->dist + GICD_ITARGETSR + irq);
	bits |= bits >> 16;
	return (bits | bits >> 8) & 0xff;
}

static uint8_t target[CONFIG_NR_CPUS]; /* each CPU's bit in ITARGETSR */

static void gicv2_send_ipi(unsigned int cpu)
{
	/* writel() orders what was written before; target list in bits 23:16 */
	writel((uint32_t)target[cpu] << 16 | GIC_SGI_IPI,
	       ((struct gic *)device_priv(gicv2_dev))->dist + GICD_SGIR);
}

/* This CPU's interface and private interrupts, which are banked. */
static void init_cpu(struct gic *gic, unsigned int cpu)
{
	if (el3_is_ours()) {
		el3_writel(0, gic->cpu + GICC_CTLR);
		el3_writel(PMR_SECURE, gic->cpu + GICC_PMR);
	}
	gic_init_private(gic);
	target[cpu] = (uint8_t)own_target(gic);
	writel(GIC_PRIORITY_ALL, gic->cpu + GICC_PMR);
	writel(0, gic->cpu + GICC_BPR);
	/* nothing is in progress, whatever a loader left: its priority would hold back all others */
	for (unsigned int i = 0; i < 4; i++) {
		writel(0, gic->cpu + GICC_APR + (size_t)i * 4);
		writel(0, gic->cpu + GICC_NSAPR + (size_t)i * 4);
	}
}

static int gicv2_init_ipi(const struct cpu *cpu)
{
	struct gic *gic = device_priv(gicv2_dev);

	init_cpu(gic, cpu->number);
	if (!target[cpu->number])
		return -ENODEV;
	gic_enable_ipi(gic);
	writel(CTLR_ENABLE, gic->cpu + GICC_CTLR);
	return 0;
}

static const struct ipi_ops gicv2_ipi_ops = {
	.send = gicv2_send_ipi,
	.init = gicv2_init_ipi,
};

static int gicv2_probe(struct device *dev)
{
	struct gic *gic = device_priv(dev);
	phys_addr_t addr, size;
	int error;

	if (gicv2_dev)
		return -EBUSY;
	if (of_reg(dev->fdt, dev->node, 1, &addr, &size) != 0 || size < GICC_SIZE || (addr & 3))
		return -EINVAL;
	gic->cpu = device_map_reg(dev, 1);
	gic->dist = gic->private = device_map_reg(dev, 0);
	if (!gic->dist || !gic->cpu)
		return -ENXIO;
	if (dev->size < GICD_SIZE || (dev->reg & 3) != 0)
		return -EINVAL;
	gic->set_route = gicv2_set_route;
	if (el3_is_ours())
		el3_writel(0, gic->dist + GICD_CTLR);
	writel(0, gic->dist + GICD_CTLR);
	error = gic_init(dev, gic);
	if (error)
		return error;
	init_cpu(gic, 0);
	gic->route = target[0];
	writel(CTLR_ENABLE, gic->dist + GICD_CTLR);
	error = arm64_irq_register(gicv2_interrupt);
	if (error) {
		writel(0, gic->dist + GICD_CTLR);
		return error;
	}
	gicv2_dev = dev;
	irq_chip_register(dev, &gic_chip);
	gic_enable_ipi(gic);
	smp_set_ipi(&gicv2_ipi_ops);
	writel(CTLR_ENABLE, gic->cpu + GICC_CTLR);
	return 0;
}

static void gicv2_remove(struct device *dev)
{
	struct gic *gic = device_priv(dev);

	smp_set_ipi(NULL);
	writel(0, gic->cpu + GICC_CTLR);
	writel(0, gic->dist + GICD_CTLR);
	arm64_irq_register(NULL);
	irq_chip_unregister(dev);
	gicv2_dev = NULL;
}

static const char *const gicv2_compatible[] = {"arm,gic-400", "arm,cortex-a15-gic",
					       "arm,cortex-a7-gic", "arm,cortex-a9-gic", NULL};

DRIVER(gicv2, "gicv2", DRIVER_IRQCHIP, gicv2_compatible, gicv2_probe, gicv2_remove,
       sizeof(struct gic));
