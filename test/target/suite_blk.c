/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suite_blk.c: the first disk, and the source of random numbers.
 *
 * No case writes to a disk that may hold anything: those that write want one whose serial is
 * `scratch`, and are skipped without. Failing devices are in test/harness/test_blk.py, a lying one
 * in test/host/drivers/test_virtio_ring.c.
 */
#include "ktap.h"
#include "pool.h"

#include <errno.h>
#include <quarry/port.h>
#include <string.h>

#include "drivers/virtio/virtio_blk.h"
#include "drivers/virtio/virtio_rng.h"

#define PIECE_ORDER 4
#define PIECE_SIZE  (PAGE_SIZE << PIECE_ORDER)

/*
 * ---- what the cases share ----------------------------------------------------------------------
 */

static struct virtio_blk *disk;
static struct virtio_blk_info info; /* when the case began */

/* The disk, if it has at least these sectors. */
static bool have_disk(uint64_t sectors)
{
	disk = virtio_blk_at(0);
	if (!disk) {
		test_skip("no disk");
		return false;
	}
	virtio_blk_get_info(disk, &info);
	if (info.sectors < sectors) {
		test_skip("the disk is too small");
		return false;
	}
	return EXPECT(!info.failed) && EXPECT_EQ(0, info.in_flight);
}

static bool have_scratch_disk(uint64_t sectors)
{
	char serial[VIRTIO_BLK_SERIAL_SIZE + 1] = "";
	void *page;

	if (!have_disk(sectors))
		return false;
	page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!EXPECT(page != NULL))
		return false;
	if (virtio_blk_transfer(disk, VIRTIO_BLK_GET_ID, 0, page, VIRTIO_BLK_SERIAL_SIZE) == 0)
		memcpy(serial, page, VIRTIO_BLK_SERIAL_SIZE);
	free_page((unsigned long)page);
	if (strcmp(serial, "scratch") == 0 && !info.read_only)
		return true;
	test_skip("the disk's serial is not 'scratch', or it is read-only");
	return false;
}

/*
 * After a case: nothing is in flight, and so many requests more have ended, so many of them badly.
 */
static void expect_counts(uint64_t requests, uint64_t errors)
{
	struct virtio_blk_info now;

	virtio_blk_get_info(disk, &now);
	EXPECT_EQ(0, now.in_flight);
	EXPECT_EQ(info.requests + requests, now.requests);
	EXPECT_EQ(info.errors + errors, now.errors);
	EXPECT(!now.failed);
}

/* One piece of memory and the request that moves it. */
struct move {
	char *buffer;
	struct scatterlist sg;
	struct virtio_blk_request request;
};

static bool move_begin(struct move *move, unsigned int order)
{
	memset(move, 0, sizeof(*move));
	move->buffer = (char *)__get_free_pages(GFP_KERNEL, order);
	if (!EXPECT(move->buffer != NULL))
		return false;
	memset(move->buffer, 0xa5, PAGE_SIZE << order);
	return true;
}

static int move_submit(struct move *move, enum virtio_blk_op op, uint64_t sector, size_t size)
{
	move->sg.addr = move->buffer;
	move->sg.length = size;
	move->request = (struct virtio_blk_request){
		.op = op, .sector = sector, .sg = &move->sg, .nr_sg = 1};
	return virtio_blk_submit(disk, &move->request);
}

static void move_end(struct move *move, unsigned int order)
{
	free_pages((unsigned long)move->buffer, order);
}

/*
 * ---- reading -----------------------------------------------------------------------------------
 */

/* Sector by sector is the same as all at once, and no byte beyond what was asked for is written. */
static void sectors(void)
{
	unsigned long beyond = 0;
	struct move whole, part;

	if (!have_disk(PAGE_SIZE / SECTOR_SIZE))
		return;
	if (!move_begin(&whole, 0))
		return;
	if (move_begin(&part, 0)) {
		EXPECT_EQ(0,
			  virtio_blk_transfer(disk, VIRTIO_BLK_READ, 0, whole.buffer, PAGE_SIZE));
		for (uint64_t i = 0; i < PAGE_SIZE / SECTOR_SIZE; i++) {
			memset(part.buffer, 0xa5, PAGE_SIZE);
			EXPECT_EQ(0, virtio_blk_transfer(disk, VIRTIO_BLK_READ, i,
							 part.buffer + SECTOR_SIZE, SECTOR_SIZE));
			EXPECT_EQ(0, memcmp(part.buffer + SECTOR_SIZE,
					    whole.buffer + i * SECTOR_SIZE, SECTOR_SIZE));
			for (size_t at = 0; at < PAGE_SIZE; at++)
				beyond += at / SECTOR_SIZE != 1 && part.buffer[at] != (char)0xa5;
			EXPECT_EQ(0, beyond);
		}
		move_end(&part, 0);
	}
	move_end(&whole, 0);
	expect_counts(1 + PAGE_SIZE / SECTOR_SIZE, 0);
}

/*
 * As many requests as the driver takes, while none can end, and one too many; waited for from the
 * last to the first. Each brings its own sectors.
 */
static void in_flight(void)
{
	static struct move move[VIRTIO_BLK_MAX_REQUESTS + 1];
	const uint64_t count = PAGE_SIZE / SECTOR_SIZE;
	unsigned int buffers = 0, started = 0;
	struct virtio_blk_info now;
	unsigned long flags;
	struct move check;
	int error = 0;

	if (!have_disk(8 * count))
		return;
	while (buffers <= VIRTIO_BLK_MAX_REQUESTS && move_begin(&move[buffers], 0))
		buffers++;
	flags = port_irq_save();
	while (!error && started < buffers) {
		error = move_submit(&move[started], VIRTIO_BLK_READ, started % 8 * count,
				    PAGE_SIZE);
		started += !error;
	}
	virtio_blk_get_info(disk, &now);
	port_irq_restore(flags);
	EXPECT_EQ(EBUSY, -error);
	EXPECT_EQ(VIRTIO_BLK_MAX_REQUESTS, started);
	EXPECT_EQ(VIRTIO_BLK_MAX_REQUESTS, now.in_flight);
	for (unsigned int i = started; i-- > 0;)
		EXPECT_EQ(0, virtio_blk_wait(disk, &move[i].request));
	expect_counts(started, 0);
	if (move_begin(&check, 0)) {
		for (unsigned int i = 0; i < started; i++) {
			EXPECT_EQ(0, virtio_blk_transfer(disk, VIRTIO_BLK_READ, i % 8 * count,
							 check.buffer, PAGE_SIZE));
			EXPECT_EQ(0, memcmp(check.buffer, move[i].buffer, PAGE_SIZE));
		}
		move_end(&check, 0);
	}
	while (buffers-- > 0)
		move_end(&move[buffers], 0);
}

/* One request into pages from everywhere, in an order of its own. */
static void scatter(void)
{
	struct virtio_blk_request request = {.op = VIRTIO_BLK_READ, .sector = 8};
	struct scatterlist sg[VIRTIO_BLK_MAX_SEGMENTS];
	struct page *page[2 * VIRTIO_BLK_MAX_SEGMENTS];
	unsigned int nr_sg;
	struct move whole;

	if (!have_disk(8 + VIRTIO_BLK_MAX_SEGMENTS * PAGE_SIZE / SECTOR_SIZE))
		return;
	nr_sg = info.max_segments;
	if (!EXPECT_EQ(2 * nr_sg, alloc_pages_bulk(GFP_KERNEL, 2 * nr_sg, page)))
		return;
	/* every second page, backwards: no two lie side by side */
	for (unsigned int i = 0; i < nr_sg; i++) {
		sg[i].addr = page_address(page[2 * (nr_sg - 1 - i)]);
		sg[i].length = PAGE_SIZE;
	}
	request.sg = sg;
	request.nr_sg = nr_sg;
	EXPECT_EQ(0, virtio_blk_submit(disk, &request));
	EXPECT_EQ(0, virtio_blk_wait(disk, &request));
	if (move_begin(&whole, PIECE_ORDER)) {
		EXPECT_EQ(0, virtio_blk_transfer(disk, VIRTIO_BLK_READ, 8, whole.buffer,
						 nr_sg * PAGE_SIZE));
		for (unsigned int i = 0; i < nr_sg; i++)
			EXPECT_EQ(0, memcmp(sg[i].addr, whole.buffer + i * PAGE_SIZE, PAGE_SIZE));
		move_end(&whole, PIECE_ORDER);
	}
	for (unsigned int i = 0; i < 2 * nr_sg; i++)
		__free_page(page[i]);
	expect_counts(2, 0);
}

/*
 * ---- refusals ----------------------------------------------------------------------------------
 */

/* What the driver refuses never reaches the disk, and the first and last sector can be had. */
static void refused(void)
{
	struct virtio_blk_request request = {.op = VIRTIO_BLK_READ};
	struct move move;

	if (!have_disk(PIECE_SIZE / SECTOR_SIZE))
		return;
	if (!move_begin(&move, PIECE_ORDER))
		return;
	EXPECT_EQ(ERANGE, -move_submit(&move, VIRTIO_BLK_READ, info.sectors, SECTOR_SIZE));
	EXPECT_EQ(ERANGE, -move_submit(&move, VIRTIO_BLK_READ, info.sectors + 1, SECTOR_SIZE));
	EXPECT_EQ(ERANGE, -move_submit(&move, VIRTIO_BLK_READ, info.sectors - 1, 2 * SECTOR_SIZE));
	EXPECT_EQ(ERANGE, -move_submit(&move, VIRTIO_BLK_READ, UINT64_MAX, SECTOR_SIZE));
	EXPECT_EQ(ERANGE, -move_submit(&move, VIRTIO_BLK_READ, UINT64_MAX - 6, 8 * SECTOR_SIZE));
	EXPECT_EQ(EINVAL, -move_submit(&move, VIRTIO_BLK_READ, 0, 0));
	EXPECT_EQ(EINVAL, -move_submit(&move, VIRTIO_BLK_READ, 0, SECTOR_SIZE - 1));
	EXPECT_EQ(EINVAL, -move_submit(&move, VIRTIO_BLK_READ, 0, info.max_bytes + SECTOR_SIZE));
	EXPECT_EQ(EINVAL, -move_submit(&move, (enum virtio_blk_op)17, 0, SECTOR_SIZE));
	EXPECT_EQ(EINVAL, -move_submit(&move, VIRTIO_BLK_GET_ID, 0, SECTOR_SIZE));
	EXPECT_EQ(EINVAL, -virtio_blk_submit(disk, &request));
	request.sg = &move.sg;
	request.nr_sg = info.max_segments + 1;
	EXPECT_EQ(EINVAL, -virtio_blk_submit(disk, &request));
	if (info.read_only)
		EXPECT_EQ(EROFS, -move_submit(&move, VIRTIO_BLK_WRITE, 0, SECTOR_SIZE));
	expect_counts(0, 0);
	EXPECT_EQ(0, virtio_blk_transfer(disk, VIRTIO_BLK_READ, 0, move.buffer, SECTOR_SIZE));
	EXPECT_EQ(0, virtio_blk_transfer(disk, VIRTIO_BLK_READ, info.sectors - 1, move.buffer,
					 SECTOR_SIZE));
	expect_counts(2, 0);
	move_end(&move, PIECE_ORDER);
}

/*
 * ---- writing -----------------------------------------------------------------------------------
 */

/* Random bytes to random places, several requests at once, and back. */
static void write_and_read(void)
{
	struct prng prng = {PRNG_SEED};
	const unsigned int count = 8;
	struct move move[8], back;
	uint64_t sector[8], requests = 1; /* the serial */
	unsigned int i;

	if (!have_scratch_disk(count * 256))
		return;
	if (!move_begin(&back, PIECE_ORDER))
		return;
	for (i = 0; i < count; i++) {
		if (!move_begin(&move[i], PIECE_ORDER))
			break;
		for (size_t at = 0; at < PIECE_SIZE; at += sizeof(uint64_t))
			*(uint64_t *)(void *)(move[i].buffer + at) = prng_next(&prng);
		/* no two overlap */
		sector[i] = info.sectors / count * i + prng_next(&prng) % 128;
		EXPECT_EQ(0, move_submit(&move[i], VIRTIO_BLK_WRITE, sector[i], PIECE_SIZE));
		requests++;
	}
	EXPECT_EQ(count, i);
	for (unsigned int n = 0; n < i; n++)
		EXPECT_EQ(0, virtio_blk_wait(disk, &move[n].request));
	if (info.flush) {
		EXPECT_EQ(0, virtio_blk_transfer(disk, VIRTIO_BLK_FLUSH, 0, NULL, 0));
		requests++;
	}
	while (i-- > 0) {
		EXPECT_EQ(0, virtio_blk_transfer(disk, VIRTIO_BLK_READ, sector[i], back.buffer,
						 PIECE_SIZE));
		EXPECT_EQ(0, memcmp(back.buffer, move[i].buffer, PIECE_SIZE));
		move_end(&move[i], PIECE_ORDER);
		requests++;
	}
	move_end(&back, PIECE_ORDER);
	expect_counts(requests, 0);
}

/* A sector between two others is written, and only that. */
static void write_one_sector(void)
{
	struct move before, after;

	if (!have_scratch_disk(8))
		return;
	if (!move_begin(&before, 0))
		return;
	if (move_begin(&after, 0)) {
		EXPECT_EQ(0,
			  virtio_blk_transfer(disk, VIRTIO_BLK_READ, 0, before.buffer, PAGE_SIZE));
		for (size_t at = 0; at < SECTOR_SIZE; at++)
			before.buffer[3 * SECTOR_SIZE + at] ^= (char)0xff;
		EXPECT_EQ(0, virtio_blk_transfer(disk, VIRTIO_BLK_WRITE, 3,
						 before.buffer + 3 * SECTOR_SIZE, SECTOR_SIZE));
		EXPECT_EQ(0,
			  virtio_blk_transfer(disk, VIRTIO_BLK_READ, 0, after.buffer, PAGE_SIZE));
		EXPECT_EQ(0, memcmp(before.buffer, after.buffer, PAGE_SIZE));
		move_end(&after, 0);
	}
	move_end(&before, 0);
	expect_counts(4, 0);
}

/*
 * ---- random numbers ----------------------------------------------------------------------------
 */

/* Bits of a page are half ones (within six standard deviations, 543), no two pages are the same. */
static void rng_pages(void)
{
	unsigned char *page[4];
	unsigned int i;
	int error = virtio_rng_read(NULL, 0);

	if (error == -ENODEV) {
		test_skip("no virtio entropy device");
		return;
	}
	for (i = 0; i < 4; i++) {
		unsigned int ones = 0;

		page[i] = (unsigned char *)get_zeroed_page(GFP_KERNEL);
		if (!EXPECT(page[i] != NULL))
			break;
		/* a length that is no round number leaves the rest alone */
		EXPECT_EQ(0, virtio_rng_read(page[i], PAGE_SIZE - 3));
		EXPECT_EQ(0,
			  page[i][PAGE_SIZE - 3] | page[i][PAGE_SIZE - 2] | page[i][PAGE_SIZE - 1]);
		EXPECT_EQ(0, virtio_rng_read(page[i], PAGE_SIZE));
		for (size_t at = 0; at < PAGE_SIZE; at++)
			for (unsigned int bits = page[i][at]; bits; bits &= bits - 1)
				ones++;
		EXPECT_LE(PAGE_SIZE * 4 + 543, ones);
		EXPECT_LE(ones, PAGE_SIZE * 4 - 543);
		for (unsigned int j = 0; j < i; j++)
			EXPECT(memcmp(page[i], page[j], PAGE_SIZE) != 0);
	}
	while (i-- > 0)
		free_page((unsigned long)page[i]);
}

TEST_CASE(blk, sectors, sectors);
TEST_CASE(blk, in_flight, in_flight);
TEST_CASE(blk, scatter, scatter);
TEST_CASE(blk, refused, refused);
TEST_CASE(blk, write_and_read, write_and_read);
TEST_CASE(blk, write_one_sector, write_one_sector);
TEST_CASE(rng, pages, rng_pages);
