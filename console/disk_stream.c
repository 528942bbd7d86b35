/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_stream.c: a ring of buffers, each with its request; the oldest is waited for, used, and sent
 * on its way again for the next piece.
 */
#include "console/disk_stream.h"

#include <errno.h>
#include <quarry/mm.h>

struct lane {
	void *buffer; /* NULL: no memory for it */
	struct scatterlist sg;
	struct virtio_blk_request request;
};

struct lanes {
	struct lane lane[DISK_STREAM_DEPTH];
	unsigned int order, count;
	uint64_t piece; /* sectors of a buffer */
};

/* As many buffers as there are, the largest that there are. */
static int get_buffers(struct lanes *lanes, const struct disk_stream *stream)
{
	struct virtio_blk_info info;

	virtio_blk_get_info(stream->disk, &info);
	lanes->order = DISK_STREAM_ORDER;
	while (lanes->order > 0 && PAGE_SIZE << lanes->order > info.max_bytes)
		lanes->order--;
	for (;; lanes->order--) {
		for (lanes->count = 0; lanes->count < DISK_STREAM_DEPTH; lanes->count++) {
			void *buffer = (void *)__get_free_pages(
				GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY, lanes->order);

			if (!buffer)
				break;
			lanes->lane[lanes->count].buffer = buffer;
		}
		if (lanes->count > 0 || lanes->order == 0)
			break;
	}
	lanes->piece = (PAGE_SIZE << lanes->order) / SECTOR_SIZE;
	/* a disk that takes less than a page a request */
	if (info.max_bytes / SECTOR_SIZE < lanes->piece)
		lanes->piece = info.max_bytes / SECTOR_SIZE;
	return lanes->count ? 0 : -ENOMEM;
}

static int submit(struct disk_stream *stream, struct lane *lane, uint64_t sector, uint64_t count)
{
	size_t size = (size_t)count * SECTOR_SIZE;

	if (stream->op == VIRTIO_BLK_WRITE && !stream->piece(stream, sector, lane->buffer, size))
		return -EINTR;
	lane->sg.addr = lane->buffer;
	lane->sg.length = size;
	lane->request.op = stream->op;
	lane->request.sector = sector;
	lane->request.sg = &lane->sg;
	lane->request.nr_sg = 1;
	return virtio_blk_submit(stream->disk, &lane->request);
}

/* The oldest request, and what becomes of its piece unless the stream has failed already. */
static int retire(struct disk_stream *stream, struct lane *lane, int error)
{
	uint64_t count = lane->sg.length / SECTOR_SIZE;
	int result = virtio_blk_wait(stream->disk, &lane->request);

	if (error)
		return error;
	if (result) {
		stream->bad_sector = lane->request.sector;
		stream->bad_count = count;
		return result;
	}
	if (stream->op == VIRTIO_BLK_READ &&
	    !stream->piece(stream, lane->request.sector, lane->buffer, lane->sg.length))
		return -EINTR;
	stream->done += count;
	return 0;
}

int disk_stream(struct disk_stream *stream)
{
	struct lanes lanes = {0};
	uint64_t next = 0, first = 0,
		 last = 0; /* sectors submitted; requests finished, submitted */
	int error = get_buffers(&lanes, stream);

	stream->done = 0;
	stream->bad_sector = stream->sector;
	stream->bad_count = 0;
	while (!error && next < stream->count) {
		uint64_t left = stream->count - next;
		uint64_t count = left < lanes.piece ? left : lanes.piece;

		if (last - first == lanes.count) {
			error = retire(stream, &lanes.lane[first++ % lanes.count], 0);
			continue;
		}
		error = submit(stream, &lanes.lane[last % lanes.count], stream->sector + next,
			       count);
		if (error == -EBUSY && first < last) { /* a disk that takes few at a time */
			error = retire(stream, &lanes.lane[first++ % lanes.count], 0);
			continue;
		}
		if (error) {
			stream->bad_sector = stream->sector + next;
			stream->bad_count = count;
			break;
		}
		last++;
		next += count;
	}
	while (first < last)
		error = retire(stream, &lanes.lane[first++ % lanes.count], error);
	for (unsigned int i = 0; i < lanes.count; i++)
		virtio_blk_put_pages(stream->disk, lanes.lane[i].buffer, lanes.order,
				     lanes.lane[i].request.result);
	return error;
}
