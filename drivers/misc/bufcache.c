/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bufcache.c: see bufcache.h.
 *
 * A table of buffers, searched from end to end: there are few. The lock is only ever tried by the
 * shrinker, which may run in the middle of buf_read(), in its request for a page; it is not held
 * then.
 *
 * A buffer's page is a handle's (quarry/migrate.h), pinned while a driver holds the buffer: in between it may
 * be moved for a range or by compaction.
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

/* One that is not in use, whichever block it had; NULL: all are. */
static struct buf *unused(void)
{
	for (struct buf *buf = bufs; buf < bufs + BUFCACHE_BUFS; buf++)
		if (!buf->source)
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
		mhandle_free(buf->page);
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

/* A buffer with a page, which has no block yet; or the block's own, if another CPU had it read meanwhile. The lock is held. */
static struct buf *new_buf(const struct buf_source *source, uint64_t block)
{
	struct buf *buf = unused();
	mhandle_t page = 0;

	if (buf) {
		spin_unlock(&cache); /* the request may come back as a call of the shrinker */
		page = mhandle_alloc(BUF_SIZE, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
		spin_lock(&cache);
		buf = find(source, block);
		if (!buf && page && (buf = unused())) {
			buf->page = page;
			return buf;
		}
		if (page)
			mhandle_free(page);
		if (buf)
			return buf;
	}
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
		buf = new_buf(source, block);
		if (buf && !buf->source) {
			int error = source->read(source, block, mhandle_pin(buf->page));

			mhandle_unpin(buf->page);
			if (error) {
				mhandle_free(buf->page);
				buf = NULL;
			}
		}
	}
	if (buf) {
		if (!buf->held)
			buf->data = mhandle_pin(buf->page);
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
	if (--buf->held == 0) {
		mhandle_unpin(buf->page);
		buf->data = NULL;
	}
	spin_unlock(&cache);
}

void buf_forget(struct buf_source *source)
{
	spin_lock(&cache);
	for (struct buf *buf = bufs; buf < bufs + BUFCACHE_BUFS; buf++) {
		if (buf->source != source)
			continue;
		if (buf->held)
			mhandle_unpin(buf->page);
		buf->source = NULL;
		buf->held = 0;
		mhandle_free(buf->page);
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
