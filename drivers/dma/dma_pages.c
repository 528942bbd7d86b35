/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma_pages.c: pages that a device reaches, and dma_alloc_coherent(), which has areas besides.
 *
 * The page allocator knows zones, not devices. As a rule a device reaches a zone as a whole, so a
 * block is taken from the highest of which it reaches a part, and looked at. Only if it lies
 * outside, the addresses that the device does reach are searched.
 */
#include <errno.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <quarry/port.h>
#include <string.h>

#include "boot/mmu/cache.h"
#include "boot/mmu/mmu.h"
#include "drivers/dma/dma_internal.h"

/* The addresses of a zone; empty if it has no pages. Constant after mm_init(). */
static struct {
	phys_addr_t start, end;
} span[MAX_NR_ZONES];

static void read_spans(void)
{
	for (unsigned int zone = 0; zone < MAX_NR_ZONES; zone++) {
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		span[zone].start = PFN_PHYS(info.start_pfn);
		span[zone].end = PFN_PHYS(info.start_pfn + info.spanned);
	}
}

/* Whether the device reaches the first whole page of [start, end) that its bus shows it, if any. */
static bool reaches_part(const struct device *dev, phys_addr_t start, phys_addr_t end)
{
	const struct device_dma *dma = &dev->dma;

	if (dma->nr_windows == 0)
		return start < end && dma_capable(dev, start, PAGE_SIZE, NULL);
	for (uint32_t i = 0; i < dma->nr_windows; i++) {
		const struct dma_window *w = &dma->window[i];
		phys_addr_t first = w->cpu > start ? ALIGN_UP(w->cpu, PAGE_SIZE) : start;

		if (first >= start && first < end && dma_capable(dev, first, PAGE_SIZE, NULL))
			return true;
	}
	return false;
}

bool dma_reaches_zone(const struct device *dev, unsigned int zone)
{
	phys_addr_t start, end;
	uint64_t i;

	if (!span[ZONE_DMA32].end && !span[ZONE_NORMAL].end)
		read_spans();
	for_each_mem_range (i, &start, &end) {
		start = ALIGN_UP(start > span[zone].start ? start : span[zone].start, PAGE_SIZE);
		end = end < span[zone].end ? end : span[zone].end;
		if (reaches_part(dev, start, end))
			return true;
	}
	return false;
}

const char *dma_zone_name(const struct device *dev)
{
	struct zone_info info;

	for (unsigned int zone = MAX_NR_ZONES; zone-- > 0;)
		if (!dma_unusable(dev) && dma_reaches_zone(dev, zone)) {
			mm_zone_info((enum zone_type)zone, &info);
			return info.name;
		}
	return "none";
}

/*
 * The n-th range of addresses that the device reaches, [*first, *last]; false: there are no more.
 */
static bool reach(const struct device *dev, unsigned int n, phys_addr_t *first, phys_addr_t *last)
{
	const struct device_dma *dma = &dev->dma;
	const struct dma_window *w = &dma->window[n];
	uint64_t room;

	if (n >= (dma->nr_windows ? dma->nr_windows : 1))
		return false;
	if (dma->nr_windows == 0) {
		*first = 0;
		*last = dma->mask;
		return true;
	}
	*first = *last = w->cpu;
	if (w->bus > dma->mask || w->size == 0) /* none of it: a range without a page */
		return true;
	room = dma->mask - w->bus;
	*last += w->size - 1 < room ? w->size - 1 : room;
	return true;
}

void *dma_pages_alloc(struct device *dev, size_t size, gfp_t gfp, dma_addr_t *handle)
{
	static const gfp_t of_zone[MAX_NR_ZONES] = {[ZONE_DMA32] = __GFP_DMA32};
	phys_addr_t first, last;
	bool outside = false;
	void *block;

	/* the caller says in one line what was refused */
	gfp = (gfp & ~(GFP_CLASS_MASK | __GFP_COMP | __GFP_NOFAIL | __GFP_ZERO)) | __GFP_NOWARN;
	for (unsigned int zone = MAX_NR_ZONES; zone-- > 0;) {
		if (!dma_reaches_zone(dev, zone))
			continue;
		block = alloc_pages_exact(size, gfp | of_zone[zone]);
		if (block && dma_capable(dev, virt_to_phys(block), size, handle))
			return block;
		if (block) {
			outside = true;
			free_pages_exact(block, size);
		}
	}
	/* if no zone has such a block at all, none lies within reach either */
	for (unsigned int n = 0; outside && reach(dev, n, &first, &last); n++) {
		block = alloc_pages_exact_between(size, gfp, first, last);
		if (block && dma_capable(dev, virt_to_phys(block), size, handle))
			return block;
		if (block) /* its last byte would be DMA_MAPPING_ERROR */
			free_pages_exact(block, size);
	}
	return NULL;
}

/* ---- coherent memory ------------------------------------------------------------------------ */

void dma_coherent_release(const struct dma_mapping *mapping)
{
	unsigned long bytes = dma_mapping_pages_size(mapping);

	if (mapping->cpu != mapping->pages)
		mmu_unmap_uncached(mapping->cpu, bytes);
	if (mapping->area)
		cma_release(mapping->area, virt_to_page(mapping->pages), bytes >> PAGE_SHIFT);
	else
		free_pages_exact(mapping->pages, bytes);
}

#define AREA_ALIGN_ORDER \
	8 /* pages of an area start at a multiple of their size, or of so many: 1 MiB */

/* From an area, within reach; mapping->area says which. NULL: it has none. */
static char *pages_from_area(struct device *dev, struct cma *area, struct dma_mapping *mapping,
			     unsigned long bytes)
{
	unsigned int order = 0;
	struct page *page;

	while (order < AREA_ALIGN_ORDER && PAGE_SIZE << order < bytes)
		order++;
	page = cma_alloc(area, bytes >> PAGE_SHIFT, order, true);
	if (page && !dma_capable(dev, page_to_phys(page), bytes, &mapping->handle)) {
		cma_release(area, page, bytes >> PAGE_SHIFT);
		page = NULL;
	}
	if (!page)
		return NULL;
	mapping->area = area;
	return page_address(page);
}

/* Its own area first; if that has none, as for any other device. An area may have to wait. */
static char *coherent_pages(struct device *dev, struct dma_mapping *mapping, unsigned long bytes,
			    gfp_t gfp)
{
	bool large = bytes > PAGE_SIZE << MAX_PAGE_ORDER, wait = gfp & __GFP_DIRECT_RECLAIM;
	char *pages = NULL;

	if (wait && dev->dma.area)
		pages = pages_from_area(dev, dev->dma.area, mapping, bytes);
	if (!pages && wait && large && cma_default())
		pages = pages_from_area(dev, cma_default(), mapping, bytes);
	if (!pages && !large)
		pages = dma_pages_alloc(dev, bytes, gfp, &mapping->handle);
	return pages;
}

void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *handle, gfp_t gfp)
{
	struct dma_mapping mapping = {.size = size, .dir = DMA_BIDIRECTIONAL, .coherent = true};
	const char *why = dma_unusable(dev);
	size_t bytes;

	bytes = ALIGN_UP(size, PAGE_SIZE);
	if (!why &&
	    (!bytes || (bytes > PAGE_SIZE << MAX_PAGE_ORDER && !dev->dma.area && !cma_default())))
		why = "not a size the page allocator has";
	if (why) {
		dma_refuse(dev, "no coherent memory: %s", why);
		return NULL;
	}
	mapping.pages = coherent_pages(dev, &mapping, bytes, gfp);
	if (!mapping.pages) {
		dma_refuse(dev, "no %zu bytes of coherent memory within reach", size);
		return NULL;
	}
	memset(mapping.pages, 0, bytes);
	mapping.cpu = mapping.pages;
	if (!dev->dma.coherent) {
		cache_flush(mapping.pages, bytes);
		mapping.cpu = mmu_map_uncached(virt_to_phys(mapping.pages), bytes);
	}
	if (!mapping.cpu || dma_record_add(dev, &mapping) != 0) {
		dma_refuse(dev, "no coherent memory: %s",
			   mapping.cpu ? "no page for the record" : "it cannot be mapped uncached");
		if (!mapping.cpu)
			mapping.cpu = mapping.pages;
		dma_coherent_release(&mapping);
		return NULL;
	}
	*handle = mapping.handle;
	return mapping.cpu;
}

int dma_free_coherent(struct device *dev, size_t size, void *cpu, dma_addr_t handle)
{
	struct dma_mapping mapping = {.handle = handle,
				      .size = size,
				      .cpu = cpu,
				      .dir = DMA_BIDIRECTIONAL,
				      .coherent = true};
	int error = !cpu	    ? -EINVAL
		    : dev->dma.lost ? dma_record_has(dev, &mapping)
				    : dma_record_take(dev, &mapping);

	if (error) {
		device_log(dev, "dma: free of coherent memory at %#llx, %zu bytes: %s: refused",
			   (unsigned long long)handle, size,
			   error == -ENOENT ? "there is none" : "not as it was allocated");
		return -EINVAL;
	}
	if (!dev->dma.lost)
		dma_coherent_release(&mapping);
	return 0;
}
