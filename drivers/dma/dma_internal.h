/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma_internal.h: what the files of the DMA layer share: one mapping, the record of a device's
 * mappings, and pages within a device's reach.
 */
#ifndef DRIVERS_DMA_INTERNAL_H
#define DRIVERS_DMA_INTERNAL_H

#include "drivers/base/driver.h"

/* One mapping, or one block of dma_alloc_coherent(). */
struct dma_mapping {
	struct dma_mapping *next; /* the record's */
	dma_addr_t handle;
	size_t size; /* bytes, as the driver gave it */
	char *cpu;   /* the driver's buffer, or what dma_alloc_coherent() returned */
	char *pages; /* bounce pages, or the coherent ones by their own address; NULL: in place */
	struct cma *area; /* that the coherent ones are from; NULL: the page allocator's */
	enum dma_data_direction dir;
	bool coherent; /* from dma_alloc_coherent() */
};

/* Bytes of memory a mapping holds besides the driver's buffer: whole pages. */
static inline unsigned long dma_mapping_pages_size(const struct dma_mapping *mapping)
{
	return mapping->pages ? ALIGN_UP(mapping->size, PAGE_SIZE) : 0;
}

/* ---- dma_record.c: context any; a lock is held for one search ------------------------------- */

/* Add a copy of mapping and count its bytes. 0, or -ENOMEM with nothing changed. */
int dma_record_add(struct device *dev, const struct dma_mapping *mapping);

/*
 * dma_record_take() - take the mapping out that agrees with *mapping in handle, size, dir,
 * coherent and, if that is not NULL, cpu; *mapping is all of it then. -ENOENT: no mapping has
 * this handle; -EINVAL: one has it, but the rest differs.
 */
int dma_record_take(struct device *dev, struct dma_mapping *mapping);

/* dma_record_has() - whether dma_record_take() would find it: 0 or its error. */
int dma_record_has(struct device *dev, const struct dma_mapping *wanted);

/*
 * dma_record_find() - a copy of the mapping, coherent ones apart, that has all of [handle, handle
 * + size).
 */
bool dma_record_find(struct device *dev, dma_addr_t handle, size_t size,
		     struct dma_mapping *mapping);

/* Take any mapping out; false: there is none. */
bool dma_record_pop(struct device *dev, struct dma_mapping *mapping);

/* Give the record's own pages back; it is empty. */
void dma_record_free(struct device *dev);

/* ---- dma_pages.c ---------------------------------------------------------------------------- */

/*
 * dma_pages_alloc() - size bytes of whole pages that dev reaches; *handle: where it sees them.
 * The search is complete: NULL if no free block, above the marks, lies where the device reaches it
 * (see alloc_pages_between()). Given back with free_pages_exact().
 */
void *dma_pages_alloc(struct device *dev, size_t size, gfp_t gfp, dma_addr_t *handle);

/* Give back what dma_alloc_coherent() took; the mapping is not in the record any more. */
void dma_coherent_release(const struct dma_mapping *mapping);

/* ---- dma.c ---------------------------------------------------------------------------------- */

/* Why dev can have no mapping at all, in words; NULL if it can. */
const char *dma_unusable(const struct device *dev);

/* Count a refusal, and say why in one line, at most DMA_REFUSALS_LOGGED times a device. */
#define DMA_REFUSALS_LOGGED 16
void dma_refuse(struct device *dev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
