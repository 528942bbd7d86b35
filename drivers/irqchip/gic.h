/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gic.h: what GICv2 and GICv3 have in common: the distributor's layout, the device tree's interrupt
 * specifiers and the table of handlers.
 */
#ifndef DRIVERS_GIC_H
#define DRIVERS_GIC_H

#include "drivers/base/driver.h"
#include "drivers/irqchip/irq.h"

/* Distributor registers; a GICv3 redistributor's SGI page has the same layout for the first 32. */
#define GICD_CTLR	 0x000
#define GICD_TYPER	 0x004
#define GICD_IGROUPR	 0x080 /* 1 bit an interrupt */
#define GICD_ISENABLER	 0x100
#define GICD_ICENABLER	 0x180
#define GICD_ICPENDR	 0x280
#define GICD_ICACTIVER	 0x380
#define GICD_IPRIORITYR	 0x400	/* 8 bits */
#define GICD_ITARGETSR	 0x800	/* 8 bits, GICv2 */
#define GICD_ICFGR	 0xc00	/* 2 bits; the upper one is edge-triggered */
#define GICD_SGIR	 0xf00	/* GICv2 */
#define GICD_IROUTER	 0x6000 /* 64 bits, GICv3 */

#define GIC_NR_PRIVATE	 32   /* SGIs 0..15 and PPIs 16..31 belong to each CPU */
#define GIC_SGI_IPI	 0    /* what CPUs interrupt each other with */
#define GIC_MAX_IRQS	 1020 /* numbers from here on have special meanings: 1023 is "none" */
#define GIC_FIRST_LPI	 8192 /* GICv3, if there is an ITS */
#define GIC_PRIORITY	 0xa0a0a0a0U
#define GIC_PRIORITY_ALL 0xf0 /* mask: every priority in use passes */

struct gic_handler {
	irq_fn fn;
	void *arg;
	uint32_t edge; /* the specifier asked for edge-triggered */
};

struct gic {
	char *dist; /* distributor */
	char *private; /* registers of interrupts 0..31: the distributor, or a redistributor's SGI page */
	char *cpu; /* GICv2: CPU interface */
	uint32_t nr_irqs;
	uint64_t spurious; /* interrupts that no driver had asked for */
	struct gic_handler *handler;
	uint64_t route; /* GICv2: target byte; GICv3: affinity */
	void (*set_route)(const struct gic *gic, unsigned int irq);
};

/*
 * gic_init() - read the number of interrupts, get the handler table, switch every shared interrupt
 * off, neither pending nor active any more, and give it a priority. gic->dist is set. 0 or a negative errno. Context: thread.
 */
int gic_init(struct device *dev, struct gic *gic);

/* gic_init_private() - the same for this CPU's own interrupts; gic->private is set. */
void gic_init_private(const struct gic *gic);

/*
 * gic_enable_ipi() - GIC_SGI_IPI goes to smp_ipi() on the CPU that gic->private belongs to.
 * Context: boot.
 */
void gic_enable_ipi(struct gic *gic);

/* gic_dispatch() - call the handler of an acknowledged interrupt. Context: interrupt. */
void gic_dispatch(struct gic *gic, uint32_t irq);

/*
 * gicv3_redistributor() - the boot CPU's, NULL if there is no GICv3. gicv3_set_lpi() - fn(irq) gets
 * all interrupts from GIC_FIRST_LPI on, in interrupt context; NULL: they are dropped. Context:
 * thread.
 */
char *gicv3_redistributor(void);
void gicv3_set_lpi(void (*fn)(uint32_t irq));

/* The irq_chip of both; device_priv() must start with struct gic. */
extern const struct irq_chip gic_chip;

#endif
