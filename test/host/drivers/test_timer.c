/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_timer.c: waiting, sleeping and the call-back on a counter that steps back: nothing ends too
 * early, and a time that has passed is never centuries.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/host/port_host.h"

/* In the place of drivers/base/io.h. */
#define DRIVERS_IO_H
static void cpu_wait_for_interrupt(void);

/* the source itself: it is not among the objects that every host test links */
#include "drivers/timer/timer.c"

#define HZ   1000000ULL
#define USEC 1000ULL
#define BACK 40 /* ticks that one read in eight is behind */

static uint64_t true_ticks, reads, programmed, waits;

static uint64_t stepping_read(void)
{
	true_ticks++;
	return ++reads % 8 == 0 ? true_ticks - BACK : true_ticks;
}

static void program(uint64_t deadline)
{
	programmed = deadline;
}

/* The interrupt comes when the comparator, which sees the true time, says so. */
static void cpu_wait_for_interrupt(void)
{
	waits++;
	if (programmed == NEVER)
		fail_msg("nothing is programmed: nobody would wake this CPU");
	if (programmed > true_ticks)
		true_ticks = programmed;
	timer_interrupt();
}

/* Interrupts that have to be looked for: whether there are any, and the looks. */
static bool polled;
static unsigned int polls;

bool irq_poll(void)
{
	polls += polled;
	return polled;
}

static const struct timer_ops stepping_ops = {.read = stepping_read, .program = program};

static int start(void **state)
{
	(void)state;
	true_ticks = 1000000;
	reads = waits = 0;
	assert_int_equal(timer_register(&stepping_ops, HZ), 0);
	return 0;
}

static void test_since(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t from = timer_now(), passed = timer_since(from);

		assert_true(passed <= (BACK + 2) * USEC);
	}
}

/* At least as long as was asked for, less what the first look was behind. */
static void test_waits(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		uint64_t before = true_ticks;

		timer_delay(500 * USEC);
		assert_in_range(true_ticks - before, 500 - BACK, 500 + 2 * BACK);
		before = true_ticks;
		timer_sleep(500 * USEC);
		assert_in_range(true_ticks - before, 500 - BACK, 500 + 2 * BACK);
	}
	assert_true(waits > 0);
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static void test_timeout(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		uint64_t before = true_ticks;

		assert_false(timer_wait(500 * USEC, never, NULL));
		assert_in_range(true_ticks - before, 500 - BACK, 500 + 2 * BACK);
	}
}

static unsigned int calls;

static void count(void *arg)
{
	(void)arg;
	calls++;
}

/* An interrupt that finds the counter behind its deadline asks for another. */
static void test_callback(void **state)
{
	uint64_t before;

	(void)state;
	calls = 0;
	assert_int_equal(timer_set(100 * USEC, true, count, NULL), 0);
	before = true_ticks;
	while (true_ticks - before < 10000)
		cpu_wait_for_interrupt();
	assert_in_range(calls, 97, 101);
	assert_true(programmed > true_ticks - BACK && programmed != NEVER);
	timer_set(0, false, NULL, NULL);
	assert_true(programmed == NEVER);
}

static unsigned int fed;

static void feed(void *arg)
{
	assert_null(arg);
	fed++;
}

/* The watchdogs' call has a beat of its own, whatever becomes of the other. */
static void test_watchdogs(void **state)
{
	uint64_t before;

	(void)state;
	calls = fed = 0;
	assert_int_equal(timer_set_watchdogs(1000 * USEC, feed), 0);
	assert_int_equal(timer_set(100 * USEC, true, count, NULL), 0);
	before = true_ticks;
	while (true_ticks - before < 10000)
		cpu_wait_for_interrupt();
	assert_in_range(fed, 9, 11);
	assert_in_range(calls, 97, 101);
	timer_set(0, false, NULL, NULL);
	while (true_ticks - before < 20000)
		cpu_wait_for_interrupt();
	assert_in_range(fed, 19, 21);
	assert_int_equal(timer_set_watchdogs(0, NULL), 0);
	assert_true(programmed == NEVER);
	assert_int_equal(timer_register(NULL, 0), 0);
	assert_int_equal(timer_set_watchdogs(1000, feed), -ENODEV);
}

/* Interrupts are looked for on a beat of their own, and only where one has to. */
static void test_polls(void **state)
{
	uint64_t before, ticks = IRQ_POLL_NS / 1000;

	(void)state;
	polled = true;
	assert_int_equal(timer_register(&stepping_ops, HZ), 0);
	polls = 0;
	before = true_ticks;
	while (true_ticks - before < 20 * ticks)
		cpu_wait_for_interrupt();
	assert_in_range(polls, 19, 21);
	polled = false;
	assert_int_equal(timer_register(&stepping_ops, HZ), 0);
	assert_true(programmed == NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_since, start),
		cmocka_unit_test_setup(test_waits, start),
		cmocka_unit_test_setup(test_timeout, start),
		cmocka_unit_test_setup(test_callback, start),
		cmocka_unit_test_setup(test_watchdogs, start),
		cmocka_unit_test_setup(test_polls, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
