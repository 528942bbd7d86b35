/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * its.c: the interrupt translation service of a GICv3 (IHI0069, chapter 5; devicetree binding
 * arm,gic-v3-its, a child of the GIC's node). A device's write of an event's number becomes a
 * locality-specific peripheral interrupt (LPI) of the boot CPU.
 *
 * Only what MSI of PCI functions needs: one collection, which is the boot CPU's, and for each
 * device that interrupts a table of a few events. Event e of slot s is LPI 8192 + 4 s + e.
 */
#include "drivers/irqchip/its.h"

#include <errno.h>
#include <quarry/port.h>
#include <string.h>

#include "drivers/base/io.h"
#include "drivers/irqchip/msi.h"

/* Commands (5.3), in the first doubleword's bits 7:0. */
#define CMD_SYNC	 0x05
#define CMD_MAPD	 0x08
#define CMD_MAPC	 0x09
#define CMD_MAPTI	 0x0a
#define CMD_INV		 0x0c
#define CMD_INVALL	 0x0d
#define CMD_DISCARD	 0x0f
#define CMD_VALID	 (1ULL << 63)
#define CMD_SIZE	 32
#define COLLECTION	 0

#define PROPERTY_ENABLED 0x01
#define PROPERTY	 0xa2 /* the priority of all interrupts here; bit 1 is always set (5.1.1) */

#define TYPER_PTA	 (1ULL << 19) /* commands name redistributors by address, not number */
#define TARGET_MASK	 0x0007ffffffff0000ULL

static struct device *its_dev; /* the one that LPIs belong to */

static struct its *its_of(struct device *dev)
{
	return device_priv(dev);
}

/* Have one command executed, and wait for it. Interrupts masked. */
static int command(struct its *its, uint64_t dw0, uint64_t dw1, uint64_t dw2)
{
	uint64_t *entry = its->shared->command[its->write];
	uint64_t offset;

	if (its->broken)
		return -EIO;
	entry[0] = dw0;
	entry[1] = dw1;
	entry[2] = dw2;
	entry[3] = 0;
	its_publish(its, entry, CMD_SIZE);
	its->write = (its->write + 1) % (sizeof(its->shared->command) / CMD_SIZE);
	offset = (uint64_t)its->write * CMD_SIZE;
	writeq(offset, its->base + GITS_CWRITER);
	for (int i = 0; i < ITS_POLLS; i++) {
		uint64_t read = readq(its->base + GITS_CREADR);

		if (read == offset)
			return 0;
		if (read & GITS_CREADR_STALL)
			break;
		port_relax();
	}
	its->broken = true;
	return -EIO;
}

static int sync(struct its *its)
{
	return command(its, CMD_SYNC, 0, its->target);
}

/* The device's table of events is used from here on, or not any more. */
static int map_device(struct its *its, unsigned int slot, bool valid)
{
	uint8_t *itt = its->shared->itt[slot];

	if (valid) {
		memset(itt, 0, ITS_ITT_SIZE);
		its_publish(its, itt, ITS_ITT_SIZE);
	}
	return command(its, CMD_MAPD | (uint64_t)its->device[slot].id << 32, ITS_EVENT_BITS - 1,
		       virt_to_phys(itt) | (valid ? CMD_VALID : 0));
}

/* Set an LPI's property, of which the redistributor may have a copy. */
static int set_enabled(struct its *its, unsigned int n, bool on)
{
	uint8_t *property = &its->shared->property[n];
	uint64_t id = its->device[n / ITS_EVENTS].id;

	*property = PROPERTY | (on ? PROPERTY_ENABLED : 0);
	its_publish(its, property, 1);
	return command(its, CMD_INV | id << 32, n % ITS_EVENTS, 0);
}

/* The slot of the device, or a free one; ITS_DEVICES: there is none. */
static unsigned int slot_of(const struct its *its, uint32_t id)
{
	unsigned int unused = ITS_DEVICES;

	for (unsigned int slot = 0; slot < ITS_DEVICES; slot++) {
		if (its->device[slot].events && its->device[slot].id == id)
			return slot;
		if (!its->device[slot].events && unused == ITS_DEVICES)
			unused = slot;
	}
	return unused;
}

/* Take event n of all devices' events out of use. Interrupts masked. */
static void unmap(struct its *its, unsigned int n)
{
	struct its_device *device = &its->device[n / ITS_EVENTS];

	set_enabled(its, n, false);
	command(its, CMD_DISCARD | (uint64_t)device->id << 32, n % ITS_EVENTS, 0);
	device->events &= ~(1U << n % ITS_EVENTS);
	if (!device->events)
		map_device(its, n / ITS_EVENTS, false);
	sync(its);
	its->handler[n].fn = NULL;
}

/* Put event n into use, and the device's table too if it is its first. Interrupts masked. */
static int map(struct its *its, unsigned int n, uint32_t id)
{
	struct its_device *device = &its->device[n / ITS_EVENTS];
	int error = 0;

	device->id = id;
	if (!device->events)
		error = map_device(its, n / ITS_EVENTS, true);
	device->events |= 1U << n % ITS_EVENTS;
	if (!error)
		error = command(its, CMD_MAPTI | (uint64_t)id << 32,
				n % ITS_EVENTS | (uint64_t)(GIC_FIRST_LPI + n) << 32, COLLECTION);
	if (!error)
		error = set_enabled(its, n, true);
	if (!error)
		error = sync(its);
	if (error)
		unmap(its, n);
	return error;
}

static int its_request(struct device *dev, uint32_t id, irq_fn fn, void *arg, struct msi_msg *msg)
{
	struct its *its = its_of(dev);
	unsigned int slot = slot_of(its, id), event = 0, n;
	unsigned long flags;
	int error;

	if (id >= its->nr_devices || slot == ITS_DEVICES)
		return -ENOSPC;
	while (event < ITS_EVENTS && its->device[slot].events >> event & 1)
		event++;
	if (event == ITS_EVENTS)
		return -ENOSPC;
	n = slot * ITS_EVENTS + event;
	flags = port_irq_save();
	its->handler[n].arg = arg;
	its->handler[n].fn = fn;
	error = map(its, n, id);
	port_irq_restore(flags);
	if (error)
		return error;
	msg->addr = dev->reg + GITS_TRANSLATER;
	msg->data = event;
	return (int)(GIC_FIRST_LPI + n);
}

static void its_free(struct device *dev, unsigned int hwirq)
{
	unsigned long flags = port_irq_save();

	unmap(its_of(dev), hwirq - GIC_FIRST_LPI);
	port_irq_restore(flags);
}

static void its_mask(struct device *dev, unsigned int hwirq)
{
	unsigned long flags = port_irq_save();

	set_enabled(its_of(dev), hwirq - GIC_FIRST_LPI, false);
	sync(its_of(dev));
	port_irq_restore(flags);
}

static const struct msi_chip its_chip = {
	.request = its_request,
	.free = its_free,
	.mask = its_mask,
};

static void lpi(uint32_t irq)
{
	struct its *its = its_of(its_dev);
	uint32_t n = irq - GIC_FIRST_LPI;

	if (n < ITS_LPIS && its->handler[n].fn)
		its->handler[n].fn(its->handler[n].arg);
	else
		its->spurious++;
}

static int its_probe(struct device *dev)
{
	struct its *its = its_of(dev);
	int error;

	its->base = device_map_reg(dev, 0);
	if (!its->base)
		return -ENXIO;
	if (dev->size < GITS_SIZE || (dev->reg & (ITS_BLOCK - 1)) != 0)
		return -EINVAL;
	if (its_dev) { /* one has all LPIs of the boot CPU */
		device_log(dev,
			   "only the first ITS is used: devices behind this one have no messages");
		return -ENODEV;
	}
	its->redist = gicv3_redistributor();
	if (!its->redist)
		return -EBUSY;
	error = its_start(dev);
	if (error)
		return error;
	its->target = readq(its->base + GITS_TYPER) & TYPER_PTA
			      ? virt_to_phys(its->redist) & TARGET_MASK
			      : (readl(its->redist + GICR_TYPER) >> 8 & 0xffff) << 16;
	error = command(its, CMD_MAPC, 0, CMD_VALID | its->target | COLLECTION);
	if (!error)
		error = command(its, CMD_INVALL, 0, COLLECTION);
	if (!error)
		error = sync(its);
	if (error) {
		its_stop(dev);
		return error;
	}
	its_dev = dev;
	gicv3_set_lpi(lpi);
	msi_chip_register(dev, &its_chip);
	return 0;
}

static void its_remove(struct device *dev)
{
	msi_chip_unregister(dev);
	its_stop(dev);
	gicv3_set_lpi(NULL);
	its_dev = NULL;
}

static const char *const its_compatible[] = {"arm,gic-v3-its", NULL};

DRIVER(its, "its", DRIVER_IRQCHIP_BEHIND, its_compatible, its_probe, its_remove,
       sizeof(struct its));
