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
#include "drivers/timer/timer.h"
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

#define INTERRUPT_USED		1
#define INTERRUPT_CONFIG	2

/* Section 2.1. */
#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER	   2
#define STATUS_DRIVER_OK   4
#define STATUS_FEATURES_OK 8
#define STATUS_NEEDS_RESET 64
#define STATUS_FAILED	   128

/* Section 6. */
#define F_VERSION_1 32
#define F_ACCESS_PLATFORM \
	33 /* it sees memory as its bus does, which is what the DMA layer gives it */

#define LEGACY_PFN_BITS 32
#define RESET_POLLS	1000000 /* without a timer */
#define CONFIG_TRIES	100	/* a configuration that changes faster than it can be read */

uint64_t virtio_timeout_ns = 5 * NSEC_PER_SEC;

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

static void add_status(const struct virtio_device *vdev, uint32_t bits)
{
	set(vdev, REG_STATUS, get(vdev, REG_STATUS) | bits);
}

/* ---- stopping ------------------------------------------------------------------------------- */

int virtio_reset(struct virtio_device *vdev)
{
	uint64_t start = timer_now();

	set(vdev, REG_STATUS, 0);
	for (uint32_t polls = 0; get(vdev, REG_STATUS) != 0; polls++) {
		if (timer_hz() ? timer_since(start) > VIRTIO_RESET_MS * NSEC_PER_MSEC
			       : polls > RESET_POLLS) {
			port_log("virtio: the device at %#" PRIx64 " does not confirm its reset",
				 virt_to_phys(vdev->base));
			if (vdev->dev)
				dma_device_lost(vdev->dev);
			return -ETIMEDOUT;
		}
		port_relax();
	}
	return 0;
}

void virtio_fail(struct virtio_device *vdev, const char *why)
{
	vdev->broken = true;
	if (vdev->failed)
		return;
	vdev->failed = true;
	device_log(vdev->dev, "%s: reset, and out of use", why);
	virtio_reset(vdev);
	set(vdev, REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FAILED);
}

/* ---- starting (section 3.1.1) --------------------------------------------------------------- */

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

static int negotiate(struct virtio_device *vdev, uint64_t wanted)
{
	uint64_t offered = device_features(vdev);

	if (!vdev->legacy) {
		if (!(offered >> F_VERSION_1 & 1))
			return -EINVAL;
		wanted |= 1ULL << F_VERSION_1 | 1ULL << F_ACCESS_PLATFORM;
	}
	vdev->features = offered & wanted;
	set(vdev, REG_DRIVER_FEATURES_SEL, 0);
	set(vdev, REG_DRIVER_FEATURES, (uint32_t)vdev->features);
	if (vdev->legacy)
		return 0;
	set(vdev, REG_DRIVER_FEATURES_SEL, 1);
	set(vdev, REG_DRIVER_FEATURES, (uint32_t)(vdev->features >> 32));
	add_status(vdev, STATUS_FEATURES_OK);
	return get(vdev, REG_STATUS) & STATUS_FEATURES_OK ? 0 : -EIO;
}

int virtio_init(struct virtio_device *vdev, struct device *dev, uint64_t wanted)
{
	int error;

	vdev->dev = dev;
	if (virtio_reset(vdev) != 0)
		return -EIO;
	add_status(vdev, STATUS_ACKNOWLEDGE);
	add_status(vdev, STATUS_DRIVER);
	error = negotiate(vdev, wanted);
	if (error) {
		device_log(dev, "it offers features %#" PRIx64 " and does not take %#" PRIx64,
			   device_features(vdev), vdev->features);
		return error;
	}
	if (vdev->legacy)
		set(vdev, REG_GUEST_PAGE_SIZE, PAGE_SIZE);
	/* rings of a legacy device are named by a page number of 32 bits */
	return dma_set_mask(dev, vdev->legacy ? DMA_BIT_MASK(LEGACY_PFN_BITS + PAGE_SHIFT)
					      : DMA_BIT_MASK(64));
}

void virtio_driver_ok(struct virtio_device *vdev)
{
	add_status(vdev, STATUS_DRIVER_OK);
}

/* ---- queues --------------------------------------------------------------------------------- */

/*
 * Descriptors of the queue that is selected: a power of two that the device and we can have; 0: no
 * queue.
 */
static uint16_t queue_num(const struct virtio_device *vdev)
{
	uint32_t max = get(vdev, REG_QUEUE_NUM_MAX);
	uint16_t num = VIRTQUEUE_MAX_NUM;

	while (num > max)
		num /= 2;
	return num;
}

/* Tell the device where the queue that is selected is. */
static void enable_queue(struct virtio_device *vdev, const struct virtqueue *vq)
{
	uint64_t ring = vq->ring_handle;

	set(vdev, REG_QUEUE_NUM, vq->num);
	if (vdev->legacy) {
		set(vdev, REG_QUEUE_ALIGN, VIRTQUEUE_ALIGN);
		set(vdev, REG_QUEUE_PFN, (uint32_t)(ring >> PAGE_SHIFT));
		return;
	}
	set64(vdev, REG_QUEUE_DESC, ring);
	set64(vdev, REG_QUEUE_DRIVER, ring + (uint64_t)((char *)vq->avail - (char *)vq->desc));
	set64(vdev, REG_QUEUE_DEVICE, ring + virtqueue_used_offset(vq->num));
	set(vdev, REG_QUEUE_READY, 1);
}

int virtio_queue_setup(struct virtio_device *vdev, uint16_t index, struct virtqueue *vq)
{
	unsigned int order = 0;
	struct virtqueue_slot *slot;
	uint16_t num;

	set(vdev, REG_QUEUE_SEL, index);
	if (get(vdev, vdev->legacy ? REG_QUEUE_PFN : REG_QUEUE_READY) != 0)
		return -EBUSY;
	num = queue_num(vdev);
	if (num == 0)
		return -ENOENT;
	while (PAGE_SIZE << order < num * sizeof(*slot))
		order++;
	slot = device_alloc(vdev->dev, order);
	if (!slot)
		return -ENOMEM;
	vq->ring_size = virtqueue_ring_size(num);
	vq->ring = dma_alloc_coherent(vdev->dev, vq->ring_size, &vq->ring_handle, GFP_KERNEL);
	if (!vq->ring)
		return -ENOMEM;
	vq->index = index;
	vq->legacy = vdev->legacy;
	virtqueue_init(vq, num, vq->ring, slot);
	enable_queue(vdev, vq);
	return 0;
}

void virtio_queue_free(struct virtio_device *vdev, struct virtqueue *vq)
{
	if (vq->ring)
		dma_free_coherent(vdev->dev, vq->ring_size, vq->ring, vq->ring_handle);
	vq->ring = NULL;
}

void virtio_kick(const struct virtio_device *vdev, const struct virtqueue *vq)
{
	if (virtqueue_kick_needed(vq))
		set(vdev, REG_QUEUE_NOTIFY, vq->index);
}

/* ---- configuration -------------------------------------------------------------------------- */

uint64_t virtio_config(const struct virtio_device *vdev, size_t offset, size_t size)
{
	uint64_t value = 0, last;

	if (offset > vdev->config_size || size > vdev->config_size - offset)
		return 0;
	for (int i = 0; i < CONFIG_TRIES; i++) {
		const char *at = vdev->base + REG_CONFIG + offset;
		uint32_t before = vdev->legacy ? 0 : get(vdev, REG_CONFIG_GENERATION);

		last = value;
		/* by the width of the field (section 4.2.2.2) */
		value = size == 1 ? readb(at) : size == 2 ? readw(at) : readl(at);
		if (size == 8)
			value |= (uint64_t)readl(at + 4) << 32;
		/*
		 * the legacy interface has no generation: twice the same, if it has more than a
		 * word
		 */
		if (vdev->legacy ? size < 8 || (i > 0 && value == last)
				 : get(vdev, REG_CONFIG_GENERATION) == before)
			break;
	}
	return value;
}

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
	uint32_t reason = get(vdev, REG_INTERRUPT_STATUS);

	vdev->spurious += !reason;
	/* acknowledged first: what is used from here on interrupts again */
	if (reason)
		set(vdev, REG_INTERRUPT_ACK, reason);
	if (reason && !get(vdev, REG_INTERRUPT_STATUS))
		vdev->stuck = 0;
	else if (++vdev->stuck == VIRTIO_IRQ_STUCK)
		cut_off(vdev);
	if (vdev->broken || !reason)
		return;
	if (reason & INTERRUPT_CONFIG) {
		if (get(vdev, REG_STATUS) & STATUS_NEEDS_RESET)
			vdev->broken = true;
		else if (vdev->config_changed)
			vdev->config_changed(vdev);
	}
	if (vdev->used)
		vdev->used(vdev);
}

/* For struct device: whatever became of its driver, the device stops before its memory goes. */
static void quiesce(struct device *dev)
{
	struct virtio_device *vdev = dev->bus_data;

	virtio_reset(vdev);
	vdev->used = vdev->config_changed = NULL;
	vdev->dev = NULL; /* its page goes */
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
	*id = get(vdev, REG_DEVICE_ID);
	return *id ? 0 : -ENODEV;
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
		device_log(dev, "no interrupt (%s): not usable", strerror(-error));
		return -ENODEV; /* reported */
	}
	dev->irq = (uint32_t)error;
	snprintf(vdev->compatible, sizeof(vdev->compatible), "virtio,device%" PRIx32, id);
	if (device_create(dev, fdt_get_name(dev->fdt, dev->node, NULL), vdev->compatible, vdev,
			  quiesce))
		return 0;
	irq_free(&vdev->irq);
	return -ENODEV; /* there is no driver for it, or the driver has said why not */
}

static void virtio_mmio_remove(struct device *dev)
{
	struct virtio_device *vdev = device_priv(dev);

	virtio_reset(vdev);
	irq_free(&vdev->irq);
}

static const char *const virtio_mmio_compatible[] = {"virtio,mmio", NULL};

DRIVER(virtio_mmio, "virtio-mmio", DRIVER_DEVICE, virtio_mmio_compatible, virtio_mmio_probe,
       virtio_mmio_remove);
