/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driver.h: the driver model: drivers announce themselves in a linker section, nodes of the device
 * tree are bound to them by `compatible`, and whatever a device holds is released in one place.
 *
 * A driver's memory comes from the allocator, through device_zalloc() and device_alloc(), which record
 * it; so a probe that fails, and drivers_shutdown(), give everything back without each driver having to.
 * Nothing here knows an instruction set: that is the business of the single driver.
 */
#ifndef DRIVERS_DRIVER_H
#define DRIVERS_DRIVER_H

#include <quarry/types.h>

#include "drivers/dma/dma.h"

/*
 * The order of probing. A level is complete, over the whole tree, before the next one starts, so a
 * uart finds its interrupt controller.
 */
enum driver_level {
	DRIVER_IRQCHIP,	       /* controllers that interrupt CPUs */
	DRIVER_IRQCHIP_BEHIND, /* controllers that may be behind another one */
	DRIVER_TIMER,
	DRIVER_UART,
	DRIVER_POWER,
	DRIVER_DEVICE, /* anything else */
	NR_DRIVER_LEVELS,
	/*
	 * Of what a bus driver finds, when it finds it (device_create()). No node is offered to
	 * such a driver: firmware writes one for a PCI function too, with the same string.
	 */
	DRIVER_ON_BUS = NR_DRIVER_LEVELS,
};

struct device;
struct irq_chip;
struct msi_chip;

struct driver {
	const char *name;
	enum driver_level level;
	/*
	 * Ends with NULL. NULL itself, and `knows` too: a service of the firmware that no tree describes; probed
	 * once, with the root node.
	 */
	const char *const *compatible;
	/* Instead of the list: does the driver know this string? NULL: the list says it. */
	bool (*knows)(const char *compatible);
	/*
	 * Take the device into use. Returns 0, -ENODEV if this node is not for this driver after
	 * all (not reported), or another negative errno (reported). The memory of a probe that
	 * fails is released by the caller; the probe itself must have left the hardware quiet.
	 */
	int (*probe)(struct device *dev);
	/*
	 * Leave the hardware quiet; NULL if there is nothing to do. Memory is released afterwards.
	 */
	void (*remove)(struct device *dev);
	size_t priv_size; /* bytes of device_priv() */
};

/* Blocks of pages and objects one device may hold besides itself. */
#define DEVICE_MAX_BLOCKS 8

/* At the start of a zeroed object, or page; the driver's state follows it (device_priv()). */
struct device {
	struct device *next; /* in the order of binding */
	const struct driver *driver;
	const void *fdt;
	int node;		/* offset in fdt; of a device on another bus: the bus's node */
	const char *compatible; /* the entry of the node's list that matched, inside fdt */
	struct device *parent;	/* device_create(): the device whose bus it is on; else NULL */
	const char *name;	/* device_create(): its name on that bus; else NULL: the node's */
	void *bus_data;		/* device_create(): the bus's own */
	void (*quiesce)(struct device *dev); /* cut it off from memory, before its own goes */
	phys_addr_t reg, size;		     /* first register range; size 0 if there is none */
	uint32_t irq;	      /* the controller's number, for show; 0 if there is none */
	const char *irq_note; /* why it is not the interrupt that it would best have; NULL: it is */
	const struct irq_chip *irq_chip; /* of a controller: how it is asked for an interrupt */
	const struct msi_chip *msi_chip; /* the same for one that is a message */
	uint32_t nr_blocks;
	struct {
		void *addr;
		unsigned int order; /* of pages; DEVICE_OBJECT: it is an object */
	} block[DEVICE_MAX_BLOCKS];
	struct device_dma dma; /* what it reaches, and what is mapped for it */
};

#define DEVICE_OBJECT	   ~0U

#define DEVICE_PRIV_OFFSET ALIGN_UP(sizeof(struct device), 64UL)

/* The driver's own state, zeroed, of the bytes that its DRIVER() says. */
static inline void *device_priv(struct device *dev)
{
	return (char *)dev + DEVICE_PRIV_OFFSET;
}

/* The last argument says what it is for, by a field of struct driver. */
#define DRIVER_OF(ident, name_, level_, probe_, remove_, priv_size_, for_what) \
	static const struct driver driver_##ident = {                          \
		.name = (name_),                                               \
		.level = (level_),                                             \
		.probe = (probe_),                                             \
		.remove = (remove_),                                           \
		.priv_size = (priv_size_),                                     \
		for_what,                                                      \
	};                                                                     \
	static const struct driver *const driver_entry_##ident                 \
		__attribute__((section(".quarry.drivers"), used)) = &driver_##ident

/*
 * Announce a driver. `ident` is a C identifier unique among drivers; the rest fills struct driver.
 * The linker script keeps .quarry.drivers between __start_quarry_drivers and __stop_quarry_drivers.
 */
#define DRIVER(ident, name_, level_, compatible_, probe_, remove_, priv_size_) \
	DRIVER_OF(ident, name_, level_, probe_, remove_, priv_size_, .compatible = (compatible_))

/* The same for a driver that is asked which strings it knows. */
#define DRIVER_ASKED(ident, name_, level_, knows_, probe_, remove_, priv_size_) \
	DRIVER_OF(ident, name_, level_, probe_, remove_, priv_size_, .knows = (knows_))

/*
 * drivers_init() - bind every enabled node of fdt that a driver knows, level by level. fdt must
 * stay where it is. Returns the number of devices bound; a device that fails is reported and left
 * out. Context: thread, once after mm_init() (again after drivers_shutdown()).
 */
int drivers_init(const void *fdt);

/*
 * drivers_shutdown() - remove all devices, last bound first, and give their memory back; the console
 * falls back to what boot/ has. Context: thread.
 */
void drivers_shutdown(void);

/*
 * device_create() - a bus driver has found a device that is no node of the tree, and the driver of
 * level DRIVER_ON_BUS for `compatible` probes it: its node is parent's, and it reaches the memory
 * that parent's bus does. The strings must outlive it. quiesce (or NULL) runs after its driver's
 * remove, or its probe's failure, and before its memory is given back. NULL if no driver knows it or
 * the probe fails.
 * Context: thread; parent's probe has nothing left that may fail.
 */
struct device *device_create(struct device *parent, const char *name, const char *compatible,
			     void *bus_data, void (*quiesce)(struct device *dev));

/*
 * device_remove() - remove one device, and first those on its bus, and give their memory back.
 * Context: thread.
 */
void device_remove(struct device *dev);

/* The first device bound; the others by ->next. NULL if there is none. */
struct device *device_first(void);

/* Whole pages that a device holds, its own included; bytes of them and of its objects. */
unsigned long device_pages(const struct device *dev);
size_t device_bytes(const struct device *dev);

/*
 * device_alloc() - 2^order zeroed pages for a device, given back when it goes. NULL if the
 * allocator refuses or the device holds DEVICE_MAX_BLOCKS already. Context: thread.
 */
void *device_alloc(struct device *dev, unsigned int order);

/*
 * device_zalloc() - the same of size zeroed bytes, of which the device itself is told nothing: no
 * memory for DMA.
 */
void *device_zalloc(struct device *dev, size_t size);

/* device_alloc_gfp() - the same of other memory than GFP_KERNEL's. */
void *device_alloc_gfp(struct device *dev, unsigned int order, gfp_t gfp);

/*
 * device_map_reg() - the index-th register range of dev as a usable address, NULL if the node has
 * none or its buses' `ranges` do not reach it. The first one is recorded for show.
 */
void *device_map_reg(struct device *dev, int index);

/* One line of log that starts with the device's driver and node. */
void device_log(const struct device *dev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
