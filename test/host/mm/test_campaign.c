/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_campaign.c: a refused request changes nothing, wherever it failed.
 *
 * mm/ marks the places where a request may find that it cannot go on (FAULT_POINT() in
 * mm/debug/hooks.h). For every kind of request, in every state of the pool, the campaign fails
 * place n = 1, 2, 3, ... until the request ends before it gets there; once that place alone, once
 * that and all that follow. When the request is refused, mm_state_hash() must be what it was before
 * and mm_check() must find nothing. The state is put back from a copy of the metadata before each
 * try, so all tries start alike.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "campaign.h"
#include "machine.h"
#include "mm/alloc/alloc.h"
#include "mm/debug/hooks.h"
#include "mm/state.h"
#include "test/host/port_host.h"

#define MIB ((phys_addr_t)1 << 20)
#define GIB ((phys_addr_t)1 << 30)

/* ---- requests ------------------------------------------------------------------------------ */

static const gfp_t kinds[] = {
	GFP_KERNEL,
	GFP_KERNEL | __GFP_MOVABLE,
	GFP_KERNEL | __GFP_RECLAIMABLE,
	GFP_ATOMIC,
	GFP_ATOMIC | __GFP_DMA32,
	GFP_NOWAIT,
	GFP_KERNEL | GFP_DMA32,
	GFP_KERNEL | __GFP_THISNODE,
	GFP_KERNEL | __GFP_COMP,
	GFP_KERNEL | __GFP_ZERO,
	GFP_KERNEL | __GFP_HIGH,
	GFP_KERNEL | __GFP_MEMALLOC,
	GFP_ATOMIC | __GFP_NOMEMALLOC,
	GFP_KERNEL | __GFP_NORETRY,
	GFP_KERNEL | __GFP_RETRY_MAYFAIL,
};
#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* One try of a request; true: it was refused, so nothing may have changed. */
typedef bool request_fn(gfp_t gfp, unsigned int size);

static bool request_pages(gfp_t gfp, unsigned int order)
{
	return !alloc_pages(gfp, order);
}

static bool request_address(gfp_t gfp, unsigned int order)
{
	return !__get_free_pages(gfp, order);
}

static bool request_exact(gfp_t gfp, unsigned int pages)
{
	return !alloc_pages_exact(pages * PAGE_SIZE, gfp);
}

/* What a bulk request got is the caller's; that it gives back, and then nothing may be missing. */
static bool request_bulk(gfp_t gfp, unsigned int n)
{
	struct page *pages[256];
	unsigned long got = alloc_pages_bulk(gfp, n, pages);

	if (!got)
		return true;
	assert_int_equal(got, free_pages_bulk(got, pages));
	assert_int_equal(0, mm_check());
	return false;
}

static bool request_pageset(gfp_t gfp, unsigned int cpu)
{
	int error = setup_per_cpu_pageset(&machine_pcpu, cpu);

	(void)gfp;
	assert_true(!error || error == -ENOMEM);
	return error;
}

static phys_addr_t late_base, late_size;

static bool request_free_late(gfp_t gfp, unsigned int pages)
{
	(void)gfp;
	(void)pages;
	return memblock_free_late(late_base, late_size);
}

static bool request_init(gfp_t gfp, unsigned int unused)
{
	struct mm_config config = {.boot_pcpu = &machine_pcpu};

	(void)gfp;
	(void)unused;
	return mm_init(&config);
}

/* Fail place 1, 2, 3, ... of a request. */
static void try_all_places(const char *state, request_fn *request, gfp_t gfp, unsigned int size)
{
	uint64_t before = mm_state_hash();
	uint64_t reserved = memblock.reserved.total_size;

	for (int all = 0; all < 2; all++) {
		for (unsigned int n = 1;; n++) {
			bool refused;

			put_back();
			campaign_fault.at = n;
			campaign_fault.and_all_after = all;
			campaign_fault.seen = 0;
			mm_fault_point = fail_here;
			refused = request(gfp, size);
			mm_fault_point = NULL;
			assert_int_equal(0, mm_fault_certain);
			assert_false(in_callback());
			campaign_total.tries++;
			campaign_total.refused += refused;
			if (refused && (mm_state_hash() != before || mm_check() ||
					memblock.reserved.total_size != reserved)) {
				campaign_total.differences++;
				print_error(
					"%s: gfp 0x%x size %u: place %u%s%s left a difference\n",
					state, (unsigned int)gfp, size, n,
					all ? " and all after" : "",
					campaign_fault.seen < n ? " (not reached)" : "");
			}
			campaign_total.most = campaign_fault.seen > campaign_total.most
						      ? campaign_fault.seen
						      : campaign_total.most;
			if (campaign_fault.seen < n)
				break;
		}
	}
	put_back();
}

/* ---- the campaign -------------------------------------------------------------------------- */

static unsigned long useless_count(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	return 3;
}

/*
 * Says it freed something, so that all rounds are made; frees nothing, so that a difference is
 * mm's.
 */
static unsigned long useless_scan(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	return 1;
}

static struct shrinker useless = {
	.count_objects = useless_count, .scan_objects = useless_scan, .name = "useless"};

static const struct layout machines[] = {
	{"16 MiB", 0, {{0x80000000, 16 * MIB}}, {{0x80000000, MIB}}, 1},
	{"both zones", 0, {{4 * GIB - 12 * MIB, 20 * MIB}}, {{4 * GIB - 12 * MIB, MIB}}, 1},
	{"too small for grouping", 0, {{0x80000000, 5 * MIB}}, {{0x80000000, MIB}}, 1},
};

static void begin(const struct layout *layout)
{
	port_host_log_hook = port_host_quiet;
	machine_start(layout);
}

static void end(void)
{
	keep_none();
	port_host_kick = NULL;
	mm.pcpu[1] = NULL;
	machine_drop();
	port_host_log_hook = NULL;
}

static void in_every_state(const char *what, request_fn *request, const unsigned int sizes[],
			   unsigned int nr_sizes, gfp_t also, unsigned int step)
{
	for (unsigned int m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		for (unsigned int s = 0; s < nr_states; s++) {
			begin(&machines[m]);
			if (m == 2 && states[s].grouped) {
				end(); /* without grouping there are none */
				continue;
			}
			states[s].make();
			keep_all();
			assert_int_equal(0, register_shrinker(&useless));
			for (unsigned int k = 0; k < NR_KINDS; k += step)
				for (unsigned int i = 0; i < nr_sizes; i++)
					try_all_places(states[s].name, request, kinds[k] | also,
						       sizes[i]);
			unregister_shrinker(&useless);
			end();
		}
	}
	campaign_finish(what);
}

static const unsigned int orders[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static void campaign_alloc_pages(void **state)
{
	(void)state;
	in_every_state("alloc_pages", request_pages, orders, 11, __GFP_NOWARN, 1);
}

/* The refusal report asks the rules again, and changes nothing either. */
static void campaign_report(void **state)
{
	static const unsigned int some[] = {0, 1, 3, 9, 10};

	(void)state;
	in_every_state("with the report", request_pages, some, 5, 0, 2);
}

static void campaign_get_free_pages(void **state)
{
	static const unsigned int some[] = {0, 2, 9, 10};

	(void)state;
	in_every_state("__get_free_pages", request_address, some, 4, __GFP_NOWARN, 3);
}

static void campaign_exact(void **state)
{
	static const unsigned int pages[] = {1, 3, 8, 100, 511, 1000};

	(void)state;
	in_every_state("alloc_pages_exact", request_exact, pages, 6, __GFP_NOWARN, 2);
}

static void campaign_bulk(void **state)
{
	static const unsigned int n[] = {1, 7, 64, 200};

	(void)state;
	in_every_state("alloc_pages_bulk", request_bulk, n, 4, __GFP_NOWARN, 2);
}

static void campaign_pageset(void **state)
{
	struct layout layout = machines[0];

	(void)state;
	layout.caches = 0;
	for (unsigned int s = 0; s < nr_states; s++) {
		if (states[s].grouped || states[s].other_cpu)
			continue; /* they need caches */
		begin(&layout);
		states[s].make();
		keep_all();
		try_all_places(states[s].name, request_pageset, 0, 0);
		end();
	}
	campaign_finish("setup_per_cpu_pageset");
}

static void campaign_free_late(void **state)
{
	struct layout layout = {"late", 0, {{0x80000000, 24 * MIB}}, {{0x80100000, 9 * MIB}}, 1};

	(void)state;
	for (unsigned int s = 0; s < nr_states; s++) {
		begin(&layout);
		states[s].make();
		late_base = 0x80180000;
		late_size = 7 * MIB;
		keep_all();
		try_all_places(states[s].name, request_free_late, 0, 0);
		/* not reserved, not memory, half of each */
		for (unsigned int i = 0; i < 3; i++) {
			static const phys_addr_t wrong[3] = {0x81000000, 0x90000000, 0x81700000};

			late_base = wrong[i];
			late_size = 2 * MIB;
			try_all_places(states[s].name, request_free_late, 0, 1);
		}
		end();
	}
	campaign_finish("memblock_free_late");
}

static void campaign_init(void **state)
{
	(void)state;
	begin(&machines[0]);
	state_mixed();
	keep_all();
	campaign_fault.at = 1;
	campaign_fault.and_all_after = true;
	for (int i = 0; i < 2; i++) {
		uint64_t before = mm_state_hash();

		campaign_fault.seen = 0;
		mm_fault_point = fail_here;
		assert_true(request_init(0, 0));
		mm_fault_point = NULL;
		assert_int_equal(1, campaign_fault.seen);
		assert_true(before == mm_state_hash());
		assert_int_equal(0, mm_check());
	}
	end();
}

/* What mm_explain() says of a request is what becomes of it, and asking changes nothing. */
static void campaign_explain(void **state)
{
	unsigned long asked = 0, refused = 0;
	char text[256];

	(void)state;
	for (unsigned int m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		for (unsigned int s = 0; s < nr_states; s++) {
			uint64_t before;

			begin(&machines[m]);
			if (m == 2 && states[s].grouped) {
				end();
				continue;
			}
			states[s].make();
			keep_all();
			before = mm_state_hash();
			for (unsigned int k = 0; k < NR_KINDS; k++) {
				for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
					bool yes = mm_explain(kinds[k], order, text, sizeof(text));
					bool got;

					assert_true(before == mm_state_hash());
					got = alloc_pages(kinds[k] | __GFP_NOWARN, order);
					if (yes != got)
						fail_msg(
							"%s: gfp 0x%x order %u: said %d, got %d: %s",
							states[s].name, (unsigned int)kinds[k],
							order, yes, got, text);
					assert_int_equal(yes, !text[0]);
					asked++;
					refused += !got;
					put_back();
				}
			}
			end();
		}
	}
	print_message("# explain: %lu requests, %lu refused\n", asked, refused);
	assert_true(refused > 100 && asked > refused + 100);
}

/* Wrong requests never get as far as a place that could fail, and change nothing. */
static void campaign_bad_requests(void **state)
{
	static struct mm_trace_entry ring[4];
	struct page *page;
	uint64_t before;

	(void)state;
	begin(&machines[1]);
	state_mixed();
	before = mm_state_hash();
	assert_null(alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER + 1));
	assert_null(alloc_pages(GFP_KERNEL | GFP_MOVABLE_MASK, 0));
	assert_null(alloc_pages(GFP_KERNEL | (gfp_t)1 << 31, 0));
	assert_null(alloc_pages_exact(0, GFP_KERNEL));
	assert_null(alloc_pages_exact(SIZE_MAX, GFP_KERNEL));
	assert_int_equal(0, alloc_pages_bulk(GFP_KERNEL | GFP_MOVABLE_MASK, 1, &page));
	assert_int_equal(-EINVAL, mm_set_watermark_scale_factor(0));
	assert_int_equal(-EINVAL, mm_set_watermark_scale_factor(3001));
	assert_int_equal(-EINVAL, mm_set_min_free_kbytes(UINT64_MAX));
	assert_int_equal(-EINVAL, mm_set_lowmem_reserve_ratio(MAX_NR_ZONES, 1));
	assert_int_equal(-EINVAL, mm_set_hooks(MM_HOOK_POISON | MM_HOOK_INIT_ON_FREE));
	assert_int_equal(-EINVAL, mm_trace_start(ring, 3));
	assert_int_equal(-EINVAL, setup_per_cpu_pageset(&machine_pcpu, CONFIG_NR_CPUS));
	assert_int_equal(-EINVAL, setup_per_cpu_pageset(&machine_pcpu, 1));
	assert_true(before == mm_state_hash());
	assert_int_equal(0, mm_check());
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(campaign_alloc_pages),	   cmocka_unit_test(campaign_report),
		cmocka_unit_test(campaign_get_free_pages), cmocka_unit_test(campaign_exact),
		cmocka_unit_test(campaign_bulk),	   cmocka_unit_test(campaign_pageset),
		cmocka_unit_test(campaign_free_late),	   cmocka_unit_test(campaign_init),
		cmocka_unit_test(campaign_explain),	   cmocka_unit_test(campaign_bad_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
