/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suite_bufcache.c: a disk is read through the buffer cache while other CPUs compact memory and take
 * ranges where its buffers lie. Each block is looked at when it has been in the cache for a while.
 */
#include "ktap.h"

#include <stdio.h>

#include <quarry/mm.h>

#include "boot/cpu/smp.h"
#include "console/sha256.h"
#include "drivers/misc/bufcache.h"
#include "drivers/virtio/virtio_blk.h"

#define BLOCKS	    256 /* that are read: 1 MiB */
#define WHILE	    48	/* blocks of the cache that are younger than the one looked at */
#define PASSES	    100 /* at most, until a range was had: on a loaded machine a CPU may rest for long */
#define BLK_SECTORS (BUF_SIZE / SECTOR_SIZE)

static struct virtio_blk *disk;
static bool stop;
static pfn_t place; /* of a buffer, a moment ago */
static unsigned long ranges;

static int read_block(struct buf_source *source, uint64_t block, void *data)
{
	(void)source;
	return virtio_blk_transfer(disk, VIRTIO_BLK_READ, block * BLK_SECTORS, data, BUF_SIZE);
}

static struct buf_source source = {.read = read_block};

static void compacts(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		compact_memory();
}

/* What it has had is overwritten: a buffer that were still there would show it. */
static void takes_ranges(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		pfn_t first = ALIGN_DOWN(__atomic_load_n(&place, __ATOMIC_RELAXED), 64);

		if (alloc_contig_range(first, first + 64, MIGRATE_MOVABLE,
				       GFP_KERNEL | __GFP_NOWARN | __GFP_ZERO) != 0)
			continue;
		__atomic_fetch_add(&ranges, 1, __ATOMIC_RELAXED);
		free_contig_range(first, 64);
	}
}

static bool read_disk(struct sha256 *sha)
{
	for (uint64_t n = 0; n < BLOCKS + WHILE; n++) {
		struct buf *buf = n < BLOCKS ? buf_read(&source, n) : NULL;

		if (n < BLOCKS && !EXPECT(buf))
			return false;
		if (buf) {
			__atomic_store_n(&place, page_to_pfn(virt_to_page(buf->data)),
					 __ATOMIC_RELAXED);
			buf_release(buf);
		}
		if (n < WHILE)
			continue;
		buf = buf_read(&source, n - WHILE);
		if (!EXPECT(buf))
			return false;
		sha256_update(sha, buf->data, BUF_SIZE);
		buf_release(buf);
	}
	return true;
}

static void moving(void)
{
	struct mm_migrate_stats before, after;
	char text[2 * SHA256_SIZE + 1];
	uint8_t digest[SHA256_SIZE];
	struct sha256 sha;

	disk = virtio_blk_at(0);
	if (!disk || smp_nr_cpus() < 3 || !smp_online(1) || !smp_online(2)) {
		test_skip("no disk, or no three CPUs");
		return;
	}
	test_blocks_move(); /* what moved lies elsewhere */
	stop = false;
	ranges = 0;
	mm_migrate_stats(&before);
	place = 0; /* nowhere yet */
	EXPECT_EQ(0, smp_call(1, compacts, NULL));
	EXPECT_EQ(0, smp_call(2, takes_ranges, NULL));
	for (int pass = 0; pass < PASSES; pass++) {
		sha256_init(&sha);
		if (!read_disk(&sha))
			break;
		mm_migrate_stats(&after);
		if (__atomic_load_n(&ranges, __ATOMIC_RELAXED) > 0 && after.moved > before.moved)
			break;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	smp_wait(1);
	smp_wait(2);
	buf_forget(&source);
	mm_migrate_stats(&after);
	sha256_final(&sha, digest);
	for (int i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	test_note("sha256 %s", text);
	EXPECT(after.moved > before.moved);
	EXPECT(ranges > 0);
	EXPECT_EQ(0, mm_check());
}

TEST_CASE(bufcache, moving, moving);
