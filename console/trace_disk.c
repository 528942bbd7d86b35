/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_disk.c: see trace_disk.h. A buffer is filled and written by whichever CPU has the frame that fills
 * it: it may hold the recorder's lock, with interrupts masked, so it waits for the disk itself.
 */
#include "console/trace_disk.h"

#include <quarry/port.h>
#include <string.h>

#include "console/trace_frame.h"
#include "drivers/timer/timer.h"
#include "mm/spinlock.h"

#define BUFFER_SIZE (64UL << 10)

static struct {
	struct spinlock lock; /* of all below; inside the recorder's */
	struct virtio_blk *disk;
	struct virtio_blk_owner owner;
	size_t used;	       /* bytes of the buffer */
	uint32_t number, safe; /* frames that there were; that are on the disk as a whole */
	uint32_t recording;
	uint64_t sectors;
	int error;
} out;

int trace_disk_start(struct virtio_blk *disk, void (*gone)(void))
{
	int error;

	out.owner = (struct virtio_blk_owner){.size = BUFFER_SIZE, .gone = gone};
	error = virtio_blk_claim(disk, &out.owner);
	if (error)
		return error;
	/* if the machine stops before the first buffer is written, an older recording is not this one */
	memset(out.owner.buffer, 0, SECTOR_SIZE);
	error = virtio_blk_write(disk, 0, SECTOR_SIZE);
	if (error) {
		virtio_blk_release(disk);
		return error;
	}
	out.disk = disk;
	out.used = 0;
	out.number = out.safe = 0;
	out.recording = (uint32_t)timer_now() | 1; /* unlike what the disk had before */
	out.sectors = 0;
	out.error = 0;
	return 0;
}

/* All but the last `cut` frames are in the buffer as a whole. The lock is held. */
static void write_out(uint32_t cut)
{
	size_t size = ALIGN_UP(out.used, (size_t)SECTOR_SIZE);

	memset((char *)out.owner.buffer + out.used, 0, size - out.used);
	if (!out.error && size)
		out.error = virtio_blk_write(out.disk, out.sectors, size);
	if (!out.error) { /* after an error nothing more is written */
		out.sectors += size / SECTOR_SIZE;
		out.safe = out.number - cut;
	}
	out.used = 0;
}

void trace_disk_put(unsigned int part, uint64_t arg, const void *data, size_t size)
{
	unsigned long flags = port_irq_save();
	const char *from;
	struct trace_frame frame;

	spin_lock(&out.lock);
	frame.number = out.number++;
	frame.recording = out.recording;
	size = trace_frame_make(&frame, part, arg, data, size);
	from = (const char *)&frame;
	while (size) {
		size_t room = out.owner.size - out.used, n = size < room ? size : room;

		memcpy((char *)out.owner.buffer + out.used, from, n);
		out.used += n;
		from += n;
		size -= n;
		if (out.used == out.owner.size)
			write_out(size > 0);
	}
	spin_unlock(&out.lock);
	port_irq_restore(flags);
}

void trace_disk_stop(struct trace_disk_end *end)
{
	struct virtio_blk_info info;
	unsigned long flags = port_irq_save();

	spin_lock(&out.lock);
	write_out(0);
	spin_unlock(&out.lock);
	port_irq_restore(flags);
	virtio_blk_get_info(out.disk, &info);
	virtio_blk_release(out.disk);
	if (!out.error && info.flush)
		out.error = virtio_blk_transfer(out.disk, VIRTIO_BLK_FLUSH, 0, NULL, 0);
	*end = (struct trace_disk_end){.records = out.safe,
				       .lost = out.number - out.safe,
				       .sectors = out.sectors,
				       .error = out.error};
}
