/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma.h: memory that a device reads and writes itself, in the words of Linux's DMA API.
 *
 * A device reaches what its own mask and the `dma-ranges` of all its buses let it reach, and may
 * see memory at other addresses than the CPU does (dma_addr_t). No address leaves this layer that
 * the device cannot drive: what lies out of its reach is copied through bounce pages it can
 * reach, or refused.
 *
 * Every mapping is recorded with the device; device_release() gives back what a driver forgot and
 * says so.
 */
#ifndef DRIVERS_DMA_H
#define DRIVERS_DMA_H

#include <quarry/gfp.h>
#include <quarry/types.h>

struct device;

/* An address as the device sees it. */
typedef uint64_t dma_addr_t;

/* bits: 1 to 64. */
#define DMA_BIT_MASK(bits) ((bits) == 64 ? ~0ULL : (1ULL << (bits)) - 1)
#define DMA_MAPPING_ERROR  (~(dma_addr_t)0)

enum dma_data_direction {
	DMA_BIDIRECTIONAL,
	DMA_TO_DEVICE,
	DMA_FROM_DEVICE
};

/* One window of a bus: [bus, bus + size) of the device is [cpu, cpu + size) of memory. */
#define DMA_MAX_WINDOWS 8
struct dma_window {
	phys_addr_t cpu;
	dma_addr_t bus;
	uint64_t size;
};

/* What a device reaches, and what it holds; part of struct device. */
struct device_dma {
	uint64_t mask;	     /* addresses the device drives; 32 bits until dma_set_mask() */
	bool coherent;	     /* the device snoops the CPU's caches */
	bool broken;	     /* its `dma-ranges` make no sense: every mapping is refused */
	bool lost;	     /* dma_device_lost(): what it was given stays its own */
	struct cma *area;    /* that its `memory-region` names; NULL: none */
	unsigned long kept;  /* of a lost device that goes: pages not given back */
	uint32_t nr_windows; /* 0: the bus passes every address on as it is */
	struct dma_window window[DMA_MAX_WINDOWS];
	unsigned long coherent_bytes; /* held by dma_alloc_coherent(), whole pages */
	unsigned long mapped_bytes;   /* held by dma_map_*() */
	unsigned long bounce_bytes;   /* of these, through bounce pages, whole pages */
	uint64_t bounced, refused;    /* mappings since the device was bound */
	struct dma_record *record;    /* every mapping, in pages of its own; NULL: none yet */
	unsigned long record_pages;
};

struct scatterlist {
	void *addr;
	size_t length;		/* bytes */
	dma_addr_t dma_address; /* set by dma_map_sg() */
	size_t dma_length;
};

/*
 * dma_set_mask() - the device drives these address bits. 0, or -EIO if no memory of any zone is
 * within reach, and the mask is what it was.
 */
int dma_set_mask(struct device *dev, uint64_t mask);

/*
 * dma_alloc_coherent() - size bytes (whole pages are taken) that CPU and device both see without
 * maintenance, zeroed; *handle is the device's address. NULL: the allocator refuses, or nothing
 * that is free is within reach. gfp: GFP_KERNEL or GFP_ATOMIC; the zone is chosen from the
 * device's reach. With GFP_KERNEL they are from the area that its `memory-region` names, or, more than
 * a block of the page allocator has, from the default one (quarry/cma.h). Thread. Bound: the page
 * allocator's or cma_alloc()'s, and writing the pages.
 *
 * dma_free_coherent() - 0, or -EINVAL after one line, with nothing changed, if it was not
 * allocated so.
 */
void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *handle, gfp_t gfp);
int dma_free_coherent(struct device *dev, size_t size, void *cpu, dma_addr_t handle);

/*
 * dma_map_single() - hand the size bytes at addr to the device until dma_unmap_single(); the CPU
 * leaves them alone meanwhile. DMA_MAPPING_ERROR: out of reach with bounce pages off or none to
 * be had, not memory, size 0; each says so in one line, the first 16 of a device. Unmapping: 0, or
 * -EINVAL after one line, with nothing changed, if no mapping was made with this handle, size and
 * direction. Thread or interrupt. Bound: mapping 350, unmapping 200 in place; through bounce pages
 * the page allocator's and 2000 a page copied; of a device that is not coherent one instruction a
 * cache line.
 */
dma_addr_t dma_map_single(struct device *dev, void *addr, size_t size, enum dma_data_direction dir);
int dma_unmap_single(struct device *dev, dma_addr_t handle, size_t size,
		     enum dma_data_direction dir);

static inline bool dma_mapping_error(const struct device *dev, dma_addr_t handle)
{
	(void)dev;
	return handle == DMA_MAPPING_ERROR;
}

/*
 * The CPU looks at a mapped buffer, or a part of it, between two transfers, and gives it back to
 * the device. Of a device that is not coherent a part is whole cache lines. A part that is of no
 * mapping, or of one in another direction, is refused in one line. Thread or interrupt.
 */
void dma_sync_single_for_cpu(struct device *dev, dma_addr_t handle, size_t size,
			     enum dma_data_direction dir);
void dma_sync_single_for_device(struct device *dev, dma_addr_t handle, size_t size,
				enum dma_data_direction dir);

/* dma_map_sg() - all nents entries or none. Returns nents, or 0 with nothing mapped. */
int dma_map_sg(struct device *dev, struct scatterlist *sg, int nents, enum dma_data_direction dir);
int dma_unmap_sg(struct device *dev, struct scatterlist *sg, int nents,
		 enum dma_data_direction dir);

/*
 * dma_capable() - whether the device drives every byte of [phys, phys + size); *handle: where it
 * sees it.
 */
bool dma_capable(const struct device *dev, phys_addr_t phys, size_t size, dma_addr_t *handle);

/* dma_reaches_zone() - whether a page of the zone (enum zone_type) is within reach. */
bool dma_reaches_zone(const struct device *dev, unsigned int zone);

/*
 * dma_zone_name() - the zone that dev's pages are taken from first; "none": nothing is within
 * reach.
 */
const char *dma_zone_name(const struct device *dev);

/* Bounce pages may be used (the console's `dma bounce on|off`; on at start). */
extern bool dma_bounce;

/*
 * dma_device_lost() - the device could not be stopped, and may still write to whatever it was
 * given. From now on dma_unmap_*() and dma_free_coherent() take nothing back from it, and when it
 * goes, coherent pages, bounce pages and those of device_alloc() are kept from the page allocator
 * for good. A buffer mapped in place is its owner's to keep: the driver says so to its caller,
 * which leaves the pages alone and counts them with dma_keep(). Thread.
 */
void dma_device_lost(struct device *dev);

/* dma_keep() - so many more pages are kept from the allocator; one line says so. Thread. */
void dma_keep(const struct device *dev, unsigned long pages);

/* Pages kept so since boot. */
extern unsigned long dma_kept_pages;

/*
 * For drivers/base/core.c: read the node's reach at binding; give back all a device still holds
 * (the number of leaks). Of a device that is lost nothing is given back; dma.kept: pages.
 */
void dma_device_init(struct device *dev);
unsigned long dma_device_release(struct device *dev);

#endif
