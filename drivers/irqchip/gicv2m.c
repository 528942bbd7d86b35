/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gicv2m.c: a frame beside a GICv2 that turns a write into one of the GIC's shared interrupts: MSI
 * for PCI functions (Arm Server Base System Architecture 2.3, appendix E; devicetree binding
 * arm,gic-v2m-frame, a child of the GIC's node).
 */
#include <errno.h>
#include <libfdt.h>

#include "boot/dt/of.h"
#include "drivers/base/io.h"
#include "drivers/irqchip/gic.h"
#include "drivers/irqchip/msi.h"

#define MSI_TYPER	 0x008 /* the first interrupt in bits 25:16, how many in bits 9:0 */
#define MSI_SETSPI_NS	 0x040
#define FRAME_SIZE	 0x1000
#define TYPER_BASE_SHIFT 16
#define TYPER_MASK	 0x3ff
#define RISING_EDGE	 1

struct gicv2m {
	int gic; /* its node */
	uint32_t first, nr;
};

/* The specifier by which the GIC knows an interrupt of the frame. */
static struct of_irq spi(const struct gicv2m *v2m, unsigned int irq)
{
	return (struct of_irq){v2m->gic, 3, {0, irq - GIC_NR_PRIVATE, RISING_EDGE, 0}};
}

/* One that is in use already, by another driver or this one, the GIC refuses. */
static int gicv2m_request(struct device *dev, uint32_t id, irq_fn fn, void *arg,
			  struct msi_msg *msg)
{
	const struct gicv2m *v2m = device_priv(dev);
	int error = -ENOSPC;

	(void)id;
	for (uint32_t irq = v2m->first; irq < v2m->first + v2m->nr; irq++) {
		struct of_irq specifier = spi(v2m, irq);

		error = irq_request(&specifier, fn, arg);
		if (error == -EBUSY)
			continue;
		if (error < 0)
			return error;
		msg->addr = dev->reg + MSI_SETSPI_NS;
		msg->data = irq;
		return error;
	}
	return -ENOSPC;
}

static void gicv2m_free(struct device *dev, unsigned int hwirq)
{
	struct of_irq specifier = spi(device_priv(dev), hwirq);

	irq_free(&specifier);
}

static void gicv2m_mask(struct device *dev, unsigned int hwirq)
{
	struct of_irq specifier = spi(device_priv(dev), hwirq);

	irq_mask(&specifier);
}

static const struct msi_chip gicv2m_chip = {
	.request = gicv2m_request,
	.free = gicv2m_free,
	.mask = gicv2m_mask,
};

static int gicv2m_probe(struct device *dev)
{
	struct gicv2m *v2m = device_priv(dev);
	char *base = device_map_reg(dev, 0);
	uint32_t type;

	if (!base)
		return -ENXIO;
	if (dev->size < FRAME_SIZE || (dev->reg & 3) != 0)
		return -EINVAL;
	v2m->gic = fdt_parent_offset(dev->fdt, dev->node);
	type = readl(base + MSI_TYPER);
	/* the tree may correct what the register says */
	v2m->first = of_u32(dev->fdt, dev->node, "arm,msi-base-spi",
			    type >> TYPER_BASE_SHIFT & TYPER_MASK);
	v2m->nr = of_u32(dev->fdt, dev->node, "arm,msi-num-spis", type & TYPER_MASK);
	if (v2m->first < GIC_NR_PRIVATE || v2m->first >= GIC_MAX_IRQS || v2m->nr == 0 ||
	    v2m->nr > GIC_MAX_IRQS - v2m->first)
		return -EINVAL;
	msi_chip_register(dev, &gicv2m_chip);
	return 0;
}

static void gicv2m_remove(struct device *dev)
{
	msi_chip_unregister(dev);
}

static const char *const gicv2m_compatible[] = {"arm,gic-v2m-frame", NULL};

DRIVER(gicv2m, "gicv2m", DRIVER_IRQCHIP_BEHIND, gicv2m_compatible, gicv2m_probe, gicv2m_remove,
       sizeof(struct gicv2m));
