/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_mmio.c: the virtio transport of registers in memory, as virtio 1.1 has it (version 2 of
 * the registers, section 4.2.2) and as it was before (version 1, the legacy interface, section
 * 4.2.4).
 *
 * A slot without a device has the device id 0. What firmware left running is reset before anything
 * else.
 */
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <quarry/port.h>
#include <stdio.h>
#include <string.h>

#include "drivers/dma/dma.h"
#include "drivers/base/io.h"
#include "drivers/irqchip/irq.h"
#include "drivers/virtio/virtio.h"

/* Registers, table 4.1 and 4.3; those of one version only are marked. */
#define REG_MAGIC		0x000
#define REG_VERSION		0x004
#define REG_DEVICE_ID		0x008
#define REG_DEVICE_FEATURES	0x010
#define REG_DEVICE_FEATURES_SEL 0x014
#define REG_DRIVER_FEATURES	0x020
#define REG_DRIVER_FEATURES_SEL 0x024
#define REG_GUEST_PAGE_SIZE	0x028 /* legacy */
#define REG_QUEUE_SEL		0x030
#define REG_QUEUE_NUM_MAX	0x034
#define REG_QUEUE_NUM		0x038
#define REG_QUEUE_ALIGN		0x03c /* legacy */
#define REG_QUEUE_PFN		0x040 /* legacy */
#define REG_QUEUE_READY		0x044 /* modern */
#define REG_QUEUE_NOTIFY	0x050
#define REG_INTERRUPT_STATUS	0x060
#define REG_INTERRUPT_ACK	0x064
#define REG_STATUS		0x070
#define REG_QUEUE_DESC		0x080 /* modern; low word, then high; so are the next two */
#define REG_QUEUE_DRIVER	0x090
#define REG_QUEUE_DEVICE	0x0a0
#define REG_CONFIG_GENERATION	0x0fc /* modern */
#define REG_CONFIG		0x100

#define MAGIC			0x74726976 /* "virt" */
#define VERSION_LEGACY		1
#define VERSION_MODERN		2

static uint32_t get(const struct virtio_device *vdev, size_t reg)
{
	return readl(vdev->base + reg);
}

static void set(const struct virtio_device *vdev, size_t reg, uint32_t value)
{
	writel(value, vdev->base + reg);
}

static void set64(const struct virtio_device *vdev, size_t reg, uint64_t value)
{
	set(vdev, reg, (uint32_t)value);
	set(vdev, reg + 4, (uint32_t)(value >> 32));
}

static uint32_t get_status(const struct virtio_device *vdev)
{
	return get(vdev, REG_STATUS);
}

static void set_status(const struct virtio_device *vdev, uint32_t status)
{
	set(vdev, REG_STATUS, status);
}

static uint64_t device_features(const struct virtio_device *vdev)
{
	uint64_t features;

	set(vdev, REG_DEVICE_FEATURES_SEL, 0);
	features = get(vdev, REG_DEVICE_FEATURES);
	if (!vdev->legacy) {
		set(vdev, REG_DEVICE_FEATURES_SEL, 1);
		features |= (uint64_t)get(vdev, REG_DEVICE_FEATURES) << 32;
	}
	return features;
}

static void set_features(const struct virtio_device *vdev, uint64_t features)
{
	set(vdev, REG_DRIVER_FEATURES_SEL, 0);
	set(vdev, REG_DRIVER_FEATURES, (uint32_t)features);
	if (vdev->legacy) {
		set(vdev, REG_GUEST_PAGE_SIZE, PAGE_SIZE);
		return;
	}
	set(vdev, REG_DRIVER_FEATURES_SEL, 1);
	set(vdev, REG_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

static int queue_max(const struct virtio_device *vdev, uint16_t index)
{
	uint32_t max;

	set(vdev, REG_QUEUE_SEL, index);
	if (get(vdev, vdev->legacy ? REG_QUEUE_PFN : REG_QUEUE_READY) != 0)
		return -EBUSY;
	max = get(vdev, REG_QUEUE_NUM_MAX);
	return max < VIRTQUEUE_MAX_NUM ? (int)max : VIRTQUEUE_MAX_NUM;
}

static int queue_enable(const struct virtio_device *vdev, struct virtqueue *vq)
{
	uint64_t ring = vq->ring_handle;

	set(vdev, REG_QUEUE_NUM, vq->num);
	if (vdev->legacy) {
		set(vdev, REG_QUEUE_ALIGN, VIRTQUEUE_ALIGN);
		set(vdev, REG_QUEUE_PFN, (uint32_t)(ring >> PAGE_SHIFT));
		return 0;
	}
	set64(vdev, REG_QUEUE_DESC, ring);
	set64(vdev, REG_QUEUE_DRIVER, ring + (uint64_t)((char *)vq->avail - (char *)vq->desc));
	set64(vdev, REG_QUEUE_DEVICE, ring + virtqueue_used_offset(vq->num));
	set(vdev, REG_QUEUE_READY, 1);
	return 0;
}

static void notify(const struct virtio_device *vdev, const struct virtqueue *vq)
{
	set(vdev, REG_QUEUE_NOTIFY, vq->index);
}

static uint32_t generation(const struct virtio_device *vdev)
{
	return get(vdev, REG_CONFIG_GENERATION);
}

static const char *config(const struct virtio_device *vdev, size_t offset)
{
	return vdev->base + REG_CONFIG + offset;
}

static uint32_t poll(const struct virtio_device *vdev)
{
	uint32_t reason = get(vdev, REG_INTERRUPT_STATUS);

	/* acknowledged first: what is used from here on gives a reason again */
	if (reason)
		set(vdev, REG_INTERRUPT_ACK, reason);
	return reason;
}

static const struct virtio_transport virtio_mmio = {
	.get_status = get_status,
	.set_status = set_status,
	.get_features = device_features,
	.set_features = set_features,
	.queue_max = queue_max,
	.queue_enable = queue_enable,
	.notify = notify,
	.generation = generation,
	.config = config,
	.poll = poll,
};

/* ---- interrupts and binding ----------------------------------------------------------------- */

/* The device keeps asking: with no end to it no thread would ever run again. */
static void cut_off(struct virtio_device *vdev)
{
	irq_mask(&vdev->irq);
	vdev->broken = true; /* the thread that waits resets it */
	port_log("virtio: the interrupt of the device at %#" PRIx64 " does not go away: cut off",
		 virt_to_phys(vdev->base));
}

static void virtio_interrupt(void *arg)
{
	struct virtio_device *vdev = arg;
	uint32_t reason = poll(vdev);

	vdev->spurious += !reason;
	if (reason && !get(vdev, REG_INTERRUPT_STATUS))
		vdev->stuck = 0;
	else if (++vdev->stuck == VIRTIO_IRQ_STUCK)
		cut_off(vdev);
	virtio_handle(vdev, reason);
}

static int find_device(struct device *dev, struct virtio_device *vdev, uint32_t *id)
{
	uint32_t version;

	vdev->base = device_map_reg(dev, 0);
	if (!vdev->base)
		return -ENXIO;
	if (dev->size < REG_CONFIG || (dev->reg & 3) != 0)
		return -EINVAL;
	vdev->config_size = dev->size - REG_CONFIG;
	if (get(vdev, REG_MAGIC) != MAGIC)
		return -ENODEV;
	version = get(vdev, REG_VERSION);
	if (version != VERSION_LEGACY && version != VERSION_MODERN) {
		device_log(dev, "version %" PRIu32 " of the registers: 1 and 2 are known", version);
		return -EINVAL;
	}
	vdev->legacy = version == VERSION_LEGACY;
	vdev->transport = &virtio_mmio;
	*id = get(vdev, REG_DEVICE_ID);
	return *id ? 0 : -ENODEV;
}

static void free_irq(const struct virtio_device *vdev)
{
	if (!vdev->polled)
		irq_free(&vdev->irq);
}

static int virtio_mmio_probe(struct device *dev)
{
	struct virtio_device *vdev = device_priv(dev);
	uint32_t id;
	int error = find_device(dev, vdev, &id);

	if (error)
		return error;
	if (virtio_reset(vdev) != 0)
		return -EIO;
	error = of_irq(dev->fdt, dev->node, 0, &vdev->irq);
	if (!error)
		error = irq_request(&vdev->irq, virtio_interrupt, vdev);
	if (error < 0) {
		device_log(dev, "no interrupt (%s): polling", strerror(-error));
		dev->irq_note = irq_reason(error);
		vdev->polled = true;
	} else {
		dev->irq = (uint32_t)error;
	}
	snprintf(vdev->compatible, sizeof(vdev->compatible), "virtio,device%" PRIx32, id);
	if (device_create(dev, fdt_get_name(dev->fdt, dev->node, NULL), vdev->compatible, vdev,
			  virtio_quiesce))
		return 0;
	free_irq(vdev);
	return -ENODEV; /* there is no driver for it, or the driver has said why not */
}

static void virtio_mmio_remove(struct device *dev)
{
	struct virtio_device *vdev = device_priv(dev);

	virtio_reset(vdev);
	free_irq(vdev);
}

static const char *const virtio_mmio_compatible[] = {"virtio,mmio", NULL};

DRIVER(virtio_mmio, "virtio-mmio", DRIVER_DEVICE, virtio_mmio_compatible, virtio_mmio_probe,
       virtio_mmio_remove, sizeof(struct virtio_device));
