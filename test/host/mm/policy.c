/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy.c: see policy.h.
 */
#include "policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "machine.h"
#include "test/host/port_host.h"

struct page *held[70000];
unsigned int nr_held;
static unsigned char held_order[70000];

int policy_quiet(void **state)
{
	*state = NULL;
	port_host_log_hook = port_host_quiet;
	return 0;
}

int policy_start(void **state)
{
	policy_quiet(state);
	machine_start(&layouts[ONE_BANK]);
	return 0;
}

int policy_start_caches(void **state)
{
	policy_quiet(state);
	machine_start(&layouts[ONE_BANK_CACHES]);
	return 0;
}

int policy_start_large(void **state)
{
	static const struct layout large = {"large", 0, {{0x80000000, 256 << 20}}, {{0}}, 0};

	policy_quiet(state);
	machine_start(&large);
	return 0;
}

int policy_stop(void **state)
{
	(void)state;
	machine_stop();
	port_host_log_hook = NULL;
	return 0;
}

void hold(struct page *page, unsigned int order)
{
	assert_non_null(page);
	assert_in_range(nr_held, 0, sizeof(held) / sizeof(held[0]) - 1);
	held_order[nr_held] = (unsigned char)order;
	held[nr_held++] = page;
}

unsigned long take_all(gfp_t gfp, unsigned int order)
{
	unsigned long taken = 0;
	struct page *page;

	for (; (page = alloc_pages(gfp | __GFP_NOWARN, order)); taken++)
		hold(page, order);
	return taken;
}

void give_all(void)
{
	while (nr_held) {
		nr_held--;
		assert_int_equal(0, __free_pages(held[nr_held], held_order[nr_held]));
	}
}

void give_one(unsigned int n)
{
	assert_int_equal(0, __free_pages(held[n], held_order[n]));
	held[n] = held[--nr_held];
	held_order[n] = held_order[nr_held];
}

void give_odd(void)
{
	for (unsigned int i = 0; i < nr_held; i++)
		if (page_to_pfn(held[i]) & 1)
			give_one(i--);
}

uint64_t free_pages_now(void)
{
	struct zone_info info;

	mm_zone_info(ZONE_DMA32, &info);
	return info.free;
}

struct mm_stats stats_now(void)
{
	struct mm_stats now;

	mm_get_stats(&now);
	return now;
}
