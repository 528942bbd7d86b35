/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gic.c: the distributor and the interrupt specifiers of the Arm Generic Interrupt Controller
 * (IHI0048, IHI0069; devicetree bindings interrupt-controller/arm,gic and arm,gic-v3).
 */
#include "drivers/irqchip/gic.h"

#include <errno.h>

#include "boot/arm64/el3.h"
#include "boot/cpu/smp.h"
#include "drivers/base/io.h"

/* The register with irq's bit, or bits, in an array that starts at offset. */
static char *gic_reg(const struct gic *gic, unsigned int irq, size_t offset, unsigned int bits)
{
	char *base = irq < GIC_NR_PRIVATE ? gic->private : gic->dist;

	return base + offset + irq / (32 / bits) * 4;
}

static uint32_t bit(unsigned int irq)
{
	return 1U << irq % 32;
}

static void init_range(const struct gic *gic, unsigned int first, unsigned int end)
{
	for (unsigned int irq = first; irq < end; irq += 32) {
		/* what is secure is out of reach: group 1, before all else */
		if (el3_is_ours())
			el3_writel(UINT32_MAX, gic_reg(gic, irq, GICD_IGROUPR, 1));
		writel(UINT32_MAX, gic_reg(gic, irq, GICD_ICENABLER, 1));
		writel(UINT32_MAX, gic_reg(gic, irq, GICD_ICPENDR, 1));
		/* a loader may have left one without its end: it would never come again */
		writel(UINT32_MAX, gic_reg(gic, irq, GICD_ICACTIVER, 1));
	}
	for (unsigned int irq = first; irq < end; irq += 4)
		writel(GIC_PRIORITY, gic_reg(gic, irq, GICD_IPRIORITYR, 8));
}

int gic_init(struct device *dev, struct gic *gic)
{
	gic->nr_irqs = ((readl(gic->dist + GICD_TYPER) & 0x1f) + 1) * 32;
	if (gic->nr_irqs > GIC_MAX_IRQS)
		gic->nr_irqs = GIC_MAX_IRQS;
	gic->handler = device_zalloc(dev, gic->nr_irqs * sizeof(*gic->handler));
	if (!gic->handler)
		return -ENOMEM;
	init_range(gic, GIC_NR_PRIVATE, gic->nr_irqs);
	return 0;
}

void gic_init_private(const struct gic *gic)
{
	init_range(gic, 0, GIC_NR_PRIVATE);
}

static void ipi(void *arg)
{
	(void)arg;
	io_barrier(); /* the acknowledge before the look at what was asked */
	smp_ipi();
}

void gic_enable_ipi(struct gic *gic)
{
	gic->handler[GIC_SGI_IPI].fn = ipi;
	writel(bit(GIC_SGI_IPI), gic_reg(gic, GIC_SGI_IPI, GICD_ISENABLER, 1));
}

void gic_dispatch(struct gic *gic, uint32_t irq)
{
	if (irq < gic->nr_irqs && gic->handler[irq].fn) {
		gic->handler[irq].fn(gic->handler[irq].arg);
		return;
	}
	gic->spurious++;
	if (irq < gic->nr_irqs)
		writel(bit(irq), gic_reg(gic, irq, GICD_ICENABLER, 1));
}

/* Three cells: 0 shared or 1 private, number, flags; GICv3 may have a fourth, a PPI partition. */
static int gic_xlate(struct device *dev, const uint32_t *cells, unsigned int nr_cells)
{
	struct gic *gic = device_priv(dev);
	uint32_t irq, trigger;

	if (nr_cells < 3 || cells[0] > 1 || cells[1] >= GIC_MAX_IRQS)
		return -EINVAL;
	if (cells[0] == 1 && cells[1] >= 16)
		return -EINVAL;
	irq = cells[1] + (cells[0] == 1 ? 16 : GIC_NR_PRIVATE);
	if (irq >= gic->nr_irqs)
		return -EINVAL;
	trigger = cells[2] & 15;   /* 1 rising, 2 falling edge; 4 high, 8 low level */
	if (!gic->handler[irq].fn) /* else it is as its owner asked for it */
		gic->handler[irq].edge = trigger == 1 || trigger == 2;
	return (int)irq;
}

static int gic_enable(struct device *dev, unsigned int irq, irq_fn fn, void *arg)
{
	struct gic *gic = device_priv(dev);

	if (gic->handler[irq].fn)
		return -EBUSY;
	gic->handler[irq].arg = arg;
	gic->handler[irq].fn = fn;
	if (irq >= GIC_NR_PRIVATE) { /* private ones are wired as they are */
		char *config = gic_reg(gic, irq, GICD_ICFGR, 2);
		uint32_t edge = 2U << irq % 16 * 2;
		uint32_t value = readl(config);

		writel(gic->handler[irq].edge ? value | edge : value & ~edge, config);
		gic->set_route(gic, irq);
	}
	writel(bit(irq), gic_reg(gic, irq, GICD_ISENABLER, 1));
	return 0;
}

static void gic_disable(struct device *dev, unsigned int irq)
{
	struct gic *gic = device_priv(dev);

	writel(bit(irq), gic_reg(gic, irq, GICD_ICENABLER, 1));
	gic->handler[irq].fn = NULL;
}

static void gic_mask(struct device *dev, unsigned int irq)
{
	struct gic *gic = device_priv(dev);

	writel(bit(irq), gic_reg(gic, irq, GICD_ICENABLER, 1));
}

const struct irq_chip gic_chip = {
	.xlate = gic_xlate,
	.enable = gic_enable,
	.disable = gic_disable,
	.mask = gic_mask,
};
