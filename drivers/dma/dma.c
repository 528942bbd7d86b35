/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma.c: what a device reaches, and buffers handed to it: see dma.h.
 *
 * A buffer is handed over in place if the device reaches all of it and, where the device does not
 * look into the CPU's caches, if it shares no cache line with anything else that the CPU may
 * write meanwhile. Otherwise it is copied through bounce pages.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <quarry/port.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/mmu/cache.h"
#include "boot/mmu/mmu.h"
#include "boot/dt/of.h"
#include "drivers/dma/dma_internal.h"

static_assert(DMA_MAX_WINDOWS == OF_DMA_MAX_RANGES, "what a tree may say fits");

/* Linux's defaults where the tree says nothing. */
#if defined(__riscv)
#define COHERENT_BY_DEFAULT true
#elif defined(__aarch64__) || defined(QUARRY_HOST)
#define COHERENT_BY_DEFAULT false
#else
#error "COHERENT_BY_DEFAULT for this machine"
#endif

bool dma_bounce = true;
unsigned long dma_kept_pages;

void dma_refuse(struct device *dev, const char *fmt, ...)
{
	/* Relaxed: a figure, which orders nothing. */
	uint64_t before = __atomic_fetch_add(&dev->dma.refused, 1, __ATOMIC_RELAXED);
	char text[112];
	va_list args;

	if (before >= DMA_REFUSALS_LOGGED)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	device_log(dev, "dma: %s%s", text,
		   before == DMA_REFUSALS_LOGGED - 1 ? " (the last such line)" : "");
}

/* ---- reach ---------------------------------------------------------------------------------- */

const char *dma_unusable(const struct device *dev)
{
	const char *why;

	if (dev->dma.lost)
		return "it could not be stopped, and is given nothing more";
	if (dev->dma.broken)
		return "the `dma-ranges` above it make no sense, or pass nothing on";
	if (!dev->dma.coherent && !cache_line(&why))
		return why;
	return NULL;
}

bool dma_capable(const struct device *dev, phys_addr_t phys, size_t size, dma_addr_t *handle)
{
	const struct device_dma *dma = &dev->dma;
	dma_addr_t bus = phys;

	if (dma->broken || dma->lost || size == 0 || size - 1 > PHYS_ADDR_MAX - phys)
		return false;
	if (dma->nr_windows > 0) {
		const struct dma_window *w = dma->window, *end = w + dma->nr_windows;

		while (w < end && (phys < w->cpu || phys - w->cpu >= w->size ||
				   size > w->size - (phys - w->cpu)))
			w++;
		if (w == end)
			return false;
		bus = w->bus + (phys - w->cpu);
	}
	/* both ends, and none of the addresses may be DMA_MAPPING_ERROR */
	if (bus > dma->mask || size - 1 > dma->mask - bus || size > DMA_MAPPING_ERROR - bus)
		return false;
	if (handle)
		*handle = bus;
	return true;
}

int dma_set_mask(struct device *dev, uint64_t mask)
{
	uint64_t before = dev->dma.mask;
	const char *why = dma_unusable(dev);

	dev->dma.mask = mask;
	for (unsigned int zone = 0; !why && zone < MAX_NR_ZONES; zone++)
		if (dma_reaches_zone(dev, zone))
			return 0;
	dev->dma.mask = before;
	dma_refuse(dev, "mask %#" PRIx64 " refused: %s", mask, why ? why : "it reaches no memory");
	return -EIO;
}

/* The area that the first `memory-region` of the device names, if it is one: boot/cma.c names it as its node. */
static struct cma *own_area(const struct device *dev)
{
	uint32_t phandle = of_u32(dev->fdt, dev->node, "memory-region", 0);
	int node = phandle ? fdt_node_offset_by_phandle(dev->fdt, phandle) : -1;
	const char *name = node >= 0 ? fdt_get_name(dev->fdt, node, NULL) : NULL;
	struct cma_info info;

	for (unsigned int n = 0; name && cma_get_info(n, &info); n++)
		if (info.pages && strcmp(info.name, name) == 0)
			return cma_at(n);
	return NULL;
}

void dma_device_init(struct device *dev)
{
	struct of_dma_range ranges[OF_DMA_MAX_RANGES];
	int count = of_dma_ranges(dev->fdt, dev->node, ranges, OF_DMA_MAX_RANGES);
	const char *why;

	memset(&dev->dma, 0, sizeof(dev->dma));
	dev->dma.mask = DMA_BIT_MASK(32);
	dev->dma.coherent = of_dma_is_coherent(dev->fdt, dev->node, COHERENT_BY_DEFAULT);
	dev->dma.broken = count < 0;
	dev->dma.area = own_area(dev);
	for (int i = 0; i < count; i++)
		dev->dma.window[dev->dma.nr_windows++] = (struct dma_window){
			.cpu = ranges[i].cpu, .bus = ranges[i].bus, .size = ranges[i].size};
	/* the first call may have to find out, which only a thread can */
	if (!dev->dma.coherent)
		cache_line(&why);
}

/* Give back what a mapping holds besides the driver's buffer. */
static void release(const struct dma_mapping *mapping)
{
	if (mapping->coherent)
		dma_coherent_release(mapping);
	else if (mapping->pages)
		free_pages_exact(mapping->pages, dma_mapping_pages_size(mapping));
}

unsigned long dma_device_release(struct device *dev)
{
	struct dma_mapping mapping;
	unsigned long count = 0;

	for (; dma_record_pop(dev, &mapping); count++)
		if (dev->dma.lost)
			dev->dma.kept += dma_mapping_pages_size(&mapping) / PAGE_SIZE;
		else
			release(&mapping);
	dma_record_free(dev);
	return dev->dma.lost ? 0 : count;
}

void dma_device_lost(struct device *dev)
{
	dev->dma.lost = true;
}

void dma_keep(const struct device *dev, unsigned long pages)
{
	dma_kept_pages += pages;
	device_log(dev, "%lu pages are kept from the allocator: the device may still write them",
		   pages);
}

/* ---- ownership ------------------------------------------------------------------------------ */

/* Where the device sees the mapping's bytes from offset on. */
static char *device_side(const struct dma_mapping *m, size_t offset)
{
	return (m->pages ? m->pages : m->cpu) + offset;
}

/* The device may use size bytes from offset on. */
static void give_to_device(const struct device *dev, const struct dma_mapping *m, size_t offset,
			   size_t size)
{
	if (dev->dma.coherent)
		return;
	if (m->dir == DMA_TO_DEVICE)
		cache_clean(device_side(m, offset), size);
	else
		cache_flush(device_side(m, offset), size);
}

/* The CPU may look at them again. */
static void give_to_cpu(const struct device *dev, const struct dma_mapping *m, size_t offset,
			size_t size)
{
	if (m->dir == DMA_TO_DEVICE)
		return;
	if (!dev->dma.coherent)
		cache_invalidate(device_side(m, offset), size);
	if (m->pages)
		memcpy(m->cpu + offset, m->pages + offset, size);
}

/* ---- mapping -------------------------------------------------------------------------------- */

/* All of it is memory that the device may have: to read, or if it writes there, to write. */
static bool is_memory(phys_addr_t phys, size_t size, enum dma_data_direction dir)
{
	unsigned int needed = dir == DMA_TO_DEVICE ? PG_READ : PG_READ | PG_WRITE;
	phys_addr_t end = phys + size, next;

	if (size == 0 || end < phys)
		return false;
	for (phys_addr_t addr = phys; addr < end; addr = next) {
		if ((mmu_policy(addr, &next) & needed) != needed || !memblock_is_map_memory(addr))
			return false;
	}
	return true;
}

/* Why the buffer cannot be handed over in place; NULL and its *handle if it can. */
static const char *needs_bounce(const struct device *dev, const struct dma_mapping *m,
				dma_addr_t *handle)
{
	phys_addr_t phys = virt_to_phys(m->cpu);
	const char *why;

	if (!dma_capable(dev, phys, m->size, handle))
		return "out of reach";
	if (!dev->dma.coherent && m->dir != DMA_TO_DEVICE &&
	    (phys | m->size) & (cache_line(&why) - 1))
		return "not whole cache lines";
	return NULL;
}

dma_addr_t dma_map_single(struct device *dev, void *addr, size_t size, enum dma_data_direction dir)
{
	struct dma_mapping m = {.cpu = addr, .size = size, .dir = dir};
	phys_addr_t phys = virt_to_phys(addr);
	const char *why = dma_unusable(dev), *bounce;

	if (!why && !is_memory(phys, size, dir))
		why = "not memory that it may use";
	if (why) {
		dma_refuse(dev, "%zu bytes at %#" PRIx64 ": %s", size, phys, why);
		return DMA_MAPPING_ERROR;
	}
	bounce = needs_bounce(dev, &m, &m.handle);
	if (bounce && dma_bounce && size <= PAGE_SIZE << MAX_PAGE_ORDER)
		m.pages = dma_pages_alloc(dev, ALIGN_UP(size, PAGE_SIZE), GFP_ATOMIC | __GFP_NOWARN,
					  &m.handle);
	if (bounce && !m.pages) {
		dma_refuse(dev, "%zu bytes at %#" PRIx64 ": %s, and %s", size, phys, bounce,
			   dma_bounce ? "no bounce pages within reach" : "bounce is off");
		return DMA_MAPPING_ERROR;
	}
	if (dma_record_add(dev, &m) != 0) {
		if (m.pages)
			free_pages_exact(m.pages, dma_mapping_pages_size(&m));
		dma_refuse(dev, "%zu bytes at %#" PRIx64 ": no page for the record", size, phys);
		return DMA_MAPPING_ERROR;
	}
	/* also what the device is to fill: after a short transfer the rest is as it was */
	if (m.pages)
		memcpy(m.pages, addr, size);
	give_to_device(dev, &m, 0, size);
	return m.handle;
}

/* One line about a call that names no mapping as it was made. */
static void log_mismatch(const struct device *dev, const char *call, dma_addr_t handle, size_t size,
			 int error)
{
	device_log(dev, "dma: %s of %#" PRIx64 ", %zu bytes: %s: refused", call, handle, size,
		   error == -ENOENT ? "no such mapping" : "not as it was mapped");
}

/* What is left to do with a mapping that is out of the record. */
static void finish(const struct device *dev, const struct dma_mapping *m)
{
	give_to_cpu(dev, m, 0, m->size);
	if (m->pages)
		free_pages_exact(m->pages, dma_mapping_pages_size(m));
}

int dma_unmap_single(struct device *dev, dma_addr_t handle, size_t size,
		     enum dma_data_direction dir)
{
	struct dma_mapping m = {.handle = handle, .size = size, .dir = dir};
	int error = dev->dma.lost ? dma_record_has(dev, &m) : dma_record_take(dev, &m);

	if (error) {
		log_mismatch(dev, "unmap", handle, size, error);
		return -EINVAL;
	}
	if (!dev->dma.lost)
		finish(dev, &m);
	return 0;
}

/* The mapping that a sync is about; false after one line if there is none. */
static bool find_to_sync(struct device *dev, dma_addr_t handle, size_t size,
			 enum dma_data_direction dir, struct dma_mapping *m)
{
	bool found = dma_record_find(dev, handle, size, m);

	if (found && (m->dir == dir || m->dir == DMA_BIDIRECTIONAL))
		return true;
	log_mismatch(dev, "sync", handle, size, found ? -EINVAL : -ENOENT);
	return false;
}

void dma_sync_single_for_cpu(struct device *dev, dma_addr_t handle, size_t size,
			     enum dma_data_direction dir)
{
	struct dma_mapping m;

	if (find_to_sync(dev, handle, size, dir, &m))
		give_to_cpu(dev, &m, handle - m.handle, size);
}

void dma_sync_single_for_device(struct device *dev, dma_addr_t handle, size_t size,
				enum dma_data_direction dir)
{
	struct dma_mapping m;

	if (!find_to_sync(dev, handle, size, dir, &m))
		return;
	if (m.pages && m.dir != DMA_FROM_DEVICE)
		memcpy(m.pages + (handle - m.handle), m.cpu + (handle - m.handle), size);
	give_to_device(dev, &m, handle - m.handle, size);
}

/* ---- lists of buffers ----------------------------------------------------------------------- */

int dma_map_sg(struct device *dev, struct scatterlist *sg, int nents, enum dma_data_direction dir)
{
	for (int i = 0; i < nents; i++) {
		dma_addr_t handle = dma_map_single(dev, sg[i].addr, sg[i].length, dir);

		if (dma_mapping_error(dev, handle)) {
			dma_unmap_sg(dev, sg, i, dir);
			return 0;
		}
		sg[i].dma_address = handle;
		sg[i].dma_length = sg[i].length;
	}
	return nents > 0 ? nents : 0;
}

int dma_unmap_sg(struct device *dev, struct scatterlist *sg, int nents, enum dma_data_direction dir)
{
	/* all of them are looked for before any is taken */
	for (int i = 0; i < nents; i++) {
		const struct dma_mapping m = {
			.handle = sg[i].dma_address, .size = sg[i].dma_length, .dir = dir};
		int error = dma_record_has(dev, &m);

		if (error) {
			log_mismatch(dev, "unmap", m.handle, m.size, error);
			return -EINVAL;
		}
	}
	for (int i = 0; i < nents; i++) {
		int error = dma_unmap_single(dev, sg[i].dma_address, sg[i].dma_length, dir);

		if (error)
			return error; /* listed twice */
	}
	return 0;
}
