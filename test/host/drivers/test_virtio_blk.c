/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_blk.c: the disk driver on a transport and a disk made up here: one that serves, one
 * that reports errors, one that says nothing, one that lies, and all of them by chance.
 *
 * The rule above all: a buffer is given back when the disk has said that it is done with it, or
 * after the disk has been reset, and never before; and every mapping is undone exactly once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/port_host.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "drivers/virtio/virtio_ring.c"
#include "drivers/virtio/virtio_blk.c"

#include "test/host/drivers/fake_disk.h"

/*
 * ---- the tests ---------------------------------------------------------------------------------
 */

static struct virtio_blk *the_disk;

static void start_limited(enum behaviour behaviour, uint64_t seed, uint64_t offered,
			  uint32_t seg_max, uint32_t size_max)
{
	memset(&model, 0, sizeof(model));
	memset(buffer, 0, sizeof(buffer));
	model.behaviour = behaviour;
	model.seed = seed;
	model.offered = offered;
	model.seg_max = seg_max;
	model.size_max = size_max;
	assert_int_equal(posix_memalign((void **)&model.dev, PAGE_SIZE, PAGE_SIZE), 0);
	memset(model.dev, 0, PAGE_SIZE);
	model.dev->driver = &driver_virtio_blk;
	model.dev->bus_data = &model.vdev;
	assert_int_equal(blk_probe(model.dev), 0);
	the_disk = virtio_blk_at(0);
	assert_non_null(the_disk);
	assert_null(virtio_blk_at(1));
}

static void start(enum behaviour behaviour, uint64_t seed)
{
	start_limited(behaviour, seed, 1ULL << F_FLUSH, 0, 0);
}

/* Remove it: whatever was in flight has a result, nothing is mapped, all memory is back. */
static void stop(void)
{
	unsigned int resets = model.resets;

	blk_remove(model.dev);
	assert_true(model.resets > resets);
	assert_int_equal(the_disk->in_flight, 0);
	for (unsigned int i = 0; i < BUFFERS; i++)
		assert_false(buffer[i].mapped);
	assert_int_equal(model.coherent, 0);
	free(model.dev);
}

struct job {
	struct scatterlist sg[3];
	struct virtio_blk_request request;
	bool started;
};

static int submit(struct job *job, enum virtio_blk_op op, unsigned int first, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		job->sg[i] = (struct scatterlist){.addr = memory[first + i],
						  .length = sizeof(memory[0])};
	job->request = (struct virtio_blk_request){
		.op = op, .sector = 2 * first, .sg = job->sg, .nr_sg = count};
	return virtio_blk_submit(the_disk, &job->request);
}

static void test_serves(void **state)
{
	struct job job;

	(void)state;
	start(SERVES, 1);
	assert_int_equal(submit(&job, VIRTIO_BLK_READ, 0, 3), 0);
	assert_int_equal(job.request.result, -EINPROGRESS);
	assert_int_equal(virtio_blk_wait(the_disk, &job.request), 0);
	assert_int_equal(memory[2][0], 0x5a);
	memset(memory, 0, sizeof(memory));
	assert_int_equal(submit(&job, VIRTIO_BLK_WRITE, 0, 3), 0);
	assert_int_equal(virtio_blk_wait(the_disk, &job.request), 0);
	assert_int_equal(memory[2][0], 0);
	assert_int_equal(submit(&job, VIRTIO_BLK_FLUSH, 0, 0), 0);
	assert_int_equal(virtio_blk_wait(the_disk, &job.request), 0);
	assert_int_equal(the_disk->requests, 3);
	assert_int_equal(the_disk->errors, 0);
	stop();
}

static void test_reports_errors(void **state)
{
	static const struct {
		uint8_t status;
		int result;
	} cases[] = {{STATUS_IOERR, -EIO}, {STATUS_UNSUPP, -EOPNOTSUPP}, {3, -EIO},
		     {0x80, -EIO},	   {STATUS_NONE, -EIO},		 {STATUS_OK, 0}};
	struct job job;

	(void)state;
	start(SERVES, 2);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		model.status = cases[i].status;
		assert_int_equal(submit(&job, VIRTIO_BLK_READ, 3, 1), 0);
		assert_int_equal(virtio_blk_wait(the_disk, &job.request), cases[i].result);
	}
	assert_int_equal(the_disk->errors, 5);
	assert_int_equal(model.resets, 0);
	stop();
}

/* It says that all is well, and that it has not written all: the rest of the buffer is stale. */
static void test_too_short(void **state)
{
	struct job job;

	(void)state;
	start(SERVES, 7);
	model.missing = 1;
	assert_int_equal(submit(&job, VIRTIO_BLK_READ, 0, 3), 0);
	assert_int_equal(virtio_blk_wait(the_disk, &job.request), -EIO);
	model.missing = 0;
	assert_int_equal(submit(&job, VIRTIO_BLK_WRITE, 0, 3), 0);
	assert_int_equal(virtio_blk_wait(the_disk, &job.request), 0);
	/* lengths of the legacy interface mean nothing */
	the_disk->queue.legacy = true;
	model.missing = 1;
	assert_int_equal(submit(&job, VIRTIO_BLK_READ, 0, 3), 0);
	assert_int_equal(virtio_blk_wait(the_disk, &job.request), 0);
	stop();
}

/* All that it has come back at once, and it is asked nothing more. */
static void out_of_use(enum behaviour behaviour, int result)
{
	struct job job[4];

	start(behaviour, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(
			submit(&job[i], i == 1 ? VIRTIO_BLK_WRITE : VIRTIO_BLK_READ, 3 * i, 3), 0);
	assert_int_equal(virtio_blk_wait(the_disk, &job[1].request), result);
	assert_int_equal(model.resets, 1);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(job[i].request.result, result);
		assert_int_equal(virtio_blk_wait(the_disk, &job[i].request), result);
	}
	assert_int_equal(the_disk->queue.num_free, NUM);
	assert_int_equal(submit(&job[3], VIRTIO_BLK_READ, 0, 1), -ENODEV);
	assert_int_equal(model.resets, 1);
	stop();
}

static void test_silent(void **state)
{
	(void)state;
	out_of_use(SILENT, -ETIMEDOUT);
}

static void test_lies(void **state)
{
	(void)state;
	out_of_use(LIES, -EIO);
}

static void test_removed_in_flight(void **state)
{
	struct job job[3];

	(void)state;
	start(SILENT, 4);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(submit(&job[i], VIRTIO_BLK_READ, 3 * i, 3), 0);
	stop();
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(job[i].request.result, -ENODEV);
}

/*
 * It answers nothing, not even its reset: who waits learns that the memory is not his any more, and
 * gives none of it back.
 */
static void test_cannot_be_stopped(void **state)
{
	struct job job[3];

	(void)state;
	start(SILENT, 6);
	model.stubborn = true;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(submit(&job[i], VIRTIO_BLK_READ, 3 * i, 3), 0);
	assert_int_equal(virtio_blk_wait(the_disk, &job[0].request), -ENOTRECOVERABLE);
	assert_int_equal(job[1].request.result, -ENOTRECOVERABLE);
	assert_int_equal(submit(&job[2], VIRTIO_BLK_READ, 6, 3), -ENODEV);
	virtio_blk_put_pages(the_disk, memory[0], 2, job[0].request.result);
	assert_int_equal(model.kept, 4);
	assert_true(buffer[0].held && buffer[0].mapped);
	blk_remove(model.dev);
	assert_true(buffer[0].held && buffer[0].mapped);
	free(lost_page);
	free(model.dev);
}

/* Limits the device states bind requests; limits that make no sense do not. */
static void test_limits(void **state)
{
	struct job job;

	(void)state;
	start_limited(SERVES, 5, 1ULL << F_SEG_MAX | 1ULL << F_SIZE_MAX | 1ULL << F_RO, 2,
		      2 * SECTOR_SIZE + 100);
	assert_int_equal(the_disk->segment_bytes, 2 * SECTOR_SIZE);
	assert_int_equal(submit(&job, VIRTIO_BLK_READ, 0, 3), -EINVAL);
	assert_int_equal(submit(&job, VIRTIO_BLK_WRITE, 0, 1), -EROFS);
	assert_int_equal(submit(&job, VIRTIO_BLK_FLUSH, 0, 0), -EOPNOTSUPP);
	assert_int_equal(submit(&job, VIRTIO_BLK_READ, 0, 2), 0);
	assert_int_equal(virtio_blk_wait(the_disk, &job.request), 0);
	model.seg_max = model.size_max = 0;
	read_limits(the_disk);
	assert_int_equal(the_disk->max_segments, VIRTIO_BLK_MAX_SEGMENTS);
	assert_int_equal(the_disk->segment_bytes, VIRTIO_BLK_MAX_BYTES);
	stop();
}

/* Requests, waits and changes of mind by the disk, by chance. */
static void test_by_chance(void **state)
{
	uint64_t seed = 6;
	unsigned int served = 0, failed = 0;

	(void)state;
	for (unsigned int round = 0; round < 2000; round++) {
		struct job job[BUFFERS / 3];
		const unsigned int jobs = BUFFERS / 3;

		memset(job, 0, sizeof(job));
		start(SERVES, host_random(&seed));
		for (unsigned int step = 0; step < 100; step++) {
			unsigned int n = (unsigned int)(host_random(&seed) % jobs);

			if (host_random(&seed) % 200 == 0)
				model.behaviour = host_random(&seed) % 2 ? SILENT : LIES;
			model.status = host_random(&seed) % 8 ? STATUS_OK : STATUS_IOERR;
			if (job[n].started && job[n].request.result != -EINPROGRESS) {
				served += job[n].request.result == 0;
				job[n].started = false;
			}
			if (!job[n].started)
				job[n].started =
					submit(&job[n],
					       host_random(&seed) % 2 ? VIRTIO_BLK_READ
								      : VIRTIO_BLK_WRITE,
					       3 * n,
					       1 + (unsigned int)(host_random(&seed) % 3)) == 0;
			else if (host_random(&seed) % 2)
				assert_int_not_equal(virtio_blk_wait(the_disk, &job[n].request),
						     -EINPROGRESS);
			else
				device_step();
		}
		failed += model.vdev.failed;
		stop();
		for (unsigned int n = 0; n < jobs; n++)
			if (job[n].started)
				assert_int_not_equal(job[n].request.result, -EINPROGRESS);
	}
	/* it came both ways */
	assert_true(failed > 200 && failed < 1800 && served > 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serves),	  cmocka_unit_test(test_reports_errors),
		cmocka_unit_test(test_silent),	  cmocka_unit_test(test_lies),
		cmocka_unit_test(test_limits),	  cmocka_unit_test(test_removed_in_flight),
		cmocka_unit_test(test_by_chance), cmocka_unit_test(test_cannot_be_stopped),
		cmocka_unit_test(test_too_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
