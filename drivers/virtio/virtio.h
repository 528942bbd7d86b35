/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.h: what a virtio device's driver asks of its transport (virtio 1.1), whatever that is:
 * registers in memory (4.2, virtio_mmio.c) or a PCI function (4.1, virtio_pci.c).
 *
 * The transport finds a device and creates a struct device for it, compatible "virtio,device<id in
 * hexadecimal>" (devicetree binding virtio/virtio-device), with a struct virtio_device as its
 * bus_data. That device's driver calls, in its probe and in this order: virtio_init(),
 * virtio_queue_setup(), virtio_driver_ok(). Before the device's memory is given back the transport
 * has reset it, whatever the driver did.
 *
 * All functions: thread context, on CPU 0, which takes the interrupts, unless they say otherwise.
 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include "drivers/base/driver.h"
#include "drivers/virtio/virtio_ring.h"
#include "boot/dt/of.h"

#define VIRTIO_ID_BLOCK	  2
#define VIRTIO_ID_ENTROPY 4

/* Bits of the device's status (2.1). */
#define VIRTIO_STATUS_ACKNOWLEDGE 1
#define VIRTIO_STATUS_DRIVER	  2
#define VIRTIO_STATUS_DRIVER_OK	  4
#define VIRTIO_STATUS_FEATURES_OK 8
#define VIRTIO_STATUS_NEEDS_RESET 64
#define VIRTIO_STATUS_FAILED	  128

/* Bits of an interrupt's reason (4.1.4.5, 4.2.2). */
#define VIRTIO_INTERRUPT_USED	1
#define VIRTIO_INTERRUPT_CONFIG 2

struct virtio_device;

/* What a transport does with its registers; virtio.c does the rest. */
struct virtio_transport {
	uint32_t (*get_status)(const struct virtio_device *vdev);
	void (*set_status)(const struct virtio_device *vdev, uint32_t status);
	uint64_t (*get_features)(const struct virtio_device *vdev);
	void (*set_features)(const struct virtio_device *vdev, uint64_t features);
	/* Select the queue; the descriptors it may have, 0: no such queue; -EBUSY: it is in use. */
	int (*queue_max)(const struct virtio_device *vdev, uint16_t index);
	/* Tell the device where the selected queue is: 0, or -EIO: it does not take it. */
	int (*queue_enable)(const struct virtio_device *vdev, struct virtqueue *vq);
	void (*notify)(const struct virtio_device *vdev, const struct virtqueue *vq);
	/* Changes when the configuration does. */
	uint32_t (*generation)(const struct virtio_device *vdev);
	/* The CPU's address of the configuration's byte at this offset. */
	const char *(*config)(const struct virtio_device *vdev, size_t offset);
	/* Take an interrupt's reason, which ends it; 0: none. Where there is no interrupt. */
	uint32_t (*poll)(const struct virtio_device *vdev);
};

struct virtio_device {
	const struct virtio_transport *transport;
	struct device *dev; /* set by virtio_init(), until it goes */
	bool legacy;	    /* the interface before virtio 1.0 */
	bool polled;	    /* it has no interrupt: virtio_wait() looks */
	/*
	 * The device did not answer, or answered nonsense: no queue of it is used any more. Set in
	 * an interrupt too; the thread that waits then calls virtio_fail().
	 */
	volatile bool broken;
	bool failed;	   /* virtio_fail() has reset it */
	uint64_t features; /* negotiated; bit numbers are the specification's */

	/*
	 * The driver's, called in an interrupt: buffers may have been used; the configuration has
	 * changed.
	 */
	void (*used)(struct virtio_device *vdev);
	void (*config_changed)(struct virtio_device *vdev);

	/* The transport's. */
	char *base;
	size_t config_size;
	struct of_irq irq;
	uint64_t spurious; /* interrupts without a reason */
	uint32_t stuck;	   /* interrupts in a row that acknowledging did not end */
	char compatible[sizeof("virtio,device12345678")];
};
static inline bool virtio_has(const struct virtio_device *vdev, unsigned int feature)
{
	return (vdev->features >> feature & 1) != 0;
}

/*
 * virtio_init() - reset the device, take it for dev, negotiate the features of `wanted` that it
 * offers, and set dev's DMA mask. 0; -EIO: it does not reset, or takes no agreement; -EINVAL: a
 * modern device without VIRTIO_F_VERSION_1.
 */
int virtio_init(struct virtio_device *vdev, struct device *dev, uint64_t wanted);

/*
 * virtio_queue_setup() - give the device a queue of at most VIRTQUEUE_MAX_NUM descriptors, its
 * memory from the allocator. 0; -ENOENT: it has no such queue; -EBUSY: the queue is in use after a
 * reset; -EIO: it does not take it; -ENOMEM. virtio_queue_free(): give that back, of a device that has been reset.
 */
int virtio_queue_setup(struct virtio_device *vdev, uint16_t index, struct virtqueue *vq);
void virtio_queue_free(struct virtio_device *vdev, struct virtqueue *vq);

/* virtio_driver_ok() - the driver is ready: the device may use its queues and interrupt. */
void virtio_driver_ok(struct virtio_device *vdev);

/* virtio_kick() - tell the device that the queue has more, if it wants to know. Any context. */
void virtio_kick(const struct virtio_device *vdev, const struct virtqueue *vq);

/*
 * virtio_config() - size bytes (1, 2, 4 or 8) of the device's configuration at offset, all of the
 * same time. 0 beyond its end. Any context.
 */
uint64_t virtio_config(const struct virtio_device *vdev, size_t offset, size_t size);

/*
 * virtio_reset() - stop the device: on return it touches no memory and interrupts no more. 0, or
 * -ETIMEDOUT after one line of log if it does not say so within VIRTIO_RESET_MS: its memory is lost
 * to it then (dma_device_lost()).
 */
#define VIRTIO_RESET_MS 1000
int virtio_reset(struct virtio_device *vdev);

/*
 * An interrupt that is still asked for after this many were acknowledged, one after the other, is
 * cut off, and the device is broken.
 */
#define VIRTIO_IRQ_STUCK 1000

/* virtio_fail() - reset it and take it out of use for good, after one line of log that says why. */
void virtio_fail(struct virtio_device *vdev, const char *why);

/*
 * virtio_wait() - timer_wait() for done(arg), which what the device has used makes true: where it
 * has no interrupt, it is looked at each VIRTIO_POLL_NS meanwhile.
 */
#define VIRTIO_POLL_NS 50000
bool virtio_wait(struct virtio_device *vdev, uint64_t ns, bool (*done)(void *arg), void *arg);

/* For transports: what a device asked for by an interrupt with this reason. Interrupts masked. */
void virtio_handle(struct virtio_device *vdev, uint32_t reason);

/* For transports: the struct device's quiesce(), see device_create(). */
void virtio_quiesce(struct device *dev);

/* How long a device may take over a request before it counts as dead, ns; the console sets it. */
extern uint64_t virtio_timeout_ns;

#endif
