/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.c: what is the same on every transport: starting and stopping a device (virtio 1.1,
 * section 3.1), its queues' memory, its configuration, and what an interrupt means.
 */
#include "drivers/virtio/virtio.h"

#include <errno.h>
#include <inttypes.h>
#include <quarry/port.h>

#include "drivers/base/io.h"
#include "drivers/dma/dma.h"
#include "drivers/timer/timer.h"

/* Section 6. */
#define F_VERSION_1 32
#define F_ACCESS_PLATFORM \
	33 /* it sees memory as its bus does, which is what the DMA layer gives it */

#define LEGACY_PFN_BITS 32
#define RESET_POLLS	1000000 /* without a timer */
#define CONFIG_TRIES	100	/* a configuration that changes faster than it can be read */

uint64_t virtio_timeout_ns = 5 * NSEC_PER_SEC;

static void add_status(const struct virtio_device *vdev, uint32_t bits)
{
	vdev->transport->set_status(vdev, vdev->transport->get_status(vdev) | bits);
}

/* ---- stopping ------------------------------------------------------------------------------- */

int virtio_reset(struct virtio_device *vdev)
{
	uint64_t start = timer_now();

	vdev->transport->set_status(vdev, 0);
	for (uint32_t polls = 0; vdev->transport->get_status(vdev) != 0; polls++) {
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
	vdev->transport->set_status(vdev, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
						  VIRTIO_STATUS_FAILED);
}

void virtio_quiesce(struct device *dev)
{
	struct virtio_device *vdev = dev->bus_data;

	/* whatever became of its driver, the device stops before its memory goes */
	virtio_reset(vdev);
	vdev->used = vdev->config_changed = NULL;
	vdev->dev = NULL; /* its page goes */
}

/* ---- starting (section 3.1.1) --------------------------------------------------------------- */

static int negotiate(struct virtio_device *vdev, uint64_t wanted)
{
	uint64_t offered = vdev->transport->get_features(vdev);

	if (!vdev->legacy) {
		if (!(offered >> F_VERSION_1 & 1))
			return -EINVAL;
		wanted |= 1ULL << F_VERSION_1 | 1ULL << F_ACCESS_PLATFORM;
	}
	vdev->features = offered & wanted;
	vdev->transport->set_features(vdev, vdev->features);
	if (vdev->legacy)
		return 0;
	add_status(vdev, VIRTIO_STATUS_FEATURES_OK);
	return vdev->transport->get_status(vdev) & VIRTIO_STATUS_FEATURES_OK ? 0 : -EIO;
}

int virtio_init(struct virtio_device *vdev, struct device *dev, uint64_t wanted)
{
	int error;

	vdev->dev = dev;
	if (virtio_reset(vdev) != 0)
		return -EIO;
	add_status(vdev, VIRTIO_STATUS_ACKNOWLEDGE);
	add_status(vdev, VIRTIO_STATUS_DRIVER);
	error = negotiate(vdev, wanted);
	if (error) {
		device_log(dev, "it offers features %#" PRIx64 " and does not take %#" PRIx64,
			   vdev->transport->get_features(vdev), vdev->features);
		return error;
	}
	/* rings of a legacy device are named by a page number of 32 bits */
	return dma_set_mask(dev, vdev->legacy ? DMA_BIT_MASK(LEGACY_PFN_BITS + PAGE_SHIFT)
					      : DMA_BIT_MASK(64));
}

void virtio_driver_ok(struct virtio_device *vdev)
{
	add_status(vdev, VIRTIO_STATUS_DRIVER_OK);
}

/* ---- queues --------------------------------------------------------------------------------- */

int virtio_queue_setup(struct virtio_device *vdev, uint16_t index, struct virtqueue *vq)
{
	struct virtqueue_slot *slot;
	int max = vdev->transport->queue_max(vdev, index);
	uint16_t num = VIRTQUEUE_MAX_NUM;

	if (max <= 0)
		return max ? max : -ENOENT;
	while (num > max)
		num /= 2;
	slot = device_zalloc(vdev->dev, num * sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	vq->ring_size = virtqueue_ring_size(num);
	vq->ring = dma_alloc_coherent(vdev->dev, vq->ring_size, &vq->ring_handle, GFP_KERNEL);
	if (!vq->ring)
		return -ENOMEM;
	vq->index = index;
	vq->legacy = vdev->legacy;
	virtqueue_init(vq, num, vq->ring, slot);
	return vdev->transport->queue_enable(vdev, vq);
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
		vdev->transport->notify(vdev, vq);
}

/* ---- configuration -------------------------------------------------------------------------- */

uint64_t virtio_config(const struct virtio_device *vdev, size_t offset, size_t size)
{
	uint64_t value = 0, last;

	if (offset > vdev->config_size || size > vdev->config_size - offset)
		return 0;
	for (int i = 0; i < CONFIG_TRIES; i++) {
		const char *at = vdev->transport->config(vdev, offset);
		uint32_t before = vdev->legacy ? 0 : vdev->transport->generation(vdev);

		last = value;
		/* by the width of the field (sections 4.1.3, 4.2.2.2) */
		value = size == 1 ? readb(at) : size == 2 ? readw(at) : readl(at);
		if (size == 8)
			value |= (uint64_t)readl(at + 4) << 32;
		/*
		 * the legacy interface has no generation: twice the same, if it has more than a
		 * word
		 */
		if (vdev->legacy ? size < 8 || (i > 0 && value == last)
				 : vdev->transport->generation(vdev) == before)
			break;
	}
	return value;
}

/* ---- interrupts ----------------------------------------------------------------------------- */

void virtio_handle(struct virtio_device *vdev, uint32_t reason)
{
	if (vdev->broken || !reason)
		return;
	if (reason & VIRTIO_INTERRUPT_CONFIG) {
		if (vdev->transport->get_status(vdev) & VIRTIO_STATUS_NEEDS_RESET)
			vdev->broken = true;
		else if (vdev->config_changed)
			vdev->config_changed(vdev);
	}
	if (vdev->used)
		vdev->used(vdev);
}

struct wait {
	struct virtio_device *vdev;
	bool (*done)(void *arg);
	void *arg;
};

static bool look(void *arg)
{
	const struct wait *wait = arg;
	unsigned long flags = port_irq_save();

	virtio_handle(wait->vdev, wait->vdev->transport->poll(wait->vdev));
	port_irq_restore(flags);
	return wait->done(wait->arg);
}

bool virtio_wait(struct virtio_device *vdev, uint64_t ns, bool (*done)(void *arg), void *arg)
{
	struct wait wait = {vdev, done, arg};
	uint64_t start = timer_now(), passed = 0;
	bool over;

	if (!vdev->polled)
		return timer_wait(ns, done, arg);
	do {
		uint64_t left = ns - passed;

		over = timer_wait(left < VIRTIO_POLL_NS ? left : VIRTIO_POLL_NS, look, &wait);
		passed = timer_since(start);
	} while (!over && timer_hz() && passed < ns);
	return over;
}
