/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci_cap.c: the capabilities that say where a virtio device's registers are: see
 * virtio_pci.h. All of it is input from the device: a capability is used if the registers it tells
 * of lie in a memory BAR of the function, and of several of a type the first such one is.
 */
#include <errno.h>

#include "drivers/base/io.h"
#include "drivers/virtio/virtio_pci.h"

/* A capability (4.1.4). */
#define CAP_LENGTH	  2
#define CAP_TYPE	  3
#define CAP_BAR		  4
#define CAP_OFFSET	  8
#define CAP_REGION	  12
#define CAP_SIZE	  16
#define CAP_MULTIPLIER	  16 /* of the notifications' alone */
#define CAP_NOTIFY_SIZE	  20

#define COMMON_SIZE	  56 /* 4.1.4.3 */
#define DEVICE_SIZE_LIMIT 4096
#define MAX_CAPABILITIES  48 /* of four bytes, behind the header */

/* What the device must have, and how it must be aligned (4.1.4). */
static const struct kind {
	const char *name;
	uint8_t type, cap_size, align;
	uint32_t size; /* bytes of registers, at least */
} common_kind = {"common configuration", 1, CAP_SIZE, 4, COMMON_SIZE},
  notify_kind = {"notification", 2, CAP_NOTIFY_SIZE, 2, 2},
  isr_kind = {"ISR status", 3, CAP_SIZE, 1, 1},
  config_kind = {"device configuration", 4, CAP_SIZE, 4, 1};

/* A capability's registers. */
struct region {
	unsigned int at; /* the capability, in configuration space */
	unsigned int bar;
	uint32_t offset, size;
};

/* NULL: the capability at region->at can be used; else what is wrong with it. */
static const char *read_region(const struct pci_dev *pdev, const struct kind *kind,
			       struct region *region)
{
	const char *cap = pdev->config + region->at;
	const struct pci_bar *bar;

	if (region->at + kind->cap_size > PCI_CONFIG_SIZE ||
	    readb(cap + CAP_LENGTH) < kind->cap_size)
		return "is too short";
	region->bar = readb(cap + CAP_BAR);
	region->offset = readl(cap + CAP_OFFSET);
	region->size = readl(cap + CAP_REGION);
	if (region->bar >= PCI_NR_BARS)
		return "is in no BAR";
	bar = &pdev->bar[region->bar];
	if (!bar->placed)
		return "is in a BAR that is no memory";
	if (region->size < kind->size)
		return "has too few registers";
	if (region->offset % kind->align)
		return "is not aligned";
	if (region->offset > bar->size || region->size > bar->size - region->offset)
		return "reaches out of its BAR";
	return NULL;
}

/* The first capability of a kind that can be used; else what is wrong with the last one. */
static const char *find_region(const struct pci_dev *pdev, const struct kind *kind,
			       struct region *region)
{
	const char *wrong = "is missing";

	region->at = 0;
	for (unsigned int i = 0; i < MAX_CAPABILITIES; i++) { /* the list may be a circle */
		region->at = pci_find_capability(pdev, PCI_CAP_VENDOR, region->at);
		if (!region->at)
			break;
		/* its type is in its first word, which configuration space has whole */
		if (readb(pdev->config + region->at + CAP_TYPE) != kind->type)
			continue;
		wrong = read_region(pdev, kind, region);
		if (!wrong)
			return NULL;
	}
	return wrong;
}

/* Map the registers of a kind. 0, or -ENODEV after one line. */
static int map_region(struct device *dev, const struct kind *kind, char **regs,
		      struct region *region)
{
	const char *wrong = find_region(to_pci_dev(dev), kind, region);
	char *bar;

	if (wrong) {
		device_log(dev, "its capability for the %s %s: not usable", kind->name, wrong);
		return -ENODEV;
	}
	bar = pci_iomap(dev, region->bar, region->offset + (uint64_t)region->size);
	if (!bar)
		return -ENODEV;
	*regs = bar + region->offset;
	return 0;
}

int virtio_pci_map(struct device *dev, struct virtio_pci *vp, uint32_t id)
{
	const struct pci_dev *pdev = to_pci_dev(dev);
	struct region region;

	if (map_region(dev, &common_kind, &vp->vdev.base, &region) != 0 ||
	    map_region(dev, &isr_kind, &vp->isr, &region) != 0 ||
	    map_region(dev, &notify_kind, &vp->notify, &region) != 0)
		return -ENODEV;
	vp->notify_size = region.size;
	vp->notify_multiplier = readl(pdev->config + region.at + CAP_MULTIPLIER);
	/* a type without a configuration need not have the capability */
	if (id == VIRTIO_ID_ENTROPY)
		return 0;
	if (map_region(dev, &config_kind, &vp->config, &region) != 0)
		return -ENODEV;
	vp->vdev.config_size = region.size < DEVICE_SIZE_LIMIT ? region.size : DEVICE_SIZE_LIMIT;
	return 0;
}
