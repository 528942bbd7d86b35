/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma_record.c: which mappings a device has. They lie in pages from the page allocator, the first
 * of which also has the hash table by handle, so a search looks at a few mappings however many
 * there are. The pages stay until the device goes.
 */
#include <errno.h>
#include <quarry/mm.h>
#include <quarry/port.h>

#include "drivers/dma/dma_internal.h"
#include "mm/spinlock.h"

#define BUCKETS 64

struct dma_record {
	struct dma_record *next; /* more pages, which have mappings from `bucket` on */
	struct dma_mapping *free;
	struct dma_mapping *bucket[BUCKETS];
};

/* Held for one search of one device; no allocation and no log meanwhile. */
static struct spinlock records;

static unsigned long lock(void)
{
	unsigned long flags = port_irq_save();

	spin_lock(&records);
	return flags;
}

static void unlock(unsigned long flags)
{
	spin_unlock(&records);
	port_irq_restore(flags);
}

/* Buffers are often whole pages apart, so bits above the offset in a page count too. */
static struct dma_mapping **bucket_of(struct dma_record *record, dma_addr_t handle)
{
	return &record->bucket[(handle >> 4 ^ handle >> PAGE_SHIFT ^ handle >> 18) % BUCKETS];
}

/* The lock is held. */
static void count(struct device_dma *dma, const struct dma_mapping *mapping, bool added)
{
	unsigned long sign = added ? 1 : -1UL, pages = dma_mapping_pages_size(mapping);

	if (mapping->coherent) {
		dma->coherent_bytes += sign * pages;
		return;
	}
	dma->mapped_bytes += sign * mapping->size;
	dma->bounce_bytes += sign * pages;
	if (added && mapping->pages)
		dma->bounced++;
}

/* A fresh zeroed page becomes part of the record. The lock is held. */
static void add_page(struct device_dma *dma, struct dma_record *page)
{
	struct dma_mapping *first = (struct dma_mapping *)(void *)page->bucket;
	char *end = (char *)page + PAGE_SIZE;

	if (dma->record) {
		page->next = dma->record->next;
		dma->record->next = page;
	} else {
		dma->record = page;
		first = (struct dma_mapping *)(page + 1);
	}
	for (; (char *)(first + 1) <= end; first++) {
		first->next = dma->record->free;
		dma->record->free = first;
	}
	dma->record_pages++;
}

/* The lock is held; mapping is *link. Its content goes to *copy. */
static void unlink_mapping(struct device_dma *dma, struct dma_mapping **link,
			   struct dma_mapping *copy)
{
	struct dma_mapping *mapping = *link;

	*copy = *mapping;
	*link = mapping->next;
	mapping->next = dma->record->free;
	dma->record->free = mapping;
	count(dma, copy, false);
}

int dma_record_add(struct device *dev, const struct dma_mapping *mapping)
{
	struct device_dma *dma = &dev->dma;
	unsigned long flags = lock();

	struct dma_mapping **bucket, *entry;

	while (!dma->record || !dma->record->free) {
		struct dma_record *page;

		unlock(flags);
		page = (struct dma_record *)get_zeroed_page(GFP_ATOMIC | __GFP_NOWARN);
		if (!page)
			return -ENOMEM;
		flags = lock();
		add_page(dma, page);
	}
	entry = dma->record->free;
	bucket = bucket_of(dma->record, mapping->handle);
	dma->record->free = entry->next;
	*entry = *mapping;
	entry->next = *bucket;
	*bucket = entry;
	count(dma, entry, true);
	unlock(flags);
	return 0;
}

/* The link to the mapping that agrees with *wanted; NULL and why in *error. The lock is held. */
static struct dma_mapping **find(struct device_dma *dma, const struct dma_mapping *wanted,
				 int *error)
{
	struct dma_mapping **link = dma->record ? bucket_of(dma->record, wanted->handle) : NULL;

	*error = -ENOENT;
	for (; link && *link; link = &(*link)->next) {
		const struct dma_mapping *m = *link;

		if (m->handle != wanted->handle || m->coherent != wanted->coherent)
			continue;
		*error = -EINVAL;
		if (m->size == wanted->size && m->dir == wanted->dir &&
		    (!wanted->cpu || m->cpu == wanted->cpu)) {
			*error = 0;
			return link;
		}
	}
	return NULL;
}

int dma_record_has(struct device *dev, const struct dma_mapping *wanted)
{
	int error;
	unsigned long flags = lock();

	find(&dev->dma, wanted, &error);
	unlock(flags);
	return error;
}

int dma_record_take(struct device *dev, struct dma_mapping *mapping)
{
	int error;
	unsigned long flags = lock();
	struct dma_mapping **link = find(&dev->dma, mapping, &error);

	if (link)
		unlink_mapping(&dev->dma, link, mapping);
	unlock(flags);
	return error;
}

bool dma_record_find(struct device *dev, dma_addr_t handle, size_t size,
		     struct dma_mapping *mapping)
{
	bool found = false;
	unsigned long flags = lock();
	struct dma_record *record = dev->dma.record;
	/*
	 * the mapping that starts there is in its bucket; one that only contains it may be in any
	 */
	unsigned int first =
		record ? (unsigned int)(bucket_of(record, handle) - record->bucket) : 0;

	for (unsigned int i = 0; record && i < BUCKETS && !found; i++)
		for (const struct dma_mapping *m = record->bucket[(first + i) % BUCKETS]; m;
		     m = m->next) {
			if (m->coherent || handle < m->handle || handle - m->handle >= m->size ||
			    size > m->size - (handle - m->handle))
				continue;
			*mapping = *m;
			found = true;
			break;
		}
	unlock(flags);
	return found;
}

bool dma_record_pop(struct device *dev, struct dma_mapping *mapping)
{
	bool found = false;
	unsigned long flags = lock();
	struct dma_record *record = dev->dma.record;

	for (unsigned int i = 0; record && i < BUCKETS && !found; i++) {
		if (!record->bucket[i])
			continue;
		unlink_mapping(&dev->dma, &record->bucket[i], mapping);
		found = true;
	}
	unlock(flags);
	return found;
}

void dma_record_free(struct device *dev)
{
	struct dma_record *page = dev->dma.record;

	dev->dma.record = NULL;
	dev->dma.record_pages = 0;
	while (page) {
		struct dma_record *next = page->next;

		free_page((unsigned long)page);
		page = next;
	}
}
