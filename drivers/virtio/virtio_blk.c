/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_blk.c: the block device of virtio 1.1, section 5.2, one queue.
 *
 * A request is a chain of a header that the device reads, the data, and a status byte that it
 * writes. Header and status of all requests lie in one page that CPU and device share; the data is
 * mapped for the time of the request. The status is set to a value no device gives before, so that
 * a chain that comes back unserved is seen.
 */
#include "drivers/virtio/virtio_blk.h"

#include <assert.h>
#include <errno.h>
#include <quarry/mm.h>
#include <quarry/port.h>
#include <string.h>

#include "drivers/timer/timer.h"
#include "drivers/virtio/virtio.h"

/* Features, section 5.2.3. */
#define F_SIZE_MAX 1
#define F_SEG_MAX  2
#define F_RO	   5
#define F_FLUSH	   9

/* The configuration, section 5.2.4. */
#define CONFIG_CAPACITY 0
#define CONFIG_SIZE_MAX 8
#define CONFIG_SEG_MAX	12

#define STATUS_OK	0
#define STATUS_IOERR	1
#define STATUS_UNSUPP	2
#define STATUS_NONE	0xff

/* Types of requests, section 5.2.6. */
static const uint32_t types[] = {
	[VIRTIO_BLK_READ] = 0,
	[VIRTIO_BLK_WRITE] = 1,
	[VIRTIO_BLK_FLUSH] = 4,
	[VIRTIO_BLK_GET_ID] = 8,
};

/* What the device sees of a request besides its data. */
struct command {
	uint32_t type, reserved;
	uint64_t sector;
	uint8_t status;
	uint8_t padding[15];
};
#define HEADER_SIZE offsetof(struct command, status)
static_assert(HEADER_SIZE == 16 && sizeof(struct command) == 32, "section 5.2.6");
static_assert(VIRTIO_BLK_MAX_REQUESTS * sizeof(struct command) <= PAGE_SIZE, "one page");

struct virtio_blk {
	struct device *dev;
	struct virtio_device *vdev;
	struct virtqueue queue;
	volatile uint64_t sectors; /* may change in an interrupt */
	bool read_only, flush;
	unsigned int max_segments;
	size_t segment_bytes;	 /* most of one */
	struct command *command; /* VIRTIO_BLK_MAX_REQUESTS of them */
	dma_addr_t command_handle;
	struct virtio_blk_request *request[VIRTIO_BLK_MAX_REQUESTS]; /* of each; NULL: free */
	unsigned int in_flight, most_in_flight;
	uint64_t requests, errors;
	struct virtio_blk_owner *owner; /* NULL: the disk is anybody's */
};

static const struct driver *blk_driver; /* of any disk there is */

/* ---- finishing ------------------------------------------------------------------------------ */

static enum dma_data_direction direction(const struct virtio_blk_request *request)
{
	return request->op == VIRTIO_BLK_WRITE ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

/* The device has let go of the request in slot n. Interrupts masked. */
static void finish(struct virtio_blk *disk, unsigned int n, int result)
{
	struct virtio_blk_request *request = disk->request[n];

	if (disk->dev->dma.lost && result)
		result = -ENOTRECOVERABLE;
	if (request->nr_sg && !disk->owner)
		dma_unmap_sg(disk->dev, request->sg, (int)request->nr_sg, direction(request));
	disk->request[n] = NULL;
	disk->in_flight--;
	disk->requests++;
	disk->errors += result != 0;
	request->result = result; /* last: it is the caller's again */
}

static int result_of(uint8_t status)
{
	if (status == STATUS_OK)
		return 0;
	return status == STATUS_UNSUPP ? -EOPNOTSUPP : -EIO;
}

/*
 * Bytes that the device has to write for the request to be served: what it reads, and the status.
 */
static uint64_t answer_size(const struct virtio_blk_request *request)
{
	uint64_t size = 1;

	for (unsigned int i = 0; request->op != VIRTIO_BLK_WRITE && i < request->nr_sg; i++)
		size += request->sg[i].dma_length;
	return size;
}

/* What the disk is done with. Interrupts masked. */
static void take_used(struct virtio_blk *disk)
{
	uint32_t written;
	void *token;
	int got;

	/* no more rounds than requests: the ring refuses what was not in flight */
	while ((got = virtqueue_get(&disk->queue, &token, &written)) == 1) {
		struct command *command = token;
		unsigned int n = (unsigned int)(command - disk->command);
		int result = result_of(*(volatile uint8_t *)&command->status);

		/* what it does not say it wrote is not what was asked for (section 2.6.8.2) */
		if (!result && !disk->queue.legacy && written < answer_size(disk->request[n]))
			result = -EIO;
		finish(disk, n, result);
	}
	if (got < 0)
		disk->vdev->broken = true; /* the thread that waits resets it */
}

static void blk_used(struct virtio_device *vdev)
{
	struct virtio_blk *disk = device_priv(vdev->dev);

	if (!disk->owner) /* who looks itself, on any CPU */
		take_used(disk);
}

/* The disk is of no use any more: reset it, then give everything back. */
static void give_up(struct virtio_blk *disk, const char *why, int result)
{
	unsigned long flags;

	disk->vdev->broken = true; /* no interrupt looks at the queue from here on */
	if (why)
		virtio_fail(disk->vdev, why);
	else
		virtio_reset(disk->vdev);
	flags = port_irq_save();
	while (virtqueue_detach(&disk->queue))
		;
	for (unsigned int n = 0; n < VIRTIO_BLK_MAX_REQUESTS; n++)
		if (disk->request[n])
			finish(disk, n, result);
	port_irq_restore(flags);
}

/* ---- starting ------------------------------------------------------------------------------- */

/* May the disk be asked this? */
static int check_request(const struct virtio_blk *disk, const struct virtio_blk_request *request)
{
	uint64_t sectors = disk->sectors;
	size_t size = 0;

	if (disk->vdev->broken)
		return -ENODEV;
	if (request->op == VIRTIO_BLK_FLUSH)
		return request->nr_sg ? -EINVAL : disk->flush ? 0 : -EOPNOTSUPP;
	if (request->nr_sg == 0 || request->nr_sg > disk->max_segments)
		return -EINVAL;
	if (request->op == VIRTIO_BLK_GET_ID)
		return request->sg[0].length == VIRTIO_BLK_SERIAL_SIZE && request->nr_sg == 1
			       ? 0
			       : -EINVAL;
	if (request->op != VIRTIO_BLK_READ && request->op != VIRTIO_BLK_WRITE)
		return -EINVAL;
	for (unsigned int i = 0; i < request->nr_sg; i++) {
		size_t length = request->sg[i].length;

		if (length == 0 || length % SECTOR_SIZE || length > disk->segment_bytes)
			return -EINVAL;
		size += length;
	}
	if (size > VIRTIO_BLK_MAX_BYTES)
		return -EINVAL;
	if (request->sector > sectors || size / SECTOR_SIZE > sectors - request->sector)
		return -ERANGE;
	return request->op == VIRTIO_BLK_WRITE && disk->read_only ? -EROFS : 0;
}

/* Fill in the command of slot n and queue its chain. Interrupts masked. */
static int enqueue(struct virtio_blk *disk, unsigned int n, struct virtio_blk_request *request)
{
	struct virtqueue_buf bufs[VIRTIO_BLK_MAX_SEGMENTS + 2];
	struct command *command = &disk->command[n];
	uint64_t handle = disk->command_handle + n * sizeof(*command);
	unsigned int count = 0, out;
	int error;

	command->type = types[request->op];
	command->reserved = 0;
	/* for reading and writing only; the device ignores it otherwise */
	command->sector = request->nr_sg ? request->sector : 0;
	command->status = STATUS_NONE;
	bufs[count++] = (struct virtqueue_buf){handle, HEADER_SIZE};
	for (unsigned int i = 0; i < request->nr_sg; i++)
		bufs[count++] = (struct virtqueue_buf){request->sg[i].dma_address,
						       (uint32_t)request->sg[i].dma_length};
	out = request->op == VIRTIO_BLK_WRITE ? count : 1;
	bufs[count++] = (struct virtqueue_buf){handle + HEADER_SIZE, 1};
	error = virtqueue_add(&disk->queue, bufs, out, count - out, command);
	if (error)
		return error;
	disk->request[n] = request;
	if (++disk->in_flight > disk->most_in_flight)
		disk->most_in_flight = disk->in_flight;
	virtio_kick(disk->vdev, &disk->queue);
	return 0;
}

int virtio_blk_submit(struct virtio_blk *disk, struct virtio_blk_request *request)
{
	int error = disk->owner ? -EBUSY : check_request(disk, request);
	unsigned long flags;
	unsigned int n = 0;

	if (error)
		return error;
	/* only threads of this CPU take slots, so a free one stays free */
	while (n < VIRTIO_BLK_MAX_REQUESTS && disk->request[n])
		n++;
	if (n == VIRTIO_BLK_MAX_REQUESTS || request->nr_sg + 2 > disk->queue.num_free)
		return -EBUSY;
	if (request->nr_sg &&
	    dma_map_sg(disk->dev, request->sg, (int)request->nr_sg, direction(request)) == 0)
		return -ENOMEM;
	request->result = -EINPROGRESS;
	request->submitted = timer_now();
	flags = port_irq_save();
	error = enqueue(disk, n, request);
	port_irq_restore(flags);
	if (error && request->nr_sg)
		dma_unmap_sg(disk->dev, request->sg, (int)request->nr_sg, direction(request));
	return error == -EIO ? -ENODEV : error;
}

struct wait {
	const struct virtio_blk *disk;
	const struct virtio_blk_request *request;
};

static bool is_over(void *arg)
{
	const struct wait *wait = arg;

	return wait->request->result != -EINPROGRESS || wait->disk->vdev->broken;
}

int virtio_blk_wait(struct virtio_blk *disk, struct virtio_blk_request *request)
{
	struct wait wait = {disk, request};
	uint64_t passed = timer_since(request->submitted);
	uint64_t left = passed < virtio_timeout_ns ? virtio_timeout_ns - passed : 0;

	if (!virtio_wait(disk->vdev, left, is_over, &wait))
		give_up(disk, "no answer in time", -ETIMEDOUT);
	else if (request->result == -EINPROGRESS)
		give_up(disk, "an answer that makes no sense", -EIO);
	return request->result;
}

void virtio_blk_put_pages(const struct virtio_blk *disk, void *pages, unsigned int order,
			  int result)
{
	if (result == -ENOTRECOVERABLE)
		dma_keep(disk->dev, 1UL << order);
	else
		free_pages((unsigned long)pages, order);
}

int virtio_blk_transfer(struct virtio_blk *disk, enum virtio_blk_op op, uint64_t sector,
			void *buffer, size_t size)
{
	struct scatterlist sg = {.addr = buffer, .length = size};
	struct virtio_blk_request request = {
		.op = op, .sector = sector, .sg = &sg, .nr_sg = size ? 1 : 0};
	int error = virtio_blk_submit(disk, &request);

	return error ? error : virtio_blk_wait(disk, &request);
}

/* ---- a disk that is one owner's ------------------------------------------------------------- */

int virtio_blk_claim(struct virtio_blk *disk, struct virtio_blk_owner *owner)
{
	if (disk->owner || disk->in_flight)
		return -EBUSY;
	if (disk->vdev->broken || disk->read_only)
		return disk->read_only ? -EROFS : -ENODEV;
	if (owner->size > disk->segment_bytes)
		owner->size = disk->segment_bytes;
	owner->buffer = dma_alloc_coherent(disk->dev, owner->size, &owner->handle, GFP_KERNEL);
	if (!owner->buffer)
		return -ENOMEM;
	disk->owner = owner;
	return 0;
}

void virtio_blk_release(struct virtio_blk *disk)
{
	struct virtio_blk_owner *owner = disk->owner;

	disk->owner = NULL;
	dma_free_coherent(disk->dev, owner->size, owner->buffer, owner->handle);
}

int virtio_blk_write(struct virtio_blk *disk, uint64_t sector, size_t size)
{
	struct scatterlist sg = {.addr = disk->owner->buffer,
				 .length = size,
				 .dma_address = disk->owner->handle,
				 .dma_length = size};
	struct virtio_blk_request request = {.op = VIRTIO_BLK_WRITE,
					     .sector = sector,
					     .sg = &sg,
					     .nr_sg = 1,
					     .result = -EINPROGRESS};
	int error = check_request(disk, &request);
	unsigned long flags;

	if (error)
		return error;
	flags = port_irq_save();
	request.submitted = timer_now();
	error = enqueue(disk, 0, &request);
	while (!error && request.result == -EINPROGRESS) {
		take_used(disk);
		if (disk->vdev->broken)
			give_up(disk, "an answer that makes no sense", -EIO);
		else if (timer_since(request.submitted) > virtio_timeout_ns)
			give_up(disk, "no answer in time", -ETIMEDOUT);
		port_relax();
	}
	port_irq_restore(flags);
	return error ? error : request.result;
}

/* ---- which disks there are ------------------------------------------------------------------ */

struct virtio_blk *virtio_blk_at(unsigned int n)
{
	for (struct device *dev = device_first(); dev; dev = dev->next)
		if (blk_driver && dev->driver == blk_driver && n-- == 0)
			return device_priv(dev);
	return NULL;
}

void virtio_blk_get_info(const struct virtio_blk *disk, struct virtio_blk_info *info)
{
	info->dev = disk->dev;
	info->sectors = disk->sectors;
	info->legacy = disk->vdev->legacy;
	info->read_only = disk->read_only;
	info->flush = disk->flush;
	info->failed = disk->vdev->broken;
	info->max_bytes = disk->segment_bytes < VIRTIO_BLK_MAX_BYTES ? disk->segment_bytes
								     : VIRTIO_BLK_MAX_BYTES;
	info->max_segments = disk->max_segments;
	info->in_flight = disk->in_flight;
	info->most_in_flight = disk->most_in_flight;
	info->requests = disk->requests;
	info->errors = disk->errors;
}

/* ---- binding -------------------------------------------------------------------------------- */

static void blk_config_changed(struct virtio_device *vdev)
{
	struct virtio_blk *disk = device_priv(vdev->dev);

	disk->sectors = virtio_config(vdev, CONFIG_CAPACITY, sizeof(uint64_t));
}

/* The limits the device states; nonsense counts as none. */
static void read_limits(struct virtio_blk *disk)
{
	const struct virtio_device *vdev = disk->vdev;
	uint64_t value;

	disk->sectors = virtio_config(vdev, CONFIG_CAPACITY, sizeof(uint64_t));
	disk->read_only = virtio_has(vdev, F_RO);
	disk->flush = virtio_has(vdev, F_FLUSH);
	disk->max_segments = VIRTIO_BLK_MAX_SEGMENTS;
	disk->segment_bytes = VIRTIO_BLK_MAX_BYTES;
	value = virtio_has(vdev, F_SEG_MAX) ? virtio_config(vdev, CONFIG_SEG_MAX, 4) : 0;
	if (value > 0 && value < disk->max_segments)
		disk->max_segments = (unsigned int)value;
	value = virtio_has(vdev, F_SIZE_MAX) ? virtio_config(vdev, CONFIG_SIZE_MAX, 4) : 0;
	if (value >= SECTOR_SIZE && value < disk->segment_bytes)
		disk->segment_bytes = (size_t)ALIGN_DOWN(value, (uint64_t)SECTOR_SIZE);
	/* a request with all its segments fits an empty queue */
	if (disk->max_segments + 2 > disk->queue.num)
		disk->max_segments = disk->queue.num - 2U;
}

static void free_all(struct virtio_blk *disk)
{
	if (disk->command)
		dma_free_coherent(disk->dev, PAGE_SIZE, disk->command, disk->command_handle);
	virtio_queue_free(disk->vdev, &disk->queue);
}

static int blk_probe(struct device *dev)
{
	struct virtio_blk *disk = device_priv(dev);
	struct virtio_device *vdev = dev->bus_data;
	int error;

	disk->dev = dev;
	disk->vdev = vdev;
	error = virtio_init(
		vdev, dev, 1ULL << F_SIZE_MAX | 1ULL << F_SEG_MAX | 1ULL << F_RO | 1ULL << F_FLUSH);
	if (error)
		return error;
	error = virtio_queue_setup(vdev, 0, &disk->queue);
	if (!error && disk->queue.num < 3)
		error = -EINVAL; /* no room for a request */
	if (!error) {
		disk->command =
			dma_alloc_coherent(dev, PAGE_SIZE, &disk->command_handle, GFP_KERNEL);
		error = disk->command ? 0 : -ENOMEM;
	}
	if (error) {
		virtio_reset(vdev);
		free_all(disk);
		return error;
	}
	read_limits(disk);
	vdev->used = blk_used;
	vdev->config_changed = blk_config_changed;
	blk_driver = dev->driver;
	virtio_driver_ok(vdev);
	return 0;
}

static void blk_remove(struct device *dev)
{
	struct virtio_blk *disk = device_priv(dev);

	if (disk->owner)
		disk->owner->gone();
	give_up(disk, NULL, -ENODEV);
	free_all(disk);
}

static const char *const blk_compatible[] = {"virtio,device2", NULL};

DRIVER(virtio_blk, "virtio-blk", DRIVER_ON_BUS, blk_compatible, blk_probe, blk_remove,
       sizeof(struct virtio_blk));
