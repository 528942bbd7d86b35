/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bufcache.c: see bufcache.h.
 *
 * A table of buffers, searched from end to end: there are few. The lock is only ever tried by the shrinker, which may run
 * in the middle of buf_read(), in its request for a page; it is not held then.
 */
#include "drivers/bufcache.h"

#include <quarry/mm.h>
#include <quarry/port.h>
#include <stdatomic.h>

static struct buf bufs[BUFCACHE_BUFS];
static struct bufcache_stats stats;
static uint64_t calls;
static atomic_flag busy = ATOMIC_FLAG_INIT;

static void lock(void)
{
	/* Acquire: the last holder's changes are seen. */
	while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
		port_relax();
}

static void unlock(void)
{
	atomic_flag_clear_explicit(&busy, memory_order_release);
}

static struct buf *find(const struct buf_source *source, uint64_t block)
{
	for (struct buf *buf = bufs; buf < bufs + BUFCACHE_BUFS; buf++)
		if (buf->source == source && buf->block == block)
			return buf;
	return NULL;
}

/* The buffer that was not used for longest and nobody holds, NULL if all are held. */
static struct buf *oldest(void)
{
	struct buf *best = NULL;

	for (struct buf *buf = bufs; buf < bufs + BUFCACHE_BUFS; buf++)
		if (buf->source && !buf->held && (!best || buf->used < best->used))
			best = buf;
	return best;
}

/* ---- the shrinker --------------------------------------------------------------------------- */

static unsigned long count(struct shrinker *shrinker, struct shrink_control *control)
{
	unsigned long idle = 0;

	(void)shrinker;
	(void)control;
	for (const struct buf *buf = bufs; buf < bufs + BUFCACHE_BUFS; buf++)
		idle += buf->source && !buf->held;
	return idle ? idle : SHRINK_EMPTY;
}

/* The lock is held. */
static unsigned long drop(unsigned long most)
{
	unsigned long freed = 0;
	struct buf *buf;

	while (freed < most && (buf = oldest())) {
		buf->source = NULL;
		free_page((unsigned long)buf->data);
		freed++;
	}
	return freed;
}

unsigned long bufcache_drop(void)
{
	unsigned long freed;

	lock();
	freed = drop(BUFCACHE_BUFS);
	unlock();
	return freed;
}

static unsigned long scan(struct shrinker *shrinker, struct shrink_control *control)
{
	unsigned long freed;

	(void)shrinker;
	if (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
		return SHRINK_STOP; /* another CPU is at it */
	freed = drop(control->nr_to_scan);
	stats.shrunk += freed;
	unlock();
	return freed ? freed : SHRINK_STOP;
}

static struct shrinker shrinker = {
	.count_objects = count,
	.scan_objects = scan,
	.name = "bufcache",
};

/* ---- buffers -------------------------------------------------------------------------------- */

/* A buffer with a page for a new block, not to be found yet. The lock is held. */
static struct buf *new_buf(void)
{
	struct buf *buf = find(NULL, 0);
	void *data = NULL;

	if (buf) {
		unlock(); /* the request may come back as a call of the shrinker */
		data = (void *)__get_free_page(GFP_KERNEL | __GFP_RECLAIMABLE | __GFP_NORETRY |
					       __GFP_NOWARN);
		lock();
		buf = find(NULL, 0);
	}
	if (data && buf) {
		buf->data = data;
		return buf;
	}
	free_page((unsigned long)data);
	buf = oldest();
	if (buf)
		buf->source = NULL;
	return buf;
}

struct buf *buf_read(struct buf_source *source, uint64_t block)
{
	struct buf *buf;

	register_shrinker(&shrinker); /* the first time; refused from then on */
	lock();
	buf = find(source, block);
	if (buf) {
		stats.hits++;
	} else {
		stats.misses++;
		buf = new_buf();
		if (buf && source->read(source, block, buf->data) != 0) {
			free_page((unsigned long)buf->data);
			buf = NULL;
		}
	}
	if (buf) {
		buf->source = source;
		buf->block = block;
		buf->held++;
		buf->used = ++calls;
	}
	unlock();
	return buf;
}

void buf_release(struct buf *buf)
{
	lock();
	buf->held--;
	unlock();
}

void buf_forget(struct buf_source *source)
{
	lock();
	for (struct buf *buf = bufs; buf < bufs + BUFCACHE_BUFS; buf++) {
		if (buf->source != source)
			continue;
		buf->source = NULL;
		buf->held = 0;
		free_page((unsigned long)buf->data);
	}
	unlock();
}

void bufcache_get_stats(struct bufcache_stats *now)
{
	lock();
	*now = stats;
	for (const struct buf *buf = bufs; buf < bufs + BUFCACHE_BUFS; buf++) {
		now->buffers += buf->source != NULL;
		now->held += buf->source && buf->held;
	}
	unlock();
}
