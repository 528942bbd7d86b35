/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_disk.h: frames of a recording (trace_frame.h) on a virtio disk, which is the recording's alone meanwhile.
 */
#ifndef CONSOLE_TRACE_DISK_H
#define CONSOLE_TRACE_DISK_H

#include "drivers/virtio/virtio_blk.h"

struct trace_disk_end {
	uint32_t records, lost; /* on the disk as a whole, and not */
	uint64_t sectors;
	int error; /* why the first is lost: -ERANGE the disk is full, or as virtio_blk_write() */
};

/*
 * trace_disk_start() - from the disk's first sector on. gone() is called before the disk goes, and calls
 * trace_disk_stop(). 0, or as virtio_blk_claim() and virtio_blk_write(). Context: thread on CPU 0.
 * trace_disk_put() - one more frame. Context: any. Bound: virtio_blk_write()'s, of one buffer.
 * trace_disk_stop() - what is left goes to the disk, and that is anybody's again.
 */
int trace_disk_start(struct virtio_blk *disk, void (*gone)(void));
void trace_disk_put(unsigned int part, uint64_t arg, const void *data, size_t size);
void trace_disk_stop(struct trace_disk_end *end);

#endif
