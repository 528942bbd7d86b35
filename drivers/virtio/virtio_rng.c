/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_rng.c: the entropy device (virtio 1.1, section 5.4): it fills a buffer, not always to its
 * end.
 */
#include "drivers/virtio/virtio_rng.h"

#include <errno.h>
#include <quarry/port.h>
#include <string.h>

#include "drivers/dma/dma.h"
#include "drivers/base/driver.h"
#include "drivers/timer/timer.h"
#include "drivers/virtio/virtio.h"

struct virtio_rng {
	struct virtio_device *vdev;
	struct virtqueue queue;
	void *buffer;	   /* a page */
	dma_addr_t handle; /* of the buffer, while the device has it */
	size_t size;	   /* what it was asked for */
	volatile bool waiting;
	uint32_t written; /* valid when it no longer waits */
};

static struct virtio_rng *first_rng;

static void rng_used(struct virtio_device *vdev)
{
	struct virtio_rng *rng = device_priv(vdev->dev);
	uint32_t written;
	void *token;
	int got = virtqueue_get(&rng->queue, &token, &written);

	if (got < 0)
		vdev->broken = true; /* the thread that waits resets it */
	if (got != 1)
		return;
	rng->written = written;
	rng->waiting = false;
}

static bool is_over(void *arg)
{
	const struct virtio_rng *rng = arg;

	return !rng->waiting || rng->vdev->broken;
}

/* Have the device fill up to size bytes of the buffer. Bytes, or a negative errno. */
static int fill(struct virtio_rng *rng, size_t size)
{
	struct device *dev = rng->vdev->dev;
	struct virtqueue_buf buf = {.len = (uint32_t)size};
	unsigned long flags;
	int error = 0;

	if (rng->vdev->broken)
		return -ENODEV;
	rng->handle = dma_map_single(dev, rng->buffer, size, DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, rng->handle))
		return -ENOMEM;
	buf.addr = rng->handle;
	rng->waiting = true;
	flags = port_irq_save();
	error = virtqueue_add(&rng->queue, &buf, 0, 1, rng);
	if (!error)
		virtio_kick(rng->vdev, &rng->queue);
	port_irq_restore(flags);
	if (!error && !virtio_wait(rng->vdev, virtio_timeout_ns, is_over, rng))
		error = -ETIMEDOUT;
	else if (!error && rng->waiting)
		error = -EIO;
	if (error) { /* reset before the buffer is taken back */
		virtio_fail(rng->vdev, error == -ETIMEDOUT ? "no answer in time"
							   : "an answer that makes no sense");
		virtqueue_detach(&rng->queue);
	}
	dma_unmap_single(dev, rng->handle, size, DMA_FROM_DEVICE);
	if (error)
		return error;
	return rng->written ? (int)rng->written : -EIO;
}

int virtio_rng_read(void *data, size_t size)
{
	char *to = data;

	if (!first_rng)
		return -ENODEV;
	while (size > 0) {
		int got = fill(first_rng, size < PAGE_SIZE ? size : PAGE_SIZE);

		if (got < 0)
			return got;
		memcpy(to, first_rng->buffer, (size_t)got);
		to += got;
		size -= (size_t)got;
	}
	return 0;
}

static int rng_probe(struct device *dev)
{
	struct virtio_rng *rng = device_priv(dev);
	int error;

	rng->vdev = dev->bus_data;
	error = virtio_init(rng->vdev, dev, 0);
	if (!error) {
		rng->buffer = device_alloc(dev, 0);
		error = rng->buffer ? virtio_queue_setup(rng->vdev, 0, &rng->queue) : -ENOMEM;
	}
	if (error) {
		virtio_reset(rng->vdev);
		virtio_queue_free(rng->vdev, &rng->queue);
		return error;
	}
	rng->vdev->used = rng_used;
	if (!first_rng)
		first_rng = rng;
	virtio_driver_ok(rng->vdev);
	return 0;
}

static void rng_remove(struct device *dev)
{
	struct virtio_rng *rng = device_priv(dev);

	virtio_reset(rng->vdev);
	virtio_queue_free(rng->vdev, &rng->queue);
	if (first_rng == rng)
		first_rng = NULL;
}

static const char *const rng_compatible[] = {"virtio,device4", NULL};

DRIVER(virtio_rng, "virtio-rng", DRIVER_ON_BUS, rng_compatible, rng_probe, rng_remove,
       sizeof(struct virtio_rng));
