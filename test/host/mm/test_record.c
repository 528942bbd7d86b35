/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_record.c: a recording (quarry/record.h) has an event of each call that has changed the state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <quarry/mm.h>
#include <quarry/record.h>

#include "machine.h"
#include "policy.h"
#include "test/host/port_host.h"

static struct mm_record_event ring[256], last;

static void emit(enum mm_record_part part, uint64_t arg, const void *data, size_t size)
{
	const struct mm_record_event *event = data, *end = event + size / sizeof(*event);

	(void)arg;
	for (; part == MM_RECORD_EVENTS && event < end; event++)
		if (event->type != MM_RECORD_CHECK)
			last = *event;
}

static const struct mm_recording recording = {.ring = ring, .cpus = 1, .size = 256, .emit = emit};

/* A step of a drain, which is part of no other call. */
static void drain_some(void **state)
{
	struct page *page[20];
	unsigned long pages;

	(void)state;
	if (mm_record_start(&recording))
		skip(); /* CONFIG_DEBUG_HOOKS is 0 */
	for (unsigned int i = 0; i < 20; i++)
		assert_non_null(page[i] = alloc_pages(GFP_KERNEL, 0));
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(0, __free_page(page[i]));
	pages = drain_some_pages();
	assert_int_equal(0, mm_record_stop());
	assert_true(pages > 0 && pages < 20);
	assert_int_equal(MM_RECORD_DRAIN, last.type);
	assert_int_equal(1, last.order);
	assert_int_equal(pages, last.value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(drain_some, policy_start_caches, policy_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
