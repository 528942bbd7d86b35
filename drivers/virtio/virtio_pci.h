/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.h: where a virtio device's registers lie in the BARs of its PCI function, as its
 * capabilities say (virtio 1.1, section 4.1.4).
 */
#ifndef DRIVERS_VIRTIO_PCI_H
#define DRIVERS_VIRTIO_PCI_H

#include "drivers/pci/pci.h"
#include "drivers/virtio/virtio.h"

/* device_priv() of the function; the virtio device's driver is given vdev. */
struct virtio_pci {
	struct virtio_device vdev; /* base: the common configuration */
	struct pci_msix msix;
	char *isr, *config, *notify;
	uint32_t notify_size;	    /* bytes */
	uint32_t notify_multiplier; /* bytes from one queue's offset to the next */
};

/*
 * virtio_pci_map() - find the registers of the device, whose type is id, and map them. 0; -ENODEV
 * after one line: a capability is missing, too short, or reaches out of its BAR. Context: thread,
 * the function answers at its BARs. Bound: 48 looks of 48 for each of four capabilities.
 */
int virtio_pci_map(struct device *dev, struct virtio_pci *vp, uint32_t id);

#endif
