/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_disk.h: a virtio disk, its transport, the DMA layer and the clock, made up for
 * test_virtio_blk.c, which includes the driver before this.
 *
 * Behind the DMA layer's back each buffer is held by the disk from the moment the disk is told of
 * it until it says that it is done or is reset; to unmap a buffer that is held, or is not mapped,
 * fails the test.
 */
#ifndef QUARRY_TEST_FAKE_DISK_H
#define QUARRY_TEST_FAKE_DISK_H

#define SECTORS 1000
#define NUM	64 /* descriptors of the made-up device's queue */
#define BUFFERS 40
#define LOOKS	50 /* of a wait that times out */

enum behaviour {
	SERVES,
	SILENT,
	LIES
};

/*
 * ---- the made-up disk --------------------------------------------------------------------------
 */

static struct {
	struct device *dev;
	struct virtio_device vdev;
	struct virtqueue *vq;
	struct virtqueue_slot slots[NUM];
	enum behaviour behaviour;
	uint8_t status; /* of what it serves */
	uint64_t seed, now;
	uint16_t avail; /* chains it has taken */
	uint16_t pending[NUM];
	unsigned int nr_pending;
	unsigned int resets, coherent;
	bool stubborn; /* its resets do nothing: it holds what it has, for ever */
	unsigned long kept;
	uint32_t wrote, missing; /* bytes of a chain; of these, those it does not mention */
	uint64_t offered;	 /* features */
	uint32_t seg_max, size_max;
} model;

static unsigned char memory[BUFFERS][2 * SECTOR_SIZE];
static struct {
	bool mapped; /* by the DMA layer */
	bool held;   /* the disk has it, as far as the driver can know */
} buffer[BUFFERS];

static unsigned int buffer_of(uint64_t handle)
{
	uint64_t offset = handle - (uintptr_t)memory;

	assert_true(offset < sizeof(memory));
	return (unsigned int)(offset / sizeof(memory[0]));
}

/* Do fn to each buffer of a chain; header and status are none. */
static void each_buffer(uint16_t head, void (*fn)(unsigned int n, uint16_t flags))
{
	const struct vring_desc *desc = &model.vq->desc[head];

	while (desc->flags & VRING_DESC_F_NEXT) {
		desc = &model.vq->desc[desc->next];
		if (desc->flags & VRING_DESC_F_NEXT)
			fn(buffer_of(desc->addr), desc->flags);
	}
}

static void hold(unsigned int n, uint16_t flags)
{
	(void)flags;
	assert_true(buffer[n].mapped);
	buffer[n].held = true;
}

static void let_go(unsigned int n, uint16_t flags)
{
	assert_true(buffer[n].mapped);
	if (flags & VRING_DESC_F_WRITE) {
		memset(memory[n], 0x5a, sizeof(memory[n]));
		model.wrote += sizeof(memory[n]);
	}
	buffer[n].held = false;
}

static void device_look(void)
{
	while (model.avail != model.vq->avail->idx) {
		uint16_t head = model.vq->avail->ring[model.avail++ % NUM];

		each_buffer(head, hold);
		model.pending[model.nr_pending++] = head;
	}
}

/* Say that a chain is done with. */
static void device_say(uint32_t id, uint32_t len)
{
	model.vq->used->ring[model.vq->used->idx % NUM] = (struct vring_used_elem){id, len};
	model.vq->used->idx++;
}

static void device_serve(void)
{
	unsigned int pick;
	uint16_t head;
	const struct vring_desc *desc;

	if (model.nr_pending == 0)
		return;
	pick = (unsigned int)(host_random(&model.seed) % model.nr_pending);
	head = model.pending[pick];
	model.pending[pick] = model.pending[--model.nr_pending];
	model.wrote = 1;
	each_buffer(head, let_go);
	for (desc = &model.vq->desc[head]; desc->flags & VRING_DESC_F_NEXT;)
		desc = &model.vq->desc[desc->next];
	assert_int_equal(desc->len, 1);
	if (model.status != STATUS_NONE)
		*(uint8_t *)(uintptr_t)desc->addr = model.status;
	device_say(head, model.wrote - model.missing);
}

static void device_step(void)
{
	device_look();
	if (model.behaviour == SERVES)
		device_serve();
	if (model.behaviour == LIES)
		/* an id, right or wrong, and a length that is never right */
		device_say((uint32_t)(host_random(&model.seed) % (2 * NUM)), 1U << 30);
	if (model.behaviour != SILENT && model.vdev.used && !model.vdev.broken)
		model.vdev.used(&model.vdev);
}

/*
 * ---- the transport, the DMA layer and the clock -------------------------------------------------
 */

int virtio_reset(struct virtio_device *vdev)
{
	assert_ptr_equal(vdev, &model.vdev);
	model.resets++;
	if (model.stubborn) {
		model.dev->dma.lost = true;
		return -ETIMEDOUT;
	}
	model.nr_pending = 0;
	for (unsigned int i = 0; i < BUFFERS; i++)
		buffer[i].held = false;
	return 0;
}

void virtio_fail(struct virtio_device *vdev, const char *why)
{
	assert_non_null(why);
	vdev->broken = vdev->failed = true;
	virtio_reset(vdev);
}

int virtio_init(struct virtio_device *vdev, struct device *dev, uint64_t wanted)
{
	vdev->dev = dev;
	vdev->features = wanted & model.offered;
	return 0;
}

int virtio_queue_setup(struct virtio_device *vdev, uint16_t index, struct virtqueue *vq)
{
	(void)vdev;
	assert_int_equal(index, 0);
	model.vq = vq;
	assert_int_equal(posix_memalign(&vq->ring, VIRTQUEUE_ALIGN, virtqueue_ring_size(NUM)), 0);
	memset(vq->ring, 0, virtqueue_ring_size(NUM));
	virtqueue_init(vq, NUM, vq->ring, model.slots);
	model.coherent++;
	return 0;
}

void virtio_queue_free(struct virtio_device *vdev, struct virtqueue *vq)
{
	(void)vdev;
	if (vq->ring)
		model.coherent--;
	free(vq->ring);
	vq->ring = NULL;
}

void virtio_driver_ok(struct virtio_device *vdev)
{
	(void)vdev;
}

void virtio_kick(const struct virtio_device *vdev, const struct virtqueue *vq)
{
	(void)vdev;
	(void)vq;
	device_look();
}

uint64_t virtio_config(const struct virtio_device *vdev, size_t offset, size_t size)
{
	(void)vdev;
	(void)size;
	return offset == CONFIG_CAPACITY   ? SECTORS
	       : offset == CONFIG_SIZE_MAX ? model.size_max
					   : model.seg_max;
}

uint64_t virtio_timeout_ns = 1000;

uint64_t timer_now(void)
{
	return model.now;
}

bool virtio_wait(struct virtio_device *vdev, uint64_t ns, bool (*done)(void *arg), void *arg)
{
	(void)vdev;
	(void)ns;
	for (unsigned int look = 0; look < LOOKS && !done(arg); look++) {
		device_step();
		model.now += 10;
	}
	return done(arg);
}

void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *handle, gfp_t gfp)
{
	void *page = calloc(1, size);

	(void)dev;
	(void)gfp;
	*handle = (uintptr_t)page;
	model.coherent++;
	return page;
}

static void *lost_page; /* what a stubborn disk keeps */

void dma_keep(const struct device *dev, unsigned long pages)
{
	assert_true(dev->dma.lost);
	model.kept += pages;
}

int dma_free_coherent(struct device *dev, size_t size, void *cpu, dma_addr_t handle)
{
	(void)size;
	assert_int_equal(handle, (uintptr_t)cpu);
	model.coherent--;
	free(dev->dma.lost ? NULL : cpu);
	if (dev->dma.lost)
		lost_page = cpu;
	return 0;
}

int dma_map_sg(struct device *dev, struct scatterlist *sg, int nents, enum dma_data_direction dir)
{
	(void)dev;
	(void)dir;
	for (int i = 0; i < nents; i++) {
		unsigned int n = buffer_of((uintptr_t)sg[i].addr);

		assert_false(buffer[n].mapped);
		buffer[n].mapped = true;
		sg[i].dma_address = (uintptr_t)sg[i].addr;
		sg[i].dma_length = sg[i].length;
	}
	return nents;
}

int dma_unmap_sg(struct device *dev, struct scatterlist *sg, int nents, enum dma_data_direction dir)
{
	(void)dir;
	for (int i = 0; i < nents && !dev->dma.lost; i++) {
		unsigned int n = buffer_of(sg[i].dma_address);

		assert_true(buffer[n].mapped);
		/* the rule above all */
		assert_false(buffer[n].held);
		buffer[n].mapped = false;
	}
	return 0;
}

struct device *device_first(void)
{
	return model.dev;
}

#endif
