/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plic.c: the RISC-V platform-level interrupt controller (RISC-V PLIC specification 1.0.0).
 *
 * The PLIC has a context for each hart and privilege mode; interrupts-extended lists them in order.
 * This driver takes the one context that raises the supervisor external interrupt of the boot hart
 * and touches no other: the M-mode ones belong to the firmware. A PLIC of another socket has none
 * for that hart: it is polled through the first hart's it has, which takes no external interrupts.
 */
#include <errno.h>
#include <string.h>

#include "boot/cpu/trap_expect.h"
#include "drivers/base/driver.h"
#include "drivers/base/io.h"
#include "drivers/irqchip/irq.h"
#include "drivers/irqchip/riscv_ext.h"
#include "boot/dt/of.h"

/* The memory map, from chapter 3 of the specification. */
#define PLIC_PRIORITY(source) (4UL * (source))
#define PLIC_ENABLE(context)  (0x2000UL + 0x80UL * (context))
#define PLIC_CONTEXT(context) (0x200000UL + 0x1000UL * (context))
#define PLIC_THRESHOLD	      0x0
#define PLIC_CLAIM	      0x4
#define PLIC_MAX_SOURCES      1024 /* number 0 means "none" */
#define PLIC_MAX_CONTEXTS     15872

struct plic_handler {
	irq_fn fn;
	void *arg;
};

struct plic {
	struct riscv_ext ext;
	char *base;
	uint32_t context;
	uint32_t nr_sources; /* the highest source + 1 */
	uint64_t spurious;   /* claims of a source that no driver had asked for */
	struct plic_handler *handler;
};

static void plic_enable_bit(const struct plic *plic, uint32_t source, bool on)
{
	char *word = plic->base + PLIC_ENABLE(plic->context) + source / 32 * 4;
	uint32_t bits = readl(word);
	uint32_t bit = 1U << source % 32;

	writel(on ? bits | bit : bits & ~bit, word);
}

static void plic_interrupt(struct device *dev)
{
	struct plic *plic = device_priv(dev);
	char *claim = plic->base + PLIC_CONTEXT(plic->context) + PLIC_CLAIM;
	uint32_t source;

	while ((source = readl(claim)) != 0) {
		if (source < plic->nr_sources && plic->handler[source].fn) {
			plic->handler[source].fn(plic->handler[source].arg);
		} else {
			plic->spurious++;
			if (source < plic->nr_sources)
				writel(0, plic->base + PLIC_PRIORITY(source));
		}
		/* complete: a disabled source would ignore it, so it was not disabled above */
		writel(source, claim);
	}
}

/* Which sources are on in the context, and that all priorities pass. */
static void plic_write_context(const struct plic *plic)
{
	for (uint32_t source = 0; source < plic->nr_sources; source += 32) {
		uint32_t bits = 0;

		for (uint32_t i = 0; i < 32 && source + i < plic->nr_sources; i++)
			bits |= plic->handler[source + i].fn ? 1U << i : 0;
		writel(bits, plic->base + PLIC_ENABLE(plic->context) + source / 32 * 4);
	}
	writel(0, plic->base + PLIC_CONTEXT(plic->context) + PLIC_THRESHOLD);
}

/* Another hart's context: the firmware clears it when that hart starts. */
static void plic_poll(struct device *dev)
{
	plic_write_context(device_priv(dev));
	plic_interrupt(dev);
}

static int plic_xlate(struct device *dev, const uint32_t *cells, unsigned int nr_cells)
{
	const struct plic *plic = device_priv(dev);

	/* a second cell, if there is one, is the trigger type, which the PLIC's gateways fix */
	if (nr_cells < 1 || nr_cells > 2 || cells[0] == 0 || cells[0] >= plic->nr_sources)
		return -EINVAL;
	return (int)cells[0];
}

static int plic_enable(struct device *dev, unsigned int source, irq_fn fn, void *arg)
{
	struct plic *plic = device_priv(dev);

	if (plic->handler[source].fn)
		return -EBUSY;
	plic->handler[source].arg = arg;
	plic->handler[source].fn = fn;
	writel(1, plic->base + PLIC_PRIORITY(source));
	plic_enable_bit(plic, source, true);
	return 0;
}

static void plic_disable(struct device *dev, unsigned int source)
{
	struct plic *plic = device_priv(dev);

	plic_enable_bit(plic, source, false);
	writel(0, plic->base + PLIC_PRIORITY(source));
	plic->handler[source].fn = NULL;
}

/* By its priority: the completion that ends its handler is ignored if it is not enabled. */
static void plic_mask(struct device *dev, unsigned int source)
{
	struct plic *plic = device_priv(dev);

	writel(0, plic->base + PLIC_PRIORITY(source));
}

static const struct irq_chip plic_chip = {
	.xlate = plic_xlate,
	.enable = plic_enable,
	.disable = plic_disable,
	.mask = plic_mask,
};

/*
 * T-Head's PLIC has one register more, which machine mode alone can reach: while bit 0 of PLIC_CTRL
 * (S_PER) is 0, an access of supervisor mode to any register is an access fault (C906 and C910 user
 * manuals, "PLIC access permission"). The firmware sets it, or the PLIC cannot be used.
 */
#define THEAD_PLIC_CTRL 0x1ffffcUL

static void touch(uintptr_t reg)
{
	(void)readl((const volatile void *)reg);
}

static int thead_check(struct device *dev, const struct plic *plic)
{
	struct trap_record record;
	uintptr_t reg = (uintptr_t)plic->base + PLIC_CONTEXT(plic->context) + PLIC_THRESHOLD;

	if (strcmp(dev->compatible, "thead,c900-plic") != 0 || !trap_expect(touch, reg, &record))
		return 0;
	device_log(dev, "supervisor mode may not use it: the firmware must set bit 0 of %#lx",
		   (unsigned long)(dev->reg + THEAD_PLIC_CTRL));
	return -ENODEV; /* reported */
}

static int plic_probe(struct device *dev)
{
	struct plic *plic = device_priv(dev);
	uint32_t ndev = of_u32(dev->fdt, dev->node, "riscv,ndev", 0);
	int other, context = riscv_ext_find(dev->fdt, dev->node, &other);
	bool polled = context < 0;

	if (polled)
		context = other;
	if (context < 0) {
		device_log(dev, "no context for any hart in S-mode: not usable");
		return -ENODEV; /* reported */
	}
	plic->context = (uint32_t)context;
	plic->base = device_map_reg(dev, 0);
	if (!plic->base)
		return -ENXIO;
	if (ndev == 0 || ndev >= PLIC_MAX_SOURCES || (dev->reg & 3) != 0 ||
	    plic->context >= PLIC_MAX_CONTEXTS || dev->size < PLIC_CONTEXT(plic->context + 1))
		return -EINVAL;
	if (thead_check(dev, plic) != 0)
		return -ENODEV;
	plic->nr_sources = ndev + 1;
	plic->handler = device_zalloc(dev, plic->nr_sources * sizeof(*plic->handler));
	if (!plic->handler)
		return -ENOMEM;

	plic_write_context(plic);
	irq_chip_register(dev, &plic_chip);
	riscv_ext_register(dev, polled ? plic_poll : plic_interrupt, polled);
	return 0;
}

static void plic_remove(struct device *dev)
{
	riscv_ext_unregister(dev);
	irq_chip_unregister(dev);
}

static const char *const plic_compatible[] = {"riscv,plic0", "sifive,plic-1.0.0", "thead,c900-plic",
					      NULL};

DRIVER(plic, "plic", DRIVER_IRQCHIP, plic_compatible, plic_probe, plic_remove, sizeof(struct plic));
