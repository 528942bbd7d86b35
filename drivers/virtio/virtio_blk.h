/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_blk.h: disks: requests of whole sectors, several in flight, finished in an interrupt.
 *
 * A request and its buffers belong to the driver from virtio_blk_submit() until its result is
 * there. A disk that does not answer in virtio_timeout_ns, or answers nonsense, is reset first;
 * then everything it had is given back with an error, and it is out of use. An error that the disk
 * reports is that request's only.
 *
 * All functions: thread context on CPU 0, unless they say otherwise.
 */
#ifndef DRIVERS_VIRTIO_BLK_H
#define DRIVERS_VIRTIO_BLK_H

#include "drivers/dma/dma.h"
#include "drivers/base/driver.h"

#define SECTOR_SIZE		512 /* the unit of the interface, whatever the disk's own is */
#define VIRTIO_BLK_MAX_REQUESTS 32  /* in flight */
#define VIRTIO_BLK_MAX_SEGMENTS 16  /* pieces of memory of one request */
#define VIRTIO_BLK_MAX_BYTES	((size_t)1 << 20)
#define VIRTIO_BLK_SERIAL_SIZE	20

struct virtio_blk;

enum virtio_blk_op {
	VIRTIO_BLK_READ,
	VIRTIO_BLK_WRITE,
	VIRTIO_BLK_FLUSH,  /* what was written is on the disk; no memory */
	VIRTIO_BLK_GET_ID, /* the serial, VIRTIO_BLK_SERIAL_SIZE bytes, not always terminated */
};

struct virtio_blk_request {
	enum virtio_blk_op op;
	uint64_t sector;
	struct scatterlist *sg; /* each a multiple of SECTOR_SIZE, but for GET_ID */
	unsigned int nr_sg;
	/*
	 * -EINPROGRESS; then 0, -EIO, -EOPNOTSUPP, -ETIMEDOUT (the disk is dead), -ENODEV (it was
	 * removed), -ENOTRECOVERABLE (it is dead, and did not even confirm its reset: it may still
	 * write to the memory, which stays the disk's for good; see dma_keep())
	 */
	volatile int result;
	uint64_t submitted; /* timer_now() */
};

struct virtio_blk_info {
	const struct device *dev;
	uint64_t sectors;
	bool legacy, read_only, flush, failed;
	size_t max_bytes; /* of a request */
	unsigned int max_segments;
	unsigned int in_flight, most_in_flight;
	uint64_t requests, errors; /* finished; of these, not with 0 */
};

/* The n-th disk in the order of binding, NULL past the last; valid until it is removed. */
struct virtio_blk *virtio_blk_at(unsigned int n);
void virtio_blk_get_info(const struct virtio_blk *disk, struct virtio_blk_info *info);

/*
 * virtio_blk_submit() - start a request. 0; -EBUSY: as many as it takes are in flight; -ERANGE:
 * beyond the disk's end; -EROFS; -EOPNOTSUPP: it knows no flush; -EINVAL: sizes or number of the
 * segments; -ENOMEM: no way for the device to reach the memory; -ENODEV: the disk is out of use.
 * Nothing is started then.
 */
int virtio_blk_submit(struct virtio_blk *disk, struct virtio_blk_request *request);

/*
 * virtio_blk_wait() - until the request is finished, the CPU idle meanwhile; its result. Bound:
 * virtio_timeout_ns since it was submitted, and the time of a reset.
 */
int virtio_blk_wait(struct virtio_blk *disk, struct virtio_blk_request *request);

/*
 * virtio_blk_put_pages() - give back 2^order pages that a request had, whose result this is: after
 * -ENOTRECOVERABLE they are kept and counted, not given back.
 */
void virtio_blk_put_pages(const struct virtio_blk *disk, void *pages, unsigned int order,
			  int result);

/*
 * virtio_blk_transfer() - a request on one piece of memory, from start to end; a submit's or a
 * wait's error.
 */
int virtio_blk_transfer(struct virtio_blk *disk, enum virtio_blk_op op, uint64_t sector,
			void *buffer, size_t size);

/*
 * A disk that is one owner's, for what is written where nothing may wait for an interrupt. Requests of
 * others are refused with -EBUSY meanwhile.
 *
 * virtio_blk_claim() - take it, with a buffer of owner->size bytes (less where a request of it takes
 * less; set to what there is). 0; -EBUSY: requests are in flight, or it has an owner; -EROFS; -ENODEV;
 * -ENOMEM. owner->gone() is called before the disk goes, and releases it.
 * virtio_blk_release() - and give the buffer back.
 */
struct virtio_blk_owner {
	void *buffer;
	size_t size;
	dma_addr_t handle;
	void (*gone)(void);
};
int virtio_blk_claim(struct virtio_blk *disk, struct virtio_blk_owner *owner);
void virtio_blk_release(struct virtio_blk *disk);

/*
 * virtio_blk_write() - the buffer's first `size` bytes, from start to end: as virtio_blk_transfer().
 * Context: any CPU, any; one caller at a time. Bound: virtio_timeout_ns, and the time of a reset.
 */
int virtio_blk_write(struct virtio_blk *disk, uint64_t sector, size_t size);

#endif
