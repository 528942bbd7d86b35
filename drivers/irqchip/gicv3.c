/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gicv3.c: the Arm Generic Interrupt Controller, architecture versions 3 and 4 (IHI0069), with
 * affinity routing and the CPU interface in system registers; gicv3_dist.c has the distributor.
 *
 * All interrupts are made group 1, which is non-secure where there are two security states. Only the
 * secure state can do that then, and wake a redistributor: firmware has, or el3.h lets us.
 */
#include <errno.h>
#include <quarry/port.h>

#include "boot/arm64/el3.h"
#include "boot/arm64/machine.h"
#include "boot/arm64/trap.h"
#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "drivers/base/driver.h"
#include "drivers/irqchip/gic.h"
#include "drivers/irqchip/gicv3.h"
#include "drivers/base/io.h"

#define GICD_SIZE    0x10000

#define CTLR_PRIBITS 8 /* ICC_CTLR_EL1, bits 10:8: bits of priority, less 1 */

/* Redistributor: a page of control, a page for SGIs and PPIs, two more if it knows virtual LPIs */
#define GICR_TYPER   0x08
#define GICR_WAKER   0x14
#define GICR_SGI     0x10000
#define GICR_STRIDE  0x20000
#define TYPER_VLPIS  0x02
#define TYPER_LAST   0x10
#define WAKER_SLEEP  0x02
#define WAKER_ASLEEP 0x04

#define read_icc(name)                                            \
	({                                                        \
		uint64_t value_;                                  \
		__asm__ volatile("mrs %0, " name : "=r"(value_)); \
		value_;                                           \
	})
#define write_icc(name, value) \
	__asm__ volatile("msr " name ", %0; isb" ::"r"((uint64_t)(value)) : "memory")

static struct device *gicv3_dev; /* the one the trap handler serves */
static uint64_t stride;		 /* redistributor-stride, 0: none */

static void (*lpi_fn)(uint32_t irq);

char *gicv3_redistributor(void)
{
	const struct gic *gic = gicv3_dev ? device_priv(gicv3_dev) : NULL;

	return gic ? gic->private - GICR_SGI : NULL;
}

void gicv3_set_lpi(void (*fn)(uint32_t irq))
{
	lpi_fn = fn;
}

static void gicv3_interrupt(void)
{
	struct gic *gic = device_priv(gicv3_dev);
	uint32_t irq;

	for (;;) {
		irq = (uint32_t)read_icc("icc_iar1_el1") & 0xffffff;
		io_barrier(); /* the acknowledge takes effect before the device is looked at */
		if (irq >= GIC_MAX_IRQS && irq < GIC_FIRST_LPI)
			return;
		if (irq < GIC_MAX_IRQS)
			gic_dispatch(gic, irq);
		else if (lpi_fn)
			lpi_fn(irq);
		io_barrier();
		write_icc("icc_eoir1_el1", irq);
	}
}

static void gicv3_set_route(const struct gic *gic, unsigned int irq)
{
	char *reg = gic->dist + GICD_IROUTER + 8UL * irq;

	writel((uint32_t)gic->route, reg);
	writel((uint32_t)(gic->route >> 32), reg + 4);
}

/*
 * What lies between two redistributors, 0: what their types say. The binding's number has two
 * cells; trees with one are taken as they are meant.
 */
static uint64_t redistributor_stride(const struct device *dev)
{
	uint64_t value = of_u32(dev->fdt, dev->node, "redistributor-stride", 0);

	value = of_u64(dev->fdt, dev->node, "redistributor-stride", value);
	if (value % GICR_SGI == 0 && (value == 0 || value >= GICR_STRIDE))
		return value;
	device_log(dev,
		   "redistributor-stride %#lx is not %#x or more and a multiple of 64 KiB: ignored",
		   (unsigned long)value, GICR_STRIDE);
	return 0;
}

/* A CPU's redistributor by its MPIDR affinity, NULL if no region of the node has it. */
static char *find_redistributor(struct device *dev, uint64_t mpidr)
{
	uint32_t regions = of_u32(dev->fdt, dev->node, "#redistributor-regions", 1);
	/* the register's form of the affinity: 8 bits each, Aff3 first */
	uint32_t affinity = (uint32_t)(mpidr >> 32 << 24 | (mpidr & 0xffffff));

	for (uint32_t i = 0; i < regions; i++) {
		phys_addr_t addr, size, offset = 0, step;
		char *base;

		if (of_reg(dev->fdt, dev->node, (int)i + 1, &addr, &size) != 0 || (addr & 0xffff))
			return NULL;
		base = device_map_reg(dev, (int)i + 1);
		if (!base)
			return NULL;
		for (; size - offset >= GICR_STRIDE; offset += step) {
			uint32_t type = readl(base + offset + GICR_TYPER);

			if (readl(base + offset + GICR_TYPER + 4) == affinity)
				return base + offset;
			step = type & TYPER_VLPIS ? 2 * GICR_STRIDE : GICR_STRIDE;
			step = stride ? stride : step;
			if (type & TYPER_LAST || step > size - offset)
				break;
		}
	}
	return NULL;
}

/*
 * Nothing is in progress, whatever a loader left: its priority would hold back all others. A CPU
 * has one register for 5 bits of priority, two for 6, four for 7 (IHI0069, 12.2).
 */
static void clear_active_priorities(void)
{
	unsigned int bits = (read_icc("icc_ctlr_el1") >> CTLR_PRIBITS & 7) + 1;

	if (bits >= 7) {
		write_icc("icc_ap1r3_el1", 0);
		write_icc("icc_ap1r2_el1", 0);
	}
	if (bits >= 6)
		write_icc("icc_ap1r1_el1", 0);
	write_icc("icc_ap1r0_el1", 0);
}

/* The system register interface of this CPU; false if higher exception levels keep it off. */
static bool init_cpu_interface(void)
{
	uint64_t features;

	__asm__("mrs %0, id_aa64pfr0_el1" : "=r"(features));
	if ((features >> 24 & 15) == 0)
		return false;
	write_icc("icc_sre_el1", read_icc("icc_sre_el1") | 1);
	if (!(read_icc("icc_sre_el1") & 1))
		return false;
	write_icc("icc_pmr_el1", GIC_PRIORITY_ALL);
	clear_active_priorities();
	write_icc("icc_bpr1_el1", 0);
	write_icc("icc_ctlr_el1", 0); /* EOImode: one write ends an interrupt */
	return true;
}

/* Reads as 0 and ignores writes in the non-secure state of a GIC that has two. */
static int wake(char *waker)
{
	if (!el3_is_ours()) {
		writel(readl(waker) & ~(uint32_t)WAKER_SLEEP, waker);
		return gicv3_wait_clear(waker, WAKER_ASLEEP);
	}
	el3_writel(el3_readl(waker) & ~(uint32_t)WAKER_SLEEP, waker);
	for (int i = 0; i < GICV3_POLLS; i++) {
		if (!(el3_readl(waker) & WAKER_ASLEEP))
			return 0;
		port_relax();
	}
	return -ETIMEDOUT;
}

/*
 * Wake this CPU's redistributor and set up the interrupts it has of its own; gic->private is in it.
 */
static int init_redistributor(const struct gic *gic)
{
	char *redist = gic->private - GICR_SGI;
	int error;

	error = wake(redist + GICR_WAKER);
	if (error)
		return error;
	if (el3_is_ours())
		el3_writel(0, gic->private + GICD_IGRPMODR);
	gic_init_private(gic);
	writel(UINT32_MAX, gic->private + GICD_IGROUPR);
	return 0;
}

static void gicv3_send_ipi(unsigned int cpu)
{
	uint64_t mpidr = smp_hart(cpu);

	io_barrier(); /* the CPU that is interrupted sees what was written before */
	/* ICC_SGI1R_EL1: Aff3, RS (Aff0 / 16), Aff2, INTID, Aff1, a list of 16 CPUs */
	write_icc("icc_sgi1r_el1", (mpidr >> 32 & 0xff) << 48 | (mpidr >> 4 & 15) << 44 |
					   (mpidr >> 16 & 0xff) << 32 |
					   (uint64_t)GIC_SGI_IPI << 24 | (mpidr >> 8 & 0xff) << 16 |
					   1UL << (mpidr & 15));
}

static int gicv3_init_ipi(const struct cpu *cpu)
{
	/* all CPUs have the same handlers; the registers of private interrupts are this CPU's */
	struct gic gic = *(struct gic *)device_priv(gicv3_dev);
	char *redist = find_redistributor(gicv3_dev, cpu->hart);
	int error;

	if (!redist)
		return -ENODEV;
	if (!init_cpu_interface())
		return -EOPNOTSUPP;
	gic.private = redist + GICR_SGI;
	error = init_redistributor(&gic);
	if (error)
		return error;
	gic_enable_ipi(&gic);
	write_icc("icc_igrpen1_el1", 1);
	return 0;
}

static const struct ipi_ops gicv3_ipi_ops = {
	.send = gicv3_send_ipi,
	.init = gicv3_init_ipi,
};

static int gicv3_probe(struct device *dev)
{
	struct gic *gic = device_priv(dev);
	char *redist;
	int error;

	if (gicv3_dev)
		return -EBUSY;
	gic->dist = device_map_reg(dev, 0);
	if (!gic->dist)
		return -ENXIO;
	if (dev->size < GICD_SIZE || (dev->reg & 0xffff) != 0)
		return -EINVAL;
	stride = redistributor_stride(dev);
	redist = find_redistributor(dev, boot_info.hart);
	if (!redist) {
		device_log(dev, "no redistributor for CPU %#lx", boot_info.hart);
		return -ENODEV; /* reported */
	}
	gic->private = redist + GICR_SGI;
	gic->route = boot_info.hart & MPIDR_AFFINITY;
	gic->set_route = gicv3_set_route;
	if (!init_cpu_interface()) {
		device_log(dev, "the CPU's system register interface is off");
		return -ENODEV;
	}
	error = gicv3_dist_init(dev, gic);
	if (!error)
		error = init_redistributor(gic);
	if (error)
		goto quiet;
	error = arm64_irq_register(gicv3_interrupt);
	if (error)
		goto quiet;
	irq_chip_register(dev, &gic_chip);
	gicv3_dev = dev;
	gic_enable_ipi(gic);
	smp_set_ipi(&gicv3_ipi_ops);
	write_icc("icc_igrpen1_el1", 1);
	return 0;
quiet:
	(void)gicv3_dist_quiet(gic);
	return error;
}

static void gicv3_remove(struct device *dev)
{
	struct gic *gic = device_priv(dev);

	smp_set_ipi(NULL);
	write_icc("icc_igrpen1_el1", 0);
	(void)gicv3_dist_quiet(gic);
	arm64_irq_register(NULL);
	irq_chip_unregister(dev);
	gicv3_dev = NULL;
}

static const char *const gicv3_compatible[] = {"arm,gic-v3", NULL};

DRIVER(gicv3, "gicv3", DRIVER_IRQCHIP, gicv3_compatible, gicv3_probe, gicv3_remove,
       sizeof(struct gic));
