/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_ring.c: the virtqueue against a device that follows the specification, and against
 * one that writes what it likes where it may.
 *
 * The ring's memory is the host's heap, exactly as large as it must be, so that the address
 * sanitizer sees every access beyond it. Whatever the device does, each token comes back at most
 * once and no descriptor is lost.
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

/* the source itself: it is not among the objects that every host test links */
#include "drivers/virtio/virtio_ring.c"

#define ROUNDS 20000

static struct virtqueue vq;
static struct virtqueue_slot *slots;
static void *ring;
static uint16_t device_avail; /* the device's own index */
static char tokens[VIRTQUEUE_MAX_NUM];
static bool out[VIRTQUEUE_MAX_NUM]; /* the device has this token */

static void start(uint16_t num, bool legacy)
{
	size_t size = virtqueue_ring_size(num);

	assert_int_equal(posix_memalign(&ring, VIRTQUEUE_ALIGN, size), 0);
	slots = malloc(num * sizeof(*slots));
	assert_non_null(slots);
	memset(ring, 0, size);
	memset(&vq, 0, sizeof(vq));
	vq.legacy = legacy;
	virtqueue_init(&vq, num, ring, slots);
	device_avail = 0;
	memset(out, 0, sizeof(out));
}

static void stop(void)
{
	free(ring);
	free(slots);
}

/* Every descriptor is in one chain of a token that is out, or on the free list. */
static void check(void)
{
	bool seen[VIRTQUEUE_MAX_NUM] = {false};
	unsigned int free_count = 0, chains = 0;
	uint16_t at = vq.free_head;

	for (; free_count < vq.num_free; free_count++, at = vq.slot[at].next) {
		assert_true(at < vq.num && !seen[at]);
		assert_int_equal(vq.slot[at].length, 0);
		seen[at] = true;
	}
	for (uint16_t head = 0; head < vq.num; head++) {
		if (vq.slot[head].length == 0)
			continue;
		chains++;
		assert_true(out[(char *)vq.slot[head].token - tokens]);
		at = head;
		for (uint16_t i = 0; i < vq.slot[head].length; i++, at = vq.slot[at].next) {
			assert_true(at < vq.num && !seen[at]);
			seen[at] = true;
		}
	}
	assert_int_equal(chains, vq.in_flight);
	for (uint16_t i = 0; i < vq.num; i++)
		assert_true(seen[i]);
}

static int add(unsigned int token, unsigned int to_device, unsigned int from_device, uint32_t len)
{
	struct virtqueue_buf bufs[VIRTQUEUE_MAX_NUM];
	int error;

	for (unsigned int i = 0; i < to_device + from_device; i++)
		bufs[i] = (struct virtqueue_buf){0x1000ULL * (i + 1), len};
	error = virtqueue_add(&vq, bufs, to_device, from_device, &tokens[token]);
	if (!error)
		out[token] = true;
	return error;
}

/* An honest device: the head of the next chain it was given, and the bytes it may write there. */
static uint16_t device_take(uint32_t *writable)
{
	uint16_t head = vq.avail->ring[device_avail++ & (vq.num - 1)];
	const struct vring_desc *desc = &vq.desc[head];

	assert_true(device_avail == vq.avail->idx || (int16_t)(vq.avail->idx - device_avail) > 0);
	*writable = 0;
	for (unsigned int i = 0;; i++) {
		assert_true(i < vq.num);
		if (desc->flags & VRING_DESC_F_WRITE)
			*writable += desc->len;
		if (!(desc->flags & VRING_DESC_F_NEXT))
			return head;
		assert_true(desc->next < vq.num);
		desc = &vq.desc[desc->next];
	}
}

static void device_give(uint32_t id, uint32_t len)
{
	vq.used->ring[vq.used->idx & (vq.num - 1)] = (struct vring_used_elem){id, len};
	vq.used->idx++;
}

static unsigned int get_token(uint32_t *len)
{
	void *token = NULL;

	assert_int_equal(virtqueue_get(&vq, &token, len), 1);
	assert_true(out[(char *)token - tokens]);
	out[(char *)token - tokens] = false;
	return (unsigned int)((char *)token - tokens);
}

static void test_layout(void **state)
{
	(void)state;
	/*
	 * section 2.6.2: 16 and 2 bytes an entry and 6 more, then aligned; 8 bytes an entry and 6
	 */
	assert_int_equal(virtqueue_used_offset(256), 8192);
	assert_int_equal(virtqueue_ring_size(256), 8192 + 6 + 2048);
	assert_int_equal(virtqueue_used_offset(1), 4096);
	start(128, false);
	assert_ptr_equal(vq.avail, (char *)ring + 2048);
	assert_ptr_equal(vq.used, (char *)ring + 4096);
	stop();
}

static void test_chain(void **state)
{
	uint32_t writable, len;
	uint16_t head;

	(void)state;
	start(8, false);
	assert_int_equal(add(3, 1, 2, 512), 0);
	assert_int_equal(vq.avail->idx, 1);
	assert_int_equal(vq.num_free, 5);
	head = device_take(&writable);
	assert_int_equal(writable, 1024);
	assert_int_equal(vq.desc[head].addr, 0x1000);
	assert_int_equal(vq.desc[head].len, 512);
	assert_int_equal(vq.desc[head].flags, VRING_DESC_F_NEXT);
	assert_int_equal(vq.desc[vq.desc[head].next].flags, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
	assert_int_equal(virtqueue_get(&vq, &(void *){NULL}, &len), 0);
	device_give(head, 1000);
	assert_int_equal(get_token(&len), 3);
	assert_int_equal(len, 1000);
	assert_int_equal(vq.num_free, 8);
	check();

	assert_true(virtqueue_kick_needed(&vq));
	vq.used->flags = VRING_USED_F_NO_NOTIFY;
	assert_false(virtqueue_kick_needed(&vq));
	stop();
}

static void test_full(void **state)
{
	uint32_t len;

	(void)state;
	start(8, false);
	assert_int_equal(add(0, 0, 0, 1), -EINVAL);
	assert_int_equal(add(0, 1, 8, 1), -EINVAL);
	assert_int_equal(add(0, 4, 1, 1), 0);
	assert_int_equal(add(1, 2, 2, 1), -EBUSY);
	assert_int_equal(add(1, 2, 1, 1), 0);
	assert_int_equal(add(2, 1, 0, 1), -EBUSY);
	check();
	/* given up: what it had comes back, once */
	for (int i = 0; i < 2; i++) {
		char *token = virtqueue_detach(&vq);

		assert_non_null(token);
		out[token - tokens] = false;
	}
	assert_null(virtqueue_detach(&vq));
	assert_int_equal(vq.num_free, 8);
	check();
	assert_int_equal(virtqueue_get(&vq, &(void *){NULL}, &len), 0);
	stop();
}

/* More than 65536 chains, served in any order: the indices wrap. */
static void honest(uint16_t num, uint64_t seed)
{
	struct {
		uint16_t head;
		uint32_t writable;
	} pending[VIRTQUEUE_MAX_NUM];
	unsigned int nr_pending = 0;
	uint32_t len;

	start(num, false);
	for (unsigned int i = 0; i < 200000; i++) {
		unsigned int token = (unsigned int)(host_random(&seed) % num);

		if (!out[token] && host_random(&seed) % 2)
			add(token, (unsigned int)(host_random(&seed) % 3),
			    1 + (unsigned int)(host_random(&seed) % 3), 100);
		while (device_avail != vq.avail->idx) {
			pending[nr_pending].head = device_take(&pending[nr_pending].writable);
			nr_pending++;
		}
		if (nr_pending && host_random(&seed) % 2) {
			unsigned int pick = (unsigned int)(host_random(&seed) % nr_pending);

			device_give(pending[pick].head, pending[pick].writable);
			get_token(&len);
			assert_int_equal(len, pending[pick].writable);
			pending[pick] = pending[--nr_pending];
		}
		if (i % 1000 == 0)
			check();
	}
	check();
	assert_false(vq.broken);
	stop();
}

static void test_honest_device(void **state)
{
	(void)state;
	honest(VIRTQUEUE_MAX_NUM, 1);
	honest(16, 2);
	honest(4, 3);
}

static void expect_broken(void)
{
	void *token;
	uint32_t len;

	assert_int_equal(virtqueue_get(&vq, &token, &len), -EIO);
	assert_true(vq.broken);
	/* for good, and nothing is lost */
	assert_int_equal(virtqueue_get(&vq, &token, &len), -EIO);
	assert_int_equal(add(7, 1, 0, 1), -EIO);
	check();
	while ((token = virtqueue_detach(&vq)))
		out[(char *)token - tokens] = false;
	assert_int_equal(vq.num_free, vq.num);
	check();
	stop();
}

static void test_nonsense(void **state)
{
	uint32_t writable, len;
	uint16_t head;

	(void)state;
	start(8, false); /* an id past the table */
	add(0, 1, 2, 512);
	device_give(8, 0);
	expect_broken();

	start(8, false);
	add(0, 1, 2, 512);
	device_give(0xffffffff, 0);
	expect_broken();

	start(8, false); /* not the head of a chain */
	add(0, 1, 2, 512);
	head = device_take(&writable);
	device_give(vq.desc[head].next, 0);
	expect_broken();

	start(8, false); /* more bytes than there are */
	add(0, 1, 2, 512);
	device_give(device_take(&writable), 1025);
	expect_broken();

	start(8, true); /* a legacy device's length is only cut */
	add(0, 1, 2, 512);
	device_give(device_take(&writable), 0xffffffff);
	assert_int_equal(get_token(&len), 0);
	assert_int_equal(len, 1024);
	check();
	stop();

	start(8, false); /* the same chain twice */
	add(0, 1, 2, 512);
	add(1, 1, 1, 512);
	head = device_take(&writable);
	device_give(head, 0);
	device_give(head, 0);
	get_token(&len);
	expect_broken();

	start(8, false); /* an index that runs ahead of what it was given */
	add(0, 1, 2, 512);
	vq.used->idx = 2;
	expect_broken();

	start(8, false); /* and one that runs back */
	add(0, 1, 2, 512);
	vq.used->idx = 0xffff;
	expect_broken();

	start(8, false); /* an answer to nothing */
	device_give(0, 0);
	expect_broken();
}

/* Chains are followed by the driver's own links, whatever the table says meanwhile. */
static void test_table_overwritten(void **state)
{
	uint32_t writable, len;
	uint16_t head;

	(void)state;
	start(8, false);
	add(0, 1, 2, 512);
	head = device_take(&writable);
	memset(vq.desc, 0xff, 8 * sizeof(*vq.desc));
	device_give(head, 5);
	assert_int_equal(get_token(&len), 0);
	assert_int_equal(vq.num_free, 8);
	check();
	assert_int_equal(add(1, 1, 7, 512), 0);
	check();
	stop();
}

/* Random bytes over the whole of the ring's memory, or over the used ring alone. */
static void scribble(size_t size, uint64_t *seed)
{
	size_t from = host_random(seed) % 2 ? virtqueue_used_offset(vq.num) : 0;

	for (uint64_t i = host_random(seed) % 16; i > 0; i--)
		((unsigned char *)ring)[from + host_random(seed) % (size - from)] =
			(unsigned char)host_random(seed);
}

static unsigned int take_served(void)
{
	unsigned int served = 0;
	uint32_t len;
	void *token;

	while (virtqueue_get(&vq, &token, &len) == 1) {
		assert_true(out[(char *)token - tokens]);
		out[(char *)token - tokens] = false;
		assert_true(len <= 2 * 4096);
		served++;
	}
	return served;
}

/* A device that mostly serves what it was given, and now and then writes anything at all. */
static void test_wild_device(void **state)
{
	unsigned int broken = 0, served = 0;
	uint64_t seed = 20;

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint16_t num = (uint16_t)(1U << (2 + host_random(&seed) % 4));

		start(num, host_random(&seed) % 2);
		for (unsigned int step = 0; step < 40; step++) {
			unsigned int token = (unsigned int)(host_random(&seed) % num);
			unsigned int what = (unsigned int)(host_random(&seed) % 32);

			if (!out[token])
				add(token, (unsigned int)(host_random(&seed) % 3),
				    (unsigned int)(host_random(&seed) % 3), 4096);
			if (what == 0)
				scribble(virtqueue_ring_size(num), &seed);
			else if (what == 1) /* plausible */
				device_give((uint32_t)(host_random(&seed) % (num + 2U)),
					    (uint32_t)(host_random(&seed) % 20000));
			else if (device_avail != vq.avail->idx)
				device_give(vq.avail->ring[device_avail++ & (num - 1)], 0);
			served += take_served();
			check();
		}
		broken += vq.broken;
		stop();
	}
	/* it came both ways */
	assert_true(broken > ROUNDS / 10 && broken < ROUNDS && served > ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),	    cmocka_unit_test(test_chain),
		cmocka_unit_test(test_full),	    cmocka_unit_test(test_honest_device),
		cmocka_unit_test(test_nonsense),    cmocka_unit_test(test_table_overwritten),
		cmocka_unit_test(test_wild_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
