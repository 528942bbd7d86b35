/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aplic.c: the RISC-V advanced platform-level interrupt controller (RISC-V Advanced Interrupt
 * Architecture 1.0, chapter 4; devicetree binding interrupt-controller/riscv,aplic).
 *
 * A controller has a tree of interrupt domains, a node each. The supervisor domain that has the
 * boot hart is ours; those of machine mode belong to the firmware, which has delegated the sources.
 * A domain delivers in one of two ways: it raises the hart's external interrupt itself (4.8), or it
 * sends each source to a hart's IMSIC as a message (4.9), which aplic_msi.c does.
 */
#include "drivers/irqchip/aplic.h"

#include <errno.h>
#include <libfdt.h>

#include "boot/dt/of.h"
#include "drivers/base/io.h"

/* Registers of a domain (4.5); source numbers begin with 1. */
#define APLIC_DOMAINCFG		0x0000
#define APLIC_SOURCECFG(source) (0x0004 + 4UL * ((source) - 1))
#define APLIC_IN_CLRIP(source)	(0x1d00 + (source) / 32 * 4UL)
#define APLIC_SETIENUM		0x1edc
#define APLIC_CLRIE		0x1f00
#define APLIC_CLRIENUM		0x1fdc
#define APLIC_TARGET(source)	(0x3004 + 4UL * ((source) - 1))
#define APLIC_IDC(hart)		(0x4000 + 32UL * (hart))
#define APLIC_SIZE		0x4000 /* without interrupt delivery control structures */

#define DOMAINCFG_DM		0x004
#define DOMAINCFG_IE		0x100
#define DOMAINCFG_BITS		0x105 /* those that can be written: IE, DM, BE */

/* Source modes (4.5.2, table 4.2). */
#define SM_INACTIVE 0
#define SM_EDGE1    4
#define SM_EDGE0    5
#define SM_LEVEL0   (APLIC_SM_LEVEL1 + 1)

/* A hart's interrupt delivery control (4.8.1). */
#define IDC_IDELIVERY	    0x00
#define IDC_IFORCE	    0x04
#define IDC_ITHRESHOLD	    0x08
#define IDC_CLAIMI	    0x1c
#define IDC_SIZE	    32
#define CLAIMI_SOURCE_SHIFT 16
#define CLAIMI_SOURCE_MASK  0x3ff

#define TARGET_PRIORITY	    1	  /* the highest; all sources have it */
#define MAX_HARTS	    16384 /* hart indices have 14 bits */

/* The source mode for the second cell of a specifier; SM_INACTIVE: there is none. */
static uint8_t mode_of(uint32_t trigger)
{
	switch (trigger & 15) {
	case 1:
		return SM_EDGE1;
	case 2:
		return SM_EDGE0;
	case 4:
		return APLIC_SM_LEVEL1;
	case 8:
		return SM_LEVEL0;
	}
	return SM_INACTIVE;
}

static int aplic_xlate(struct device *dev, const uint32_t *cells, unsigned int nr_cells)
{
	const struct aplic *aplic = device_priv(dev);
	uint8_t mode;

	if (nr_cells != 2 || cells[0] == 0 || cells[0] > aplic->nr_sources)
		return -EINVAL;
	mode = mode_of(cells[1]);
	if (mode == SM_INACTIVE)
		return -EINVAL;
	if (!aplic->source[cells[0]].fn) /* else it is as its owner asked for it */
		aplic->source[cells[0]].mode = mode;
	return (int)cells[0];
}

static void aplic_mask(struct device *dev, unsigned int source)
{
	const struct aplic *aplic = device_priv(dev);

	writel(source, aplic->base + APLIC_CLRIENUM);
}

static void aplic_disable(struct device *dev, unsigned int source)
{
	struct aplic *aplic = device_priv(dev);

	writel(source, aplic->base + APLIC_CLRIENUM);
	writel(SM_INACTIVE, aplic->base + APLIC_SOURCECFG(source));
	if (aplic->msi)
		aplic_msi_free(aplic, source);
	aplic->source[source].fn = NULL;
}

static int aplic_enable(struct device *dev, unsigned int source, irq_fn fn, void *arg)
{
	struct aplic *aplic = device_priv(dev);
	struct aplic_source *s = &aplic->source[source];
	uint32_t target = aplic->hart << APLIC_TARGET_HART_SHIFT | TARGET_PRIORITY;
	int error = 0;

	if (s->fn)
		return -EBUSY;
	/* a source that is not there, or is a child domain's, stays zero (4.5.2) */
	writel(s->mode, aplic->base + APLIC_SOURCECFG(source));
	if (readl(aplic->base + APLIC_SOURCECFG(source)) != s->mode)
		return -ENXIO;
	s->arg = arg;
	s->fn = fn;
	if (aplic->msi)
		error = aplic_msi_request(aplic, source, &target);
	if (error) {
		s->fn = NULL;
		writel(SM_INACTIVE, aplic->base + APLIC_SOURCECFG(source));
		return error;
	}
	writel(target, aplic->base + APLIC_TARGET(source));
	writel(source, aplic->base + APLIC_SETIENUM);
	return 0;
}

static const struct irq_chip aplic_chip = {
	.xlate = aplic_xlate,
	.enable = aplic_enable,
	.disable = aplic_disable,
	.mask = aplic_mask,
};

bool aplic_level(const struct aplic *aplic, uint32_t source)
{
	return readl(aplic->base + APLIC_IN_CLRIP(source)) >> source % 32 & 1;
}

/*
 * Reading claimi takes the source; a level that stays is pending again at once, and one that goes
 * is not pending (4.7, 4.8.1.5). QEMU before 8.1 leaves it pending: such a claim is not passed on.
 * Of a low level that QEMU does not tell the state, so only high ones are looked at.
 */
static void aplic_interrupt(struct device *dev)
{
	struct aplic *aplic = device_priv(dev);
	char *idc = aplic->base + APLIC_IDC(aplic->hart);
	uint32_t claim;

	while ((claim = readl(idc + IDC_CLAIMI)) != 0) {
		uint32_t source = claim >> CLAIMI_SOURCE_SHIFT & CLAIMI_SOURCE_MASK;

		if (source <= aplic->nr_sources && aplic->source[source].fn) {
			const struct aplic_source *s = &aplic->source[source];

			if (s->mode != APLIC_SM_LEVEL1 || aplic_level(aplic, source))
				s->fn(s->arg);
			continue;
		}
		aplic->spurious++;
		if (source)
			writel(source, aplic->base + APLIC_CLRIENUM);
	}
}

/* Nothing of it interrupts any more. */
static void silence(const struct aplic *aplic)
{
	writel(0, aplic->base + APLIC_DOMAINCFG);
	for (uint32_t word = 0; word <= aplic->nr_sources / 32; word++)
		writel(UINT32_MAX, aplic->base + APLIC_CLRIE + 4UL * word);
	for (uint32_t source = 1; source <= aplic->nr_sources; source++)
		writel(SM_INACTIVE, aplic->base + APLIC_SOURCECFG(source));
	for (uint32_t hart = 0; hart < aplic->nr_harts; hart++)
		writel(0, aplic->base + APLIC_IDC(hart) + IDC_IDELIVERY);
}

/* The index of the hart of an entry of `interrupts-extended` among the domain's harts. */
static uint32_t hart_index(const struct device *dev, uint32_t entry)
{
	int len;
	const fdt32_t *index = fdt_getprop(dev->fdt, dev->node, "riscv,hart-indexes", &len);

	if (!index || entry >= (uint32_t)len / sizeof(*index))
		return entry;
	return fdt32_ld(index + entry);
}

/*
 * Which harts the domain delivers to directly: the boot hart, else the first, which takes no
 * external interrupts, so that the domain is polled. -ENODEV: it is not for supervisor mode.
 */
static int find_harts(struct device *dev)
{
	struct aplic *aplic = device_priv(dev);
	struct of_irq irq;
	int other, entry = riscv_ext_find(dev->fdt, dev->node, &other);

	aplic->polled = entry < 0;
	if (aplic->polled)
		entry = other;
	if (entry < 0)
		return -ENODEV; /* the firmware's */
	for (uint32_t i = 0; of_irq(dev->fdt, dev->node, i, &irq) == 0; i++) {
		uint32_t index = hart_index(dev, i);

		if (index >= MAX_HARTS || dev->size < APLIC_IDC(index + 1UL))
			return -EINVAL;
		if (index >= aplic->nr_harts)
			aplic->nr_harts = index + 1;
	}
	aplic->hart = hart_index(dev, (uint32_t)entry);
	return 0;
}

/* Take the domain into use in the mode it is in; -EOPNOTSUPP: it does not know that one. */
static int start(struct aplic *aplic)
{
	uint32_t mode = aplic->msi ? DOMAINCFG_DM : 0;
	char *idc = aplic->base + APLIC_IDC(aplic->hart);

	silence(aplic);
	if (!aplic->msi) {
		writel(0, idc + IDC_IFORCE);
		writel(0, idc + IDC_ITHRESHOLD); /* none: all priorities pass (4.8.1.3) */
		writel(1, idc + IDC_IDELIVERY);
	}
	writel(mode | DOMAINCFG_IE, aplic->base + APLIC_DOMAINCFG);
	if ((readl(aplic->base + APLIC_DOMAINCFG) & DOMAINCFG_BITS) == (mode | DOMAINCFG_IE))
		return 0;
	silence(aplic);
	return -EOPNOTSUPP;
}

static int aplic_probe(struct device *dev)
{
	struct aplic *aplic = device_priv(dev);
	int error;

	aplic->nr_sources = of_u32(dev->fdt, dev->node, "riscv,num-sources", 0);
	error = of_reg(dev->fdt, dev->node, 0, &dev->reg, &dev->size);
	if (error)
		return -ENXIO;
	if (aplic->nr_sources == 0 || aplic->nr_sources > APLIC_MAX_SOURCES ||
	    (dev->reg & 3) != 0 || dev->size < APLIC_SIZE)
		return -EINVAL;
	error = aplic_msi_find(dev);
	if (error == -ENOENT)
		error = find_harts(dev);
	if (error)
		return error;
	aplic->base = device_map_reg(dev, 0);
	if (!aplic->base)
		return -ENXIO;
	aplic->source = device_zalloc(dev, (aplic->nr_sources + 1UL) * sizeof(*aplic->source));
	if (!aplic->source)
		return -ENOMEM;
	error = start(aplic);
	if (error)
		return error;
	irq_chip_register(dev, &aplic_chip);
	if (!aplic->msi)
		riscv_ext_register(dev, aplic_interrupt, aplic->polled);
	return 0;
}

static void aplic_remove(struct device *dev)
{
	struct aplic *aplic = device_priv(dev);

	irq_chip_unregister(dev);
	silence(aplic);
	if (!aplic->msi)
		riscv_ext_unregister(dev);
}

static const char *const aplic_compatible[] = {"riscv,aplic", NULL};

DRIVER(aplic, "aplic", DRIVER_IRQCHIP_BEHIND, aplic_compatible, aplic_probe, aplic_remove,
       sizeof(struct aplic));
