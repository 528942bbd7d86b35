/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.c: binds drivers to nodes and owns all memory a device holds.
 */
#include "drivers/base/driver.h"

#include <assert.h>
#include <errno.h>
#include <libfdt.h>
#include <quarry/mm.h>
#include <quarry/port.h>
#include <quarry/slab.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/mmu/mmu.h"
#include "boot/dt/of.h"

extern const struct driver *const __start_quarry_drivers[], *const __stop_quarry_drivers[];

static struct device *devices; /* in the order of binding */

struct device *device_first(void)
{
	return devices;
}

/*
 * The order of pages for so many bytes, or an object: larger ones lie several to a block of pages, of which the few
 * devices that a machine has would fill little.
 */
static unsigned int order_for(size_t size)
{
	unsigned int order = 0;

	if (size <= PAGE_SIZE / 5)
		return DEVICE_OBJECT;
	while (PAGE_SIZE << order < size)
		order++;
	return order;
}

/* size zeroed bytes, or pages of this order; NULL: refused. */
static void *zalloc(size_t size, unsigned int order, gfp_t gfp)
{
	return order == DEVICE_OBJECT ? kzalloc(size, gfp)
				      : (void *)__get_free_pages(gfp | __GFP_ZERO, order);
}

static void zfree(void *addr, unsigned int order)
{
	if (order == DEVICE_OBJECT)
		kfree(addr);
	else
		free_pages((unsigned long)addr, order);
}

/* Of a device itself. */
static size_t device_size(const struct driver *driver)
{
	return DEVICE_PRIV_OFFSET + driver->priv_size;
}

static unsigned int device_order(const struct driver *driver)
{
	return order_for(device_size(driver));
}

unsigned long device_pages(const struct device *dev)
{
	const unsigned int own = device_order(dev->driver);
	unsigned long pages = own == DEVICE_OBJECT ? 0 : 1UL << own;

	for (uint32_t i = 0; i < dev->nr_blocks; i++)
		if (dev->block[i].order != DEVICE_OBJECT)
			pages += 1UL << dev->block[i].order;
	return pages;
}

size_t device_bytes(const struct device *dev)
{
	size_t bytes = device_pages(dev) * PAGE_SIZE;

	if (device_order(dev->driver) == DEVICE_OBJECT)
		bytes += ksize(dev);
	for (uint32_t i = 0; i < dev->nr_blocks; i++)
		if (dev->block[i].order == DEVICE_OBJECT)
			bytes += ksize(dev->block[i].addr);
	return bytes;
}

/* What the device holds from now on, if it is not NULL. */
static void *hold(struct device *dev, void *addr, unsigned int order)
{
	if (!addr)
		return NULL;
	dev->block[dev->nr_blocks].addr = addr;
	dev->block[dev->nr_blocks].order = order;
	dev->nr_blocks++;
	return addr;
}

void *device_alloc_gfp(struct device *dev, unsigned int order, gfp_t gfp)
{
	if (dev->nr_blocks == DEVICE_MAX_BLOCKS)
		return NULL;
	return hold(dev, zalloc(0, order, gfp), order);
}

void *device_zalloc(struct device *dev, size_t size)
{
	const unsigned int order = order_for(size);

	if (dev->nr_blocks == DEVICE_MAX_BLOCKS)
		return NULL;
	return hold(dev, zalloc(size, order, GFP_KERNEL), order);
}

void *device_alloc(struct device *dev, unsigned int order)
{
	return device_alloc_gfp(dev, order, GFP_KERNEL);
}

void *device_map_reg(struct device *dev, int index)
{
	phys_addr_t addr, size;

	if (of_reg(dev->fdt, dev->node, index, &addr, &size) != 0)
		return NULL;
	if (index == 0) {
		dev->reg = addr;
		dev->size = size;
	}
	return ioremap(addr, size);
}

void device_log(const struct device *dev, const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	port_log("%s %s: %s", dev->driver->name,
		 dev->name ? dev->name : fdt_get_name(dev->fdt, dev->node, NULL), text);
}

/* Take the device off the list, cut it off from memory, and give back all of it, itself last. */
static void device_release(struct device *dev)
{
	struct device **link = &devices;
	unsigned long mappings;

	while (*link != dev)
		link = &(*link)->next;
	*link = dev->next;
	if (dev->quiesce)
		dev->quiesce(dev);
	mappings = dma_device_release(dev);
	if (mappings)
		device_log(dev, "dma: %lu mappings were left behind: given back", mappings);
	while (dev->nr_blocks > 0) {
		unsigned int order = dev->block[--dev->nr_blocks].order;

		if (dev->dma.lost && order != DEVICE_OBJECT) /* it may have been mapped for it */
			dev->dma.kept += 1UL << order;
		else
			zfree(dev->block[dev->nr_blocks].addr, order);
	}
	if (dev->dma.kept)
		dma_keep(dev, dev->dma.kept);
	zfree(dev, device_order(dev->driver));
}

/* A device for driver, or NULL after one line of log. */
static struct device *device_new(const struct driver *driver, const void *fdt, int node,
				 const char *compatible)
{
	struct device *dev = zalloc(device_size(driver), device_order(driver), GFP_KERNEL);

	if (!dev) {
		port_log("%s: no memory for the device", driver->name);
		return NULL;
	}
	dev->driver = driver;
	dev->fdt = fdt;
	dev->node = node;
	dev->compatible = compatible;
	dma_device_init(dev);
	return dev;
}

/*
 * Probe a device. It is in the list already then, so that the devices it may find on its bus come
 * behind it and go before it. NULL if the probe fails: the device is gone.
 */
static struct device *device_bind(struct device *dev)
{
	struct device **tail;
	int error;

	if (!dev)
		return NULL;
	for (tail = &devices; *tail; tail = &(*tail)->next)
		;
	*tail = dev;
	error = dev->driver->probe(dev);
	if (!error)
		return dev;
	if (error > 0)
		device_log(dev, "not usable: its probe returned %d, not 0 or a negative errno",
			   error);
	else if (error != -ENODEV)
		device_log(dev, "not usable: %s", strerror(-error));
	device_release(dev);
	return NULL;
}

/* The driver that knows this compatible string, of a device on a bus or of a node. */
static const struct driver *driver_by_compatible(const char *compatible, bool on_bus)
{
	for (const struct driver *const *d = __start_quarry_drivers; d < __stop_quarry_drivers;
	     d++) {
		if (((*d)->level == DRIVER_ON_BUS) != on_bus)
			continue;
		if ((*d)->knows && (*d)->knows(compatible))
			return *d;
		for (const char *const *c = (*d)->compatible; c && *c; c++)
			if (strcmp(*c, compatible) == 0)
				return *d;
	}
	return NULL;
}

struct device *device_create(struct device *parent, const char *name, const char *compatible,
			     void *bus_data, void (*quiesce)(struct device *dev))
{
	const struct driver *driver = driver_by_compatible(compatible, true);
	struct device *dev;

	dev = driver ? device_new(driver, parent->fdt, parent->node, compatible) : NULL;
	if (!dev)
		return NULL;
	dev->parent = parent;
	dev->name = name;
	dev->bus_data = bus_data;
	dev->quiesce = quiesce;
	return device_bind(dev);
}

/* The driver for the most specific compatible string that has one, whatever its level. */
static const struct driver *driver_for(const void *fdt, int node, const char **compatible)
{
	for (int i = 0; (*compatible = fdt_stringlist_get(fdt, node, "compatible", i, NULL)); i++) {
		const struct driver *driver = driver_by_compatible(*compatible, false);

		if (driver)
			return driver;
	}
	return NULL;
}

static unsigned int count_devices(void)
{
	unsigned int count = 0;

	for (const struct device *dev = devices; dev; dev = dev->next)
		count++;
	return count;
}

int drivers_init(const void *fdt)
{
	unsigned int before = count_devices();

	for (unsigned int level = 0; level < NR_DRIVER_LEVELS; level++) {
		/* firmware's services are in no tree: such a driver looks for itself */
		for (const struct driver *const *d = __start_quarry_drivers;
		     d < __stop_quarry_drivers; d++)
			if ((*d)->level == level && !(*d)->compatible && !(*d)->knows)
				device_bind(device_new(*d, fdt, 0, "firmware"));
		for (int node = fdt_next_node(fdt, -1, NULL); node >= 0;
		     node = fdt_next_node(fdt, node, NULL)) {
			const char *compatible;
			const struct driver *driver = driver_for(fdt, node, &compatible);

			if (driver && driver->level == level && of_is_enabled(fdt, node))
				device_bind(device_new(driver, fdt, node, compatible));
		}
	}
	return (int)(count_devices() - before);
}

void device_remove(struct device *dev)
{
	struct device *child;

	do {
		for (child = devices; child && child->parent != dev; child = child->next)
			;
		if (child)
			device_remove(child);
	} while (child);
	if (dev->driver->remove)
		dev->driver->remove(dev);
	device_release(dev);
}

void drivers_shutdown(void)
{
	while (devices) {
		struct device *last = devices;

		while (last->next)
			last = last->next;
		device_remove(last);
	}
}
