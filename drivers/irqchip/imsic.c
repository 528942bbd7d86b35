/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * imsic.c: the incoming message-signalled interrupt controllers of the harts (RISC-V Advanced
 * Interrupt Architecture 1.0, chapter 3; devicetree binding interrupt-controller/riscv,imsics).
 *
 * A hart has an interrupt file for each privilege level, a page into which devices write an
 * interrupt's identity, and sees its own through CSRs. A node lists the files of one level. This
 * driver takes the supervisor file of the boot hart.
 *
 * The page of a hart lies at the node's base plus its group's number at bit group-index-shift, its
 * number within the group above the guests' bits, and its guest's number, 0 for the supervisor, at
 * bit 12 (3.6).
 */
#include "drivers/irqchip/imsic.h"

#include <errno.h>
#include <libfdt.h>

#include "boot/boot.h"
#include "boot/dt/of.h"
#include "drivers/base/io.h"
#include "drivers/irqchip/imsic_csr.h"
#include "drivers/irqchip/msi.h"
#include "drivers/irqchip/riscv_ext.h"

/* Registers of a file, by their siselect (3.8); those of 64 identities on RV64 are even. */
#define EIDELIVERY	    0x70
#define EITHRESHOLD	    0x72
#define EIP(id)		    (0x80UL + (id) / 64 * 2)
#define EIE(id)		    (0xc0UL + (id) / 64 * 2)
#define TOPEI_ID_SHIFT	    16
#define TOPEI_ID_MASK	    0x7ff

#define PAGE_BITS	    12
#define MIN_IDS		    63
#define MAX_IDS		    2047
#define MAX_GUEST_BITS	    7
#define MAX_HART_BITS	    14 /* what an APLIC's target can name */
#define MAX_GROUP_BITS	    7
#define MAX_SHIFT	    55
#define DEFAULT_GROUP_SHIFT 24

struct imsic_handler {
	irq_fn fn;
	void *arg;
};

struct imsic {
	struct riscv_ext ext;
	uint32_t nr_ids; /* the highest identity */
	uint32_t guest_bits, hart_bits, group_bits, group_shift;
	uint32_t hart;	   /* the boot hart's index, as a target has it */
	phys_addr_t page;  /* of its supervisor file */
	uint64_t spurious; /* identities that no driver had asked for */
	struct imsic_handler *handler;
};

static unsigned long bit(uint32_t id)
{
	return 1UL << id % 64;
}

static void imsic_interrupt(struct device *dev)
{
	struct imsic *imsic = device_priv(dev);
	unsigned long top;

	while ((top = imsic_claim()) != 0) {
		uint32_t id = top >> TOPEI_ID_SHIFT & TOPEI_ID_MASK;

		io_barrier(); /* the claim before the look at what the device has written */
		if (id <= imsic->nr_ids && imsic->handler[id].fn) {
			imsic->handler[id].fn(imsic->handler[id].arg);
			continue;
		}
		imsic->spurious++;
		imsic_change(EIE(id), bit(id), false);
	}
}

static void imsic_mask(struct device *dev, unsigned int id)
{
	(void)dev;
	imsic_change(EIE(id), bit(id), false);
}

static void imsic_free(struct device *dev, unsigned int id)
{
	struct imsic *imsic = device_priv(dev);

	imsic_change(EIE(id), bit(id), false);
	imsic->handler[id].fn = NULL;
}

static int imsic_request(struct device *dev, uint32_t device_id, irq_fn fn, void *arg,
			 struct msi_msg *msg)
{
	struct imsic *imsic = device_priv(dev);
	uint32_t id = 1;

	(void)device_id;
	while (id <= imsic->nr_ids && imsic->handler[id].fn)
		id++;
	if (id > imsic->nr_ids)
		return -ENOSPC;
	imsic->handler[id].arg = arg;
	imsic->handler[id].fn = fn;
	imsic_change(EIP(id), bit(id), false); /* of whoever had it before */
	imsic_change(EIE(id), bit(id), true);
	msg->addr = imsic->page;
	msg->data = id;
	return (int)id;
}

static const struct msi_chip imsic_chip = {
	.request = imsic_request,
	.free = imsic_free,
	.mask = imsic_mask,
};

static const struct driver driver_imsic; /* below */

int imsic_hart(int node, uint32_t *index)
{
	for (struct device *dev = device_first(); dev; dev = dev->next) {
		if (dev->driver != &driver_imsic || dev->node != node || !dev->msi_chip)
			continue;
		*index = ((struct imsic *)device_priv(dev))->hart;
		return 0;
	}
	return -ENXIO;
}

/* ---- where the page is ----------------------------------------------------------------------- */

static uint32_t mask_of(uint32_t bits)
{
	return (1U << bits) - 1;
}

/* The numbers of bits, from the node; what it does not say follows from its harts. */
static int read_bits(const struct device *dev, struct imsic *imsic)
{
	uint32_t entries = 0, bits = 0;
	struct of_irq irq;

	while (of_irq(dev->fdt, dev->node, entries, &irq) == 0)
		entries++;
	while (1UL << bits < entries)
		bits++;
	imsic->guest_bits = of_u32(dev->fdt, dev->node, "riscv,guest-index-bits", 0);
	imsic->hart_bits = of_u32(dev->fdt, dev->node, "riscv,hart-index-bits", bits);
	imsic->group_bits = of_u32(dev->fdt, dev->node, "riscv,group-index-bits", 0);
	imsic->group_shift =
		of_u32(dev->fdt, dev->node, "riscv,group-index-shift", DEFAULT_GROUP_SHIFT);
	if (imsic->guest_bits > MAX_GUEST_BITS || imsic->group_bits > MAX_GROUP_BITS ||
	    imsic->hart_bits > MAX_HART_BITS ||
	    imsic->hart_bits + imsic->group_bits > MAX_HART_BITS || imsic->group_shift > MAX_SHIFT)
		return -EINVAL;
	if (imsic->group_bits > 0 &&
	    imsic->group_shift < PAGE_BITS + imsic->guest_bits + imsic->hart_bits)
		return -EINVAL;
	return 0;
}

/* The address without the bits that tell files of one level apart. */
static phys_addr_t base_of(const struct imsic *imsic, phys_addr_t page)
{
	uint32_t within = PAGE_BITS + imsic->guest_bits + imsic->hart_bits;

	page &= ~((1UL << within) - 1);
	return page & ~((phys_addr_t)mask_of(imsic->group_bits) << imsic->group_shift);
}

/*
 * The page of the entry-th file. The ranges of `reg` hold the files one after another, each with
 * its guests'.
 */
static int find_page(struct device *dev, struct imsic *imsic, uint32_t entry)
{
	phys_addr_t step = (phys_addr_t)1 << (PAGE_BITS + imsic->guest_bits);
	phys_addr_t offset = entry * step, addr, size;

	if (of_reg(dev->fdt, dev->node, 0, &dev->reg, &dev->size) != 0)
		return -ENXIO;
	for (int i = 0; of_reg(dev->fdt, dev->node, i, &addr, &size) == 0; i++) {
		if (addr % PAGE_SIZE)
			return -EINVAL;
		if (offset < size && size - offset >= PAGE_SIZE) {
			imsic->page = addr + offset;
			break;
		}
		size = ALIGN_UP(size, step);
		if (size > offset)
			return -EINVAL;
		offset -= size;
	}
	if (!imsic->page || base_of(imsic, imsic->page) != base_of(imsic, dev->reg))
		return -EINVAL;
	imsic->hart = (uint32_t)(imsic->page >> (PAGE_BITS + imsic->guest_bits)) &
		      mask_of(imsic->hart_bits);
	imsic->hart |= ((uint32_t)(imsic->page >> imsic->group_shift) & mask_of(imsic->group_bits))
		       << imsic->hart_bits;
	return 0;
}

/* ---- binding --------------------------------------------------------------------------------- */

static void silence(const struct imsic *imsic)
{
	imsic_write(EIDELIVERY, 0);
	for (uint32_t id = 0; id <= imsic->nr_ids; id += 64) {
		imsic_write(EIE(id), 0);
		imsic_write(EIP(id), 0);
	}
}

/* The boot hart has the CSRs, its own node says: one that has them not would trap. */
static bool has_csrs(const struct device *dev, uint32_t entry)
{
	struct of_irq irq;
	int cpu;

	if (of_irq(dev->fdt, dev->node, entry, &irq) != 0)
		return false;
	cpu = fdt_parent_offset(dev->fdt, irq.controller);
	return cpu >= 0 && of_cpu_has_isa(dev->fdt, cpu, "ssaia");
}

static int imsic_probe(struct device *dev)
{
	struct imsic *imsic = device_priv(dev);
	int other, entry = riscv_ext_find(dev->fdt, dev->node, &other);
	int error;

	if (entry < 0) {
		if (other >= 0)
			device_log(dev, "has no file for the boot hart: not used");
		return -ENODEV; /* the firmware's */
	}
	if (!has_csrs(dev, (uint32_t)entry)) {
		device_log(dev, "hart %lu has no Ssaia, its node says: not usable", boot_info.hart);
		return -ENODEV; /* reported */
	}
	imsic->nr_ids = of_u32(dev->fdt, dev->node, "riscv,num-ids", 0);
	if (imsic->nr_ids < MIN_IDS || imsic->nr_ids > MAX_IDS || (imsic->nr_ids + 1) % 64)
		return -EINVAL;
	error = read_bits(dev, imsic);
	if (!error)
		error = find_page(dev, imsic, (uint32_t)entry);
	if (error)
		return error;
	imsic->handler = device_zalloc(dev, (imsic->nr_ids + 1UL) * sizeof(*imsic->handler));
	if (!imsic->handler)
		return -ENOMEM;
	silence(imsic);
	imsic_write(EITHRESHOLD, 0); /* none: all identities pass (3.8.2) */
	imsic_write(EIDELIVERY, 1);
	if (imsic_read(EIDELIVERY) != 1) {
		silence(imsic);
		return -EOPNOTSUPP;
	}
	msi_chip_register(dev, &imsic_chip);
	riscv_ext_register(dev, imsic_interrupt, false);
	return 0;
}

static void imsic_remove(struct device *dev)
{
	msi_chip_unregister(dev);
	silence(device_priv(dev));
	riscv_ext_unregister(dev);
}

static const char *const imsic_compatible[] = {"riscv,imsics", NULL};

DRIVER(imsic, "imsic", DRIVER_IRQCHIP, imsic_compatible, imsic_probe, imsic_remove,
       sizeof(struct imsic));
