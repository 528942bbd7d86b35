/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_stream.h: many sectors in order, several requests in flight, their buffers from the page
 * allocator.
 */
#ifndef CONSOLE_DISK_STREAM_H
#define CONSOLE_DISK_STREAM_H

#include "drivers/virtio/virtio_blk.h"

#define DISK_STREAM_DEPTH 8 /* requests in flight */
#define DISK_STREAM_ORDER 4 /* 64 KiB each; less where the allocator or the disk has no more */

struct disk_stream {
	struct virtio_blk *disk;
	enum virtio_blk_op op;	/* VIRTIO_BLK_READ or VIRTIO_BLK_WRITE */
	uint64_t sector, count; /* where, and how many */
	/*
	 * One piece, in the order of the disk: take what was read, or fill in what is to be
	 * written. False ends the stream with -EINTR.
	 */
	bool (*piece)(struct disk_stream *stream, uint64_t sector, void *data, size_t size);
	void *arg;
	/* set by disk_stream() */
	uint64_t done;			/* sectors finished */
	uint64_t bad_sector, bad_count; /* the request that failed */
};

/*
 * disk_stream() - move stream->count sectors. 0; -ENOMEM: not a page for a buffer; -EINTR; or the
 * error of the first request that failed. All requests are finished and all buffers freed on
 * return. Context: thread on CPU 0.
 */
int disk_stream(struct disk_stream *stream);

#endif
