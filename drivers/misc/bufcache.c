/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bufcache.c: see bufcache.h.
 *
 * A table of buffers, searched from end to end: there are few. The lock is only ever tried by the
 * shrinker, which may run in the middle of buf_read(), in its request for a page; it is not held
 * then.
 */
#include "drivers/misc/bufcache.h"

#include <quarry/mm.h>

#include "mm/spinlock.h"

static struct buf bufs[BUFCACHE_BUFS];
static struct bufcache_stats stats;
static uint64_t calls;
static struct spinlock cache;

static struct buf *find(const struct buf_source *source, uint64_t block)
{
	for (struct buf *buf = bufs; buf < bufs + BUFCACHE_BUFS; buf++)
		if (buf->source == source && buf->block == block)
			return buf;
	return NULL;
}

/* Of the buffers that no driver holds, the one not used for longest; NULL if all are held. */
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

	spin_lock(&cache);
	freed = drop(BUFCACHE_BUFS);
	spin_unlock(&cache);
	return freed;
}

static unsigned long scan(struct shrinker *shrinker, struct shrink_control *control)
{
	unsigned long freed;

	(void)shrinker;
	if (!spin_trylock(&cache))
		return SHRINK_STOP; /* another CPU uses the table */
	freed = drop(control->nr_to_scan);
	stats.shrunk += freed;
	spin_unlock(&cache);
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
		spin_unlock(&cache); /* the request may come back as a call of the shrinker */
		data = (void *)__get_free_page(GFP_KERNEL | __GFP_RECLAIMABLE | __GFP_NORETRY |
					       __GFP_NOWARN);
		spin_lock(&cache);
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
	spin_lock(&cache);
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
	spin_unlock(&cache);
	return buf;
}

void buf_release(struct buf *buf)
{
	spin_lock(&cache);
	buf->held--;
	spin_unlock(&cache);
}

void buf_forget(struct buf_source *source)
{
	spin_lock(&cache);
	for (struct buf *buf = bufs; buf < bufs + BUFCACHE_BUFS; buf++) {
		if (buf->source != source)
			continue;
		buf->source = NULL;
		buf->held = 0;
		free_page((unsigned long)buf->data);
	}
	spin_unlock(&cache);
}

void bufcache_get_stats(struct bufcache_stats *now)
{
	spin_lock(&cache);
	*now = stats;
	for (const struct buf *buf = bufs; buf < bufs + BUFCACHE_BUFS; buf++) {
		now->buffers += buf->source != NULL;
		now->held += buf->source && buf->held;
	}
	spin_unlock(&cache);
}
