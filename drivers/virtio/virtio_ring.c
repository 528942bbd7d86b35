/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_ring.c: chains of descriptors in and out of a split virtqueue (virtio 1.1, section 2.6).
 *
 * Indices run freely through 16 bits; num is a power of two, so the position is their lower bits.
 */
#include "drivers/virtio/virtio_ring.h"

#include <errno.h>

#if defined(QUARRY_HOST)
#define io_barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#else
#include "drivers/base/io.h"
#endif

/* The device may change it any time: read it once. */
#define READ_SHARED(field)	   (*(const volatile __typeof__(field) *)&(field))
#define WRITE_SHARED(field, value) (*(volatile __typeof__(field) *)&(field) = (value))

void virtqueue_init(struct virtqueue *vq, uint16_t num, void *ring, struct virtqueue_slot *slot)
{
	char *memory = ring;

	vq->num = num;
	vq->num_free = num;
	vq->in_flight = 0;
	vq->free_head = 0;
	vq->avail_idx = vq->last_used = 0;
	vq->broken = false;
	vq->desc = ring;
	vq->avail = (void *)(memory + (size_t)num * sizeof(*vq->desc));
	vq->used = (void *)(memory + virtqueue_used_offset(num));
	vq->slot = slot;
	for (uint16_t i = 0; i < num; i++) {
		slot[i].token = NULL;
		slot[i].length = 0;
		slot[i].next = (uint16_t)(i + 1);
	}
}

int virtqueue_add(struct virtqueue *vq, const struct virtqueue_buf bufs[], unsigned int out,
		  unsigned int in, void *token)
{
	uint16_t head = vq->free_head, at = head;
	unsigned int count = out + in;
	uint64_t writable = 0;

	if (vq->broken)
		return -EIO;
	if (count == 0 || count > vq->num || !token)
		return -EINVAL;
	if (count > vq->num_free)
		return -EBUSY;
	for (unsigned int i = 0; i < count; i++) {
		struct vring_desc *desc = &vq->desc[at];
		bool last = i == count - 1;

		desc->addr = bufs[i].addr;
		desc->len = bufs[i].len;
		desc->flags = (uint16_t)((i >= out ? VRING_DESC_F_WRITE : 0) |
					 (last ? 0 : VRING_DESC_F_NEXT));
		desc->next = last ? 0 : vq->slot[at].next;
		writable += i >= out ? bufs[i].len : 0;
		at = vq->slot[at].next;
	}
	vq->free_head = at;
	vq->num_free = (uint16_t)(vq->num_free - count);
	vq->slot[head].token = token;
	vq->slot[head].writable = writable < UINT32_MAX ? (uint32_t)writable : UINT32_MAX;
	vq->slot[head].length = (uint16_t)count;
	vq->in_flight++;

	WRITE_SHARED(vq->avail->ring[vq->avail_idx & (vq->num - 1)], head);
	io_barrier(); /* the chain before the index that shows it */
	vq->avail_idx++;
	WRITE_SHARED(vq->avail->idx, vq->avail_idx);
	return 0;
}

bool virtqueue_kick_needed(const struct virtqueue *vq)
{
	io_barrier(); /* the index is out before the flag is read (2.6.10) */
	return !(READ_SHARED(vq->used->flags) & VRING_USED_F_NO_NOTIFY);
}

/* Put a chain's descriptors on the free list. The links are our own. */
static void free_chain(struct virtqueue *vq, uint16_t head)
{
	uint16_t last = head;

	for (uint16_t i = 1; i < vq->slot[head].length; i++)
		last = vq->slot[last].next;
	vq->slot[last].next = vq->free_head;
	vq->free_head = head;
	vq->num_free = (uint16_t)(vq->num_free + vq->slot[head].length);
	vq->slot[head].length = 0;
	vq->slot[head].token = NULL;
	vq->in_flight--;
}

int virtqueue_get(struct virtqueue *vq, void **token, uint32_t *len)
{
	uint16_t finished;
	const struct vring_used_elem *entry;
	uint32_t id, written;

	if (vq->broken)
		return -EIO;
	finished = (uint16_t)(READ_SHARED(vq->used->idx) - vq->last_used);
	if (finished == 0)
		return 0;
	io_barrier(); /* the index before the entries it covers */
	entry = &vq->used->ring[vq->last_used & (vq->num - 1)];
	id = READ_SHARED(entry->id);
	written = READ_SHARED(entry->len);
	if (finished > vq->in_flight || id >= vq->num || vq->slot[id].length == 0 ||
	    (written > vq->slot[id].writable && !vq->legacy)) {
		vq->broken = true;
		return -EIO;
	}
	*token = vq->slot[id].token;
	*len = written < vq->slot[id].writable ? written : vq->slot[id].writable;
	vq->last_used++;
	free_chain(vq, (uint16_t)id);
	return 1;
}

void *virtqueue_detach(struct virtqueue *vq)
{
	for (uint16_t i = 0; i < vq->num; i++)
		if (vq->slot[i].length != 0) {
			void *token = vq->slot[i].token;

			free_chain(vq, i);
			return token;
		}
	return NULL;
}
