/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_bufcache.c: what another CPU may do while a buffer's page is asked for, which is without the
 * lock: it reads the same block, or takes the last buffer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/migrate.h>

static mhandle_t alloc_meanwhile(size_t size, gfp_t gfp);

/* the source itself: it is not among the objects that every host test links */
#define mhandle_alloc alloc_meanwhile
#include "drivers/misc/bufcache.c"
#undef mhandle_alloc

#include "test/host/mm/policy.h" /* behind it: its names are short */

static void (*meanwhile)(void); /* called once */
static bool no_page;
static unsigned int nr_reads;

static mhandle_t alloc_meanwhile(size_t size, gfp_t gfp)
{
	void (*other)(void) = meanwhile;

	meanwhile = NULL;
	if (other)
		other();
	return other && no_page ? 0 : mhandle_alloc(size, gfp);
}

static int read_block(struct buf_source *source, uint64_t block, void *data)
{
	(void)source;
	nr_reads++;
	memset(data, (int)block, BUF_SIZE);
	return 0;
}

static struct buf_source source = {.read = read_block};

static int start(void **state)
{
	nr_reads = 0;
	no_page = false;
	return policy_start_caches(state);
}

static int stop(void **state)
{
	buf_forget(&source);
	unregister_shrinker(&shrinker);
	assert_int_equal(mm_check(), 0);
	return policy_stop(state);
}

static struct bufcache_stats now(void)
{
	struct bufcache_stats s;

	bufcache_get_stats(&s);
	return s;
}

static struct buf *theirs;

static void read_5(void)
{
	theirs = buf_read(&source, 5);
}

/* One buffer, read once, with two holders. */
static void reads_the_same_block(void **state)
{
	struct buf *ours;

	(void)state;
	for (int i = 0; i < 2; i++) {
		no_page = i;
		nr_reads = 0;
		meanwhile = read_5;
		ours = buf_read(&source, 5);
		assert_ptr_equal(ours, theirs);
		assert_int_equal(nr_reads, 1);
		assert_int_equal(ours->held, 2);
		assert_int_equal(now().buffers, 1);
		assert_int_equal(((uint8_t *)ours->data)[BUF_SIZE - 1], 5);
		buf_release(theirs);
		buf_release(ours);
		assert_int_equal(bufcache_drop(), 1);
	}
}

static void read_other_blocks(void)
{
	for (unsigned int i = 0; i < BUFCACHE_BUFS; i++)
		buf_release(buf_read(&source, 100 + i));
}

/* The one used longest ago gives its buffer. */
static void takes_the_last_buffer(void **state)
{
	uint64_t before = free_pages_now();
	struct buf *ours;

	(void)state;
	meanwhile = read_other_blocks;
	ours = buf_read(&source, 5);
	assert_non_null(ours);
	assert_int_equal(now().buffers, BUFCACHE_BUFS);
	assert_null(find(&source, 100));
	assert_non_null(find(&source, 101));
	assert_int_equal(((uint8_t *)ours->data)[0], 5);
	buf_release(ours);
	assert_int_equal(bufcache_drop(), BUFCACHE_BUFS);
	drain_all_pages();
	assert_true(free_pages_now() >= before);
}

static void no_memory_and_all_held(void **state)
{
	struct buf *all[BUFCACHE_BUFS];

	(void)state;
	for (unsigned int i = 0; i < BUFCACHE_BUFS; i++) {
		all[i] = buf_read(&source, i);
		assert_non_null(all[i]);
	}
	assert_null(buf_read(&source, BUFCACHE_BUFS));
	assert_int_equal(now().held, BUFCACHE_BUFS);
	for (unsigned int i = 0; i < BUFCACHE_BUFS; i++)
		buf_release(all[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_the_same_block, start, stop),
		cmocka_unit_test_setup_teardown(takes_the_last_buffer, start, stop),
		cmocka_unit_test_setup_teardown(no_memory_and_all_held, start, stop),
	};

	return cmocka_run_group_tests_name("bufcache", tests, NULL, NULL);
}
