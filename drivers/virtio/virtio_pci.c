/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.c: the virtio transport of PCI functions (virtio 1.1, section 4.1), by its modern
 * interface alone, which transitional devices have too. It interrupts by two messages, one for the
 * configuration and one for the queues, else by the function's wire, else it is polled.
 */
#include "drivers/virtio/virtio_pci.h"

#include <errno.h>
#include <inttypes.h>
#include <quarry/port.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/base/io.h"

/* The common configuration (4.1.4.3). */
#define COMMON_DEVICE_FEATURE_SELECT 0
#define COMMON_DEVICE_FEATURE	     4
#define COMMON_DRIVER_FEATURE_SELECT 8
#define COMMON_DRIVER_FEATURE	     12
#define COMMON_CONFIG_VECTOR	     16 /* 16 bits */
#define COMMON_NUM_QUEUES	     18 /* 16 */
#define COMMON_STATUS		     20 /* 8 */
#define COMMON_GENERATION	     21 /* 8 */
#define COMMON_QUEUE_SELECT	     22 /* 16, as all but addresses from here on */
#define COMMON_QUEUE_SIZE	     24
#define COMMON_QUEUE_VECTOR	     26
#define COMMON_QUEUE_ENABLE	     28
#define COMMON_QUEUE_NOTIFY_OFF	     30
#define COMMON_QUEUE_DESC	     32 /* 64, and so are the next two */
#define COMMON_QUEUE_DRIVER	     40
#define COMMON_QUEUE_DEVICE	     48

/* Vectors of messages. */
#define VECTOR_CONFIG 0
#define VECTOR_QUEUES 1
#define NR_VECTORS    2

/* Vendor, and device ids: transitional ones, then 0x1040 + the type (4.1.2). */
#define VENDOR		"pci1af4,"
#define ID_TRANSITIONAL 0x1000
#define ID_MODERN	0x1040
#define ID_END		0x1080

static struct virtio_pci *to_virtio_pci(const struct virtio_device *vdev)
{
	return (struct virtio_pci *)(uintptr_t)vdev; /* the first member */
}

static void set16(const struct virtio_device *vdev, size_t reg, uint16_t value)
{
	writew(value, vdev->base + reg);
}

/* In two halves, as the device must accept it (4.1.3.1). */
static void set64(const struct virtio_device *vdev, size_t reg, uint64_t value)
{
	writel((uint32_t)value, vdev->base + reg);
	writel((uint32_t)(value >> 32), vdev->base + reg + 4);
}

static uint32_t get_status(const struct virtio_device *vdev)
{
	return readb(vdev->base + COMMON_STATUS);
}

static void set_status(const struct virtio_device *vdev, uint32_t status)
{
	writeb((uint8_t)status, vdev->base + COMMON_STATUS);
}

static uint64_t get_features(const struct virtio_device *vdev)
{
	uint64_t features;

	writel(0, vdev->base + COMMON_DEVICE_FEATURE_SELECT);
	features = readl(vdev->base + COMMON_DEVICE_FEATURE);
	writel(1, vdev->base + COMMON_DEVICE_FEATURE_SELECT);
	return features | (uint64_t)readl(vdev->base + COMMON_DEVICE_FEATURE) << 32;
}

static void set_features(const struct virtio_device *vdev, uint64_t features)
{
	writel(0, vdev->base + COMMON_DRIVER_FEATURE_SELECT);
	writel((uint32_t)features, vdev->base + COMMON_DRIVER_FEATURE);
	writel(1, vdev->base + COMMON_DRIVER_FEATURE_SELECT);
	writel((uint32_t)(features >> 32), vdev->base + COMMON_DRIVER_FEATURE);
}

static int queue_max(const struct virtio_device *vdev, uint16_t index)
{
	if (index >= readw(vdev->base + COMMON_NUM_QUEUES))
		return 0;
	set16(vdev, COMMON_QUEUE_SELECT, index);
	if (readw(vdev->base + COMMON_QUEUE_ENABLE) != 0)
		return -EBUSY;
	return readw(vdev->base + COMMON_QUEUE_SIZE);
}

/* A vector that the device has no room for reads as another (4.1.5.1.2). */
static bool set_vector(const struct virtio_device *vdev, size_t reg, uint16_t vector)
{
	set16(vdev, reg, vector);
	return readw(vdev->base + reg) == vector;
}

static int queue_enable(const struct virtio_device *vdev, struct virtqueue *vq)
{
	const struct virtio_pci *vp = to_virtio_pci(vdev);
	uint64_t ring = vq->ring_handle;
	uint64_t offset =
		readw(vdev->base + COMMON_QUEUE_NOTIFY_OFF) * (uint64_t)vp->notify_multiplier;

	if (offset + sizeof(uint16_t) > vp->notify_size || offset % sizeof(uint16_t)) {
		device_log(vdev->dev, "queue %u is notified outside its capability", vq->index);
		return -EIO;
	}
	vq->doorbell = vp->notify + offset;
	if (vp->msix.nr && (!set_vector(vdev, COMMON_CONFIG_VECTOR, VECTOR_CONFIG) ||
			    !set_vector(vdev, COMMON_QUEUE_VECTOR, VECTOR_QUEUES))) {
		device_log(vdev->dev, "it takes no vector for queue %u", vq->index);
		return -EIO;
	}
	set16(vdev, COMMON_QUEUE_SIZE, vq->num);
	set64(vdev, COMMON_QUEUE_DESC, ring);
	set64(vdev, COMMON_QUEUE_DRIVER, ring + (uint64_t)((char *)vq->avail - (char *)vq->desc));
	set64(vdev, COMMON_QUEUE_DEVICE, ring + virtqueue_used_offset(vq->num));
	set16(vdev, COMMON_QUEUE_ENABLE, 1);
	return 0;
}

static void notify(const struct virtio_device *vdev, const struct virtqueue *vq)
{
	(void)vdev;
	writew(vq->index, vq->doorbell);
}

static uint32_t generation(const struct virtio_device *vdev)
{
	return readb(vdev->base + COMMON_GENERATION);
}

static const char *config(const struct virtio_device *vdev, size_t offset)
{
	return to_virtio_pci(vdev)->config + offset;
}

/* Reading it clears it, and lets the wire go (4.1.4.5). */
static uint32_t poll(const struct virtio_device *vdev)
{
	return readb(to_virtio_pci(vdev)->isr);
}

static const struct virtio_transport virtio_pci = {
	.get_status = get_status,
	.set_status = set_status,
	.get_features = get_features,
	.set_features = set_features,
	.queue_max = queue_max,
	.queue_enable = queue_enable,
	.notify = notify,
	.generation = generation,
	.config = config,
	.poll = poll,
};

/* ---- interrupts and binding ----------------------------------------------------------------- */

static void by_wire(void *arg)
{
	struct virtio_device *vdev = arg;
	uint32_t reason = poll(vdev);

	vdev->spurious += !reason; /* another function on the wire, or none */
	virtio_handle(vdev, reason);
}

static void config_message(void *arg)
{
	virtio_handle(arg, VIRTIO_INTERRUPT_CONFIG);
}

static void queues_message(void *arg)
{
	virtio_handle(arg, VIRTIO_INTERRUPT_USED);
}

static void request_interrupt(struct device *dev, struct virtio_pci *vp)
{
	static const irq_fn messages[NR_VECTORS] = {
		[VECTOR_CONFIG] = config_message, [VECTOR_QUEUES] = queues_message};
	int irq = pci_request_msix(dev, &vp->msix, NR_VECTORS, messages, &vp->vdev);

	if (irq < 0) {
		dev->irq_note = pci_msix_reason(irq);
		irq = pci_request_irq(to_pci_dev(dev), by_wire, &vp->vdev);
	}
	if (irq < 0) {
		device_log(dev, "no interrupt (%s): polling", strerror(-irq));
		dev->irq_note = irq_reason(irq);
		vp->vdev.polled = true;
	} else {
		dev->irq = (uint32_t)irq;
	}
}

/* The type of device: in the id of a modern one, else in its subsystem's. */
static uint32_t type_of(const struct pci_dev *pdev)
{
	return pdev->device >= ID_MODERN ? pdev->device - ID_MODERN
					 : readw(pdev->config + PCI_SUBSYSTEM_ID);
}

static int virtio_pci_probe(struct device *dev)
{
	struct virtio_pci *vp = device_priv(dev);
	struct pci_dev *pdev = to_pci_dev(dev);
	uint32_t id = type_of(pdev);
	int error = pci_enable_device(pdev);

	if (!error)
		error = virtio_pci_map(dev, vp, id);
	if (error)
		return error;
	vp->vdev.transport = &virtio_pci;
	if (virtio_reset(&vp->vdev) != 0)
		return -EIO;
	request_interrupt(dev, vp);
	pci_set_master(pdev);
	snprintf(vp->vdev.compatible, sizeof(vp->vdev.compatible), "virtio,device%" PRIx32, id);
	if (device_create(dev, dev->name, vp->vdev.compatible, &vp->vdev, virtio_quiesce))
		return 0;
	return -ENODEV; /* there is no driver for it, or the driver has said why not */
}

/* The PCI layer takes the interrupts and the BARs back. */
static void virtio_pci_remove(struct device *dev)
{
	struct virtio_pci *vp = device_priv(dev);

	virtio_reset(&vp->vdev);
}

static bool virtio_pci_knows(const char *compatible)
{
	unsigned long id;

	if (strncmp(compatible, VENDOR, sizeof(VENDOR) - 1) != 0)
		return false;
	id = strtoul(compatible + sizeof(VENDOR) - 1, NULL, 16);
	return id >= ID_TRANSITIONAL && id < ID_END;
}

DRIVER_ASKED(virtio_pci, "virtio-pci", DRIVER_ON_BUS, virtio_pci_knows, virtio_pci_probe,
	     virtio_pci_remove, sizeof(struct virtio_pci));
