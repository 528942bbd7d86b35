/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_spinlock.c: the lock and its line (mm/spinlock.h): who waits for whom, who loses his place,
 * and what is counted. port_yield(), which a waiting CPU calls, is where another CPU acts; a ticket
 * that nobody looks after is a CPU that does not run. Threads then take the lock at once.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "mm/spinlock.h"
#include "test/host/port_host.h"

#define THREADS 4
#define ROUNDS	20000

static struct spinlock lock;
static unsigned int yields;

static int start(void **state)
{
	(void)state;
	memset(&lock, 0, sizeof(lock));
	yields = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	port_host_yield_hook = NULL;
	return 0;
}

static void expect(uint32_t locked, uint64_t next, uint64_t head, uint32_t overtaken,
		   uint64_t acquired)
{
	assert_int_equal(locked, lock.locked);
	assert_int_equal(next, lock.next);
	assert_int_equal(head, lock.head);
	assert_int_equal(overtaken, lock.overtaken);
	assert_int_equal(acquired, lock.acquired);
}

/* No ticket is drawn for a lock that is free. */
static void free_lock(void **state)
{
	(void)state;
	spin_lock(&lock);
	expect(1, 0, 0, 0, 1);
	assert_false(spin_trylock(&lock));
	spin_unlock(&lock);
	expect(0, 0, 0, 0, 1);
	assert_true(spin_trylock(&lock));
	expect(1, 0, 0, 0, 2);
	spin_unlock(&lock);
}

static void let_go_at_third(void)
{
	expect(1, 1, 0, 0, 1);
	if (++yields == 3) {
		spin_unlock(&lock);
		assert_false(spin_trylock(&lock)); /* another CPU has come before */
	}
}

/* A CPU that waits for a holder lets others run, and keeps its place. */
static void holder_does_not_run(void **state)
{
	(void)state;
	port_host_yield_hook = let_go_at_third;
	spin_lock(&lock); /* as another CPU */
	spin_lock(&lock);
	assert_int_equal(3, yields);
	expect(1, 1, 1, 0, 2);
	spin_unlock(&lock);
}

/* Nobody waits for those in line that do not run, and nobody yields to them. */
static void line_does_not_run(void **state)
{
	(void)state;
	for (unsigned int stopped = 1; stopped <= THREADS; stopped++) {
		start(NULL);
		port_host_yield_hook = let_go_at_third;
		lock.next = stopped;
		assert_false(spin_trylock(&lock));
		spin_lock(&lock);
		expect(1, stopped + 1, stopped + 1, stopped, 1);
		spin_unlock(&lock);
		assert_true(spin_trylock(&lock)); /* the line is empty again */
		spin_unlock(&lock);
		assert_int_equal(0, yields);
	}
}

static void overtake(void)
{
	switch (++yields) {
	case 1: /* the one that yields does not run while the others go on */
		spin_unlock(&lock);
		spin_lock(&lock);
		expect(1, 2, 2, 1, 2);
		break;
	case 2: /* it runs again, and is in line */
		expect(1, 3, 2, 1, 2);
		spin_unlock(&lock);
		assert_false(spin_trylock(&lock));
		break;
	default:
		fail();
	}
}

/* A CPU that has lost its place draws another ticket. */
static void lost_place(void **state)
{
	(void)state;
	port_host_yield_hook = overtake;
	spin_lock(&lock);
	spin_lock(&lock);
	assert_int_equal(2, yields);
	expect(1, 3, 3, 1, 3);
	spin_unlock(&lock);
}

static void *take_once(void *arg)
{
	(void)arg;
	spin_lock(&lock);
	spin_unlock(&lock);
	return NULL;
}

static atomic_uint waits;

static void waiting(void)
{
	atomic_fetch_add(&waits, 1);
}

/*
 * The holder lets go and comes again at once: the one in line, which runs, is served first. That it
 * runs is known by what it has just done in line; on a loaded machine it may lose its place all the
 * same, so that a few attempts are made.
 */
static void first_come_first_served(void **state)
{
	bool served = false;

	(void)state;
	port_host_yield_hook = waiting;
	for (int attempt = 0; attempt < 1000 && !served; attempt++) {
		pthread_t thread;
		uint64_t acquired;

		start(NULL);
		spin_lock(&lock);
		assert_int_equal(0, pthread_create(&thread, NULL, take_once, NULL));
		for (unsigned int before = waits; waits == before;)
			port_relax();
		spin_unlock(&lock);
		spin_lock(&lock);
		acquired = lock.acquired;
		served = !lock.overtaken;
		spin_unlock(&lock);
		assert_int_equal(0, pthread_join(thread, NULL));
		if (served)
			assert_int_equal(3, acquired);
	}
	assert_true(served);
}

static unsigned long inside, sum, doubles; /* guarded by the lock */

static void *take_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		spin_lock(&lock);
		doubles += inside++;
		sum++;
		if (i % 64 == 0)
			port_yield(); /* a holder that stops */
		inside--;
		spin_unlock(&lock);
		if (i % 128 == 0)
			port_yield();
	}
	return NULL;
}

/* One at a time, and the figures fit at the end, however often places were lost. */
static void many_at_once(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	sum = inside = doubles = 0;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(0, pthread_create(&thread[i], NULL, take_often, NULL));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(0, pthread_join(thread[i], NULL));
	assert_int_equal(0, doubles);
	assert_int_equal(THREADS * ROUNDS, sum);
	assert_int_equal(sum, lock.acquired);
	assert_int_equal(0, lock.locked);
	assert_int_equal(lock.next, lock.head);
	assert_true(lock.overtaken <= lock.next);
	assert_true(lock.next - lock.overtaken <= lock.acquired);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(free_lock, start, end),
		cmocka_unit_test_setup_teardown(holder_does_not_run, start, end),
		cmocka_unit_test_setup_teardown(line_does_not_run, start, end),
		cmocka_unit_test_setup_teardown(lost_place, start, end),
		cmocka_unit_test_setup_teardown(first_come_first_served, start, end),
		cmocka_unit_test_setup_teardown(many_at_once, start, end),
	};

	return cmocka_run_group_tests_name("spinlock", tests, NULL, NULL);
}
