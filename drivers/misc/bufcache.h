/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bufcache.h: a cache of the blocks that drivers read, each in a page; what no driver holds may move,
 * and when memory runs out, a shrinker gives it back.
 */
#ifndef DRIVERS_BUFCACHE_H
#define DRIVERS_BUFCACHE_H

#include <quarry/migrate.h>
#include <quarry/types.h>

#define BUF_SIZE      PAGE_SIZE
#define BUFCACHE_BUFS 64 /* blocks kept at most */

/* Where blocks come from. */
struct buf_source {
	/* Fill data with a block: 0 or a negative errno. Context: thread. */
	int (*read)(struct buf_source *source, uint64_t block, void *data);
};

struct buf {
	struct buf_source *source; /* NULL: not in use */
	uint64_t block;
	mhandle_t page;
	void *data;	   /* BUF_SIZE bytes, while it is held */
	unsigned int held; /* holders */
	uint64_t used;	   /* when last, counted in calls of buf_read() */
};

/*
 * buf_read() - the block, read if it is not there yet, held until buf_release(). NULL: it cannot be
 * read, or there is no memory and all buffers are held. Context: thread. Bound: 3000 and the
 * source's.
 */
struct buf *buf_read(struct buf_source *source, uint64_t block);
void buf_release(struct buf *buf);

/* Forget all of a source's blocks; none is held. Context: thread. */
void buf_forget(struct buf_source *source);

/* Forget all blocks that nobody holds. Context: thread. Returns how many. */
unsigned long bufcache_drop(void);

struct bufcache_stats {
	unsigned int buffers, held;
	uint64_t hits, misses, shrunk;
};
void bufcache_get_stats(struct bufcache_stats *stats);

#endif
