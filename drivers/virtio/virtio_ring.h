/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_ring.h: the split virtqueue (virtio 1.1, section 2.6): buffers go to the device through
 * the descriptor table and the available ring, and come back through the used ring.
 *
 * The three areas are memory that the device can write whenever it likes, so nothing read from them
 * is believed: which descriptors are in use, how they are chained, whose they are and how much of
 * them the device may write is in memory of the driver's own (struct virtqueue_slot). A used entry
 * that does not fit that marks the queue broken, for good. No transport, no device, no instruction
 * set in here.
 */
#ifndef DRIVERS_VIRTIO_RING_H
#define DRIVERS_VIRTIO_RING_H

#include <assert.h>
#include <quarry/types.h>

/* Fields are little endian, in the legacy interface the CPU's order; so is every CPU we run on. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fields are used as they are");

#define VIRTQUEUE_MAX_NUM      256  /* descriptors in a queue; a power of two */
#define VIRTQUEUE_ALIGN	       4096 /* of the used ring; QueueAlign of a legacy device */

#define VRING_DESC_F_NEXT      1
#define VRING_DESC_F_WRITE     2 /* the device writes it; otherwise it reads it */
#define VRING_USED_F_NO_NOTIFY 1

struct vring_desc {
	uint64_t addr; /* as the device sees it */
	uint32_t len;
	uint16_t flags, next;
};
static_assert(sizeof(struct vring_desc) == 16, "section 2.6.5");

struct vring_avail {
	uint16_t flags, idx, ring[];
};
static_assert(sizeof(struct vring_avail) == 4, "section 2.6.6");

struct vring_used_elem {
	uint32_t id, len;
};

struct vring_used {
	uint16_t flags, idx;
	struct vring_used_elem ring[];
};
static_assert(sizeof(struct vring_used) == 4 && sizeof(struct vring_used_elem) == 8,
	      "section 2.6.8");

/* What the driver knows of a descriptor. */
struct virtqueue_slot {
	void *token;	   /* whose chain it is; of a chain's first descriptor */
	uint32_t writable; /* bytes of the chain that the device may write; of the first */
	uint16_t length;   /* descriptors of the chain that starts here; 0: none does */
	uint16_t next;	   /* in the chain, or in the list of free descriptors */
};

struct virtqueue {
	uint16_t index;	    /* which of the device's queues */
	uint16_t num;	    /* descriptors */
	uint16_t num_free;  /* of these, in no chain */
	uint16_t in_flight; /* chains the device has */
	uint16_t free_head; /* valid if num_free > 0 */
	uint16_t avail_idx, last_used;
	bool legacy; /* used lengths may be wrong (section 2.6.8.3) */
	bool broken; /* a used entry made no sense; nothing is taken or given any more */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct virtqueue_slot *slot; /* num of them */
	/* the memory the three are in, for the transport */
	void *ring;
	size_t ring_size;
	uint64_t ring_handle;
	char *doorbell; /* where it is notified, if the transport has a place for each queue */
};

struct virtqueue_buf {
	uint64_t addr; /* as the device sees it */
	uint32_t len;
};

/*
 * Where the areas lie in one piece of memory, as a legacy device wants them (section 2.6.2); bytes.
 */
static inline size_t virtqueue_used_offset(uint16_t num)
{
	/* 16 bytes a descriptor; flags, idx, the ring, used_event */
	return ALIGN_UP((size_t)num * 16 + (3 + (size_t)num) * 2, (size_t)VIRTQUEUE_ALIGN);
}

static inline size_t virtqueue_ring_size(uint16_t num)
{
	return virtqueue_used_offset(num) + 3 * 2 + (size_t)num * 8;
}

/*
 * virtqueue_init() - an empty queue of num descriptors (a power of two up to VIRTQUEUE_MAX_NUM) in
 * ring, virtqueue_ring_size(num) zeroed bytes, aligned to VIRTQUEUE_ALIGN, and slot, num entries.
 * Context: thread.
 */
void virtqueue_init(struct virtqueue *vq, uint16_t num, void *ring, struct virtqueue_slot *slot);

/*
 * virtqueue_add() - offer the device one chain: `out` buffers that it reads, then `in` that it
 * writes, bufs[] in this order. token (not NULL) comes back with it. 0; -EBUSY: not that many
 * descriptors are free; -EINVAL: no buffers; -EIO: the queue is broken. Context: one caller at a
 * time, interrupts masked. Bound: linear in the buffers.
 */
int virtqueue_add(struct virtqueue *vq, const struct virtqueue_buf bufs[], unsigned int out,
		  unsigned int in, void *token);

/* virtqueue_kick_needed() - the device wants to be told of what was added. */
bool virtqueue_kick_needed(const struct virtqueue *vq);

/*
 * virtqueue_get() - take the next chain that the device has finished with: 1, *token, and *len, the
 * bytes it says it wrote, never more than the chain has. 0: none. -EIO: the entry is nonsense, the
 * queue is broken now. Context: as virtqueue_add(). Bound: linear in the chain, which is the
 * driver's own.
 */
int virtqueue_get(struct virtqueue *vq, void **token, uint32_t *len);

/*
 * virtqueue_detach() - of a device that has been reset: take back a chain it had; its token, NULL:
 * it has none.
 */
void *virtqueue_detach(struct virtqueue *vq);

#endif
