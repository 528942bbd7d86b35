/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gicv3_dist.c: the distributor of a GICv3 or 4 (IHI0069, 12.9).
 *
 * Routing by affinity is switched on while no group is forwarded, and never off again: either is
 * UNPREDICTABLE otherwise (12.9.4, GICD_CTLR.ARE). A loader, or the driver before it was removed,
 * may have left it on.
 */
#include "drivers/irqchip/gicv3.h"

#include <errno.h>
#include <quarry/port.h>

#include "boot/arm64/el3.h"
#include "drivers/base/io.h"

#define CTLR_ENABLE 0x03 /* EnableGrp1 and EnableGrp1A, or groups 0 and 1 if security is off */
#define CTLR_ARE    0x10
#define CTLR_RWP    0x80000000U
#define CTLR_ARE_S  0x10 /* as the secure state sees it */
#define CTLR_ARE_NS 0x20

int gicv3_wait_clear(const char *reg, uint32_t bits)
{
	for (int i = 0; i < GICV3_POLLS; i++) {
		if (!(readl(reg) & bits))
			return 0;
		port_relax();
	}
	return -ETIMEDOUT;
}

/* What the secure state has to say first: routing by affinity in both states, no secure group 1. */
static int init_secure(const struct gic *gic)
{
	uint32_t nr_irqs = ((readl(gic->dist + GICD_TYPER) & 0x1f) + 1) * 32;
	char *ctlr = gic->dist + GICD_CTLR;
	int error;

	el3_writel(el3_readl(ctlr) & (CTLR_ARE_S | CTLR_ARE_NS), ctlr);
	error = gicv3_wait_clear(ctlr, CTLR_RWP);
	if (error)
		return error;
	el3_writel(CTLR_ARE_S | CTLR_ARE_NS, ctlr);
	for (uint32_t irq = GIC_NR_PRIVATE; irq < nr_irqs; irq += 32)
		el3_writel(0, gic->dist + GICD_IGRPMODR + irq / 8);
	return gicv3_wait_clear(ctlr, CTLR_RWP);
}

int gicv3_dist_init(struct device *dev, struct gic *gic)
{
	int error = el3_is_ours() ? init_secure(gic) : 0;

	if (error)
		return error;
	error = gicv3_dist_quiet(gic);
	if (!error)
		error = gic_init(dev, gic);
	if (error)
		return error;
	for (uint32_t irq = GIC_NR_PRIVATE; irq < gic->nr_irqs; irq += 32)
		writel(UINT32_MAX, gic->dist + GICD_IGROUPR + irq / 8);
	writel(CTLR_ARE, gic->dist + GICD_CTLR);
	writel(CTLR_ARE | CTLR_ENABLE, gic->dist + GICD_CTLR);
	return gicv3_wait_clear(gic->dist + GICD_CTLR, CTLR_RWP);
}

int gicv3_dist_quiet(const struct gic *gic)
{
	writel(readl(gic->dist + GICD_CTLR) & CTLR_ARE, gic->dist + GICD_CTLR);
	return gicv3_wait_clear(gic->dist + GICD_CTLR, CTLR_RWP);
}
