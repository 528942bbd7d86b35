/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_embedding.c: what a host of mm/ may get wrong when it sets up CPUs, and CPUs that leave and
 * come back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>

#include "policy.h"
#include "test/host/port_host.h"

#define BASE 0x80000000ULL
#define SIZE (64ULL << 20)

static struct mm_pcpu area[3];

/* An interrupt of the CPU that is kicked. */
static void kick(unsigned int cpu)
{
	struct mm_pcpu *self = port_pcpu();

	port_set_pcpu(&area[cpu]);
	mm_ipi();
	port_set_pcpu(self);
}

static int start_memory(void **state)
{
	(void)state;
	memblock_init();
	assert_non_null(host_ram_map(BASE, SIZE));
	host_ram_randomize(BASE, SIZE, 1);
	assert_int_equal(0, memblock_add(BASE, SIZE));
	memset(area, 0x5a, sizeof(area));
	port_host_log_clear();
	port_host_log_hook = port_host_capture;
	return 0;
}

static int start_cpus(void **state)
{
	struct mm_config config = {.boot_pcpu = &area[0], .nr_cpus = 2};

	start_memory(state);
	port_set_pcpu(&area[0]);
	assert_int_equal(0, mm_init(&config));
	memblock_free_all();
	assert_int_equal(0, setup_per_cpu_pageset(&area[0], 0));
	boot_pageset_init(&area[1], 1);
	port_set_pcpu(&area[1]);
	assert_int_equal(0, setup_per_cpu_pageset(&area[1], 1));
	port_set_pcpu(&area[0]);
	port_host_kick = kick;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	port_host_kick = NULL;
	port_host_log_hook = NULL;
	host_ram_unmap();
	return 0;
}

/* ---- areas that port_pcpu() does not return -------------------------------------------------- */

static void boot_pcpu_is_port_pcpu(void **state)
{
	struct mm_config config = {.nr_cpus = 1};
	uint64_t reserved = memblock.reserved.total_size;

	(void)state;
	for (unsigned int wrong = 0; wrong < 4; wrong++) {
		port_set_pcpu(wrong & 1 ? &area[0] : NULL);
		config.boot_pcpu = wrong & 2 ? &area[1] : NULL;
		assert_int_equal(-EINVAL, mm_init(&config));
		assert_non_null(strstr(port_host_log_text, "port_set_pcpu()"));
		assert_true(strchr(port_host_log_text, '\n')[1] == '\0'); /* one line */
		port_host_log_clear();
		assert_int_equal(reserved, memblock.reserved.total_size);
	}
	port_set_pcpu(&area[1]);
	assert_int_equal(0, mm_init(&config));
	assert_int_equal(0, area[1].cpu);
	assert_int_equal(SIZE / PAGE_SIZE,
			 memblock_free_all() + PFN_UP(memblock.reserved.total_size));
	assert_non_null(alloc_page(GFP_KERNEL));
}

/* The library says which it is; the parts of a version are told apart. */
static void version_is_of_headers(void **state)
{
	(void)state;
	assert_int_equal(QUARRY_VERSION_OF_HEADERS, mm_version());
	assert_true(QUARRY_VERSION_NUMBER(0, 1, 999) < QUARRY_VERSION_NUMBER(0, 2, 0));
	assert_true(QUARRY_VERSION_NUMBER(0, 999, 0) < QUARRY_VERSION_NUMBER(1, 0, 0));
}

static void pageset_is_this_cpus(void **state)
{
	uint64_t before = mm_state_hash();

	(void)state;
	boot_pageset_init(&area[2], 2);
	assert_int_equal(-EINVAL, setup_per_cpu_pageset(&area[2], 2)); /* this is CPU 0 */
	assert_int_equal(-EINVAL, setup_per_cpu_pageset(&area[0], 1));
	assert_int_equal(-EINVAL, setup_per_cpu_pageset(&area[0], CONFIG_NR_CPUS));
	assert_int_equal(-EEXIST, setup_per_cpu_pageset(&area[0], 0));
	assert_true(before == mm_state_hash());
	assert_int_equal(0, mm_check());
}

/* ---- a CPU that leaves and comes back -------------------------------------------------------- */

static unsigned long cached_by(const struct mm_pcpu *cpu)
{
	unsigned long blocks = 0;

	for (unsigned int i = 0; i < NR_PAGE_ORDERS * NR_PCP_CLASSES; i++)
		blocks += (unsigned long)(cpu->cache[i].top - cpu->cache[i].base);
	return blocks;
}

/* Single pages and larger blocks, taken and given back; most of them would stay in the caches. */
static void use_caches(void)
{
	struct page *pages[40];

	for (unsigned int i = 0; i < 40; i++)
		assert_non_null(pages[i] = alloc_pages(GFP_KERNEL, i % 4));
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(0, __free_pages(pages[i], i % 4));
}

static uint64_t pcp_bytes(void)
{
	struct mm_layout layout;

	mm_get_layout(&layout);
	return layout.pcp_bytes;
}

static unsigned int caches_of(unsigned int cpu, unsigned int *high)
{
	struct pcp_info info;
	unsigned int caches = 0;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++) {
		if (info.cpu != cpu)
			continue;
		if (!caches++)
			*high = info.high;
	}
	return caches;
}

/* There is no memory for a CPU's caches: it goes without, and may ask again. */
static void no_memory_for_caches(void **state)
{
	struct mm_fail fail = {.every = 1};
	unsigned int high;

	(void)state;
	boot_pageset_init(&area[2], 2);
	port_set_pcpu(&area[2]);
	assert_int_equal(0, mm_set_fail(&fail));
	assert_int_equal(-ENOMEM, setup_per_cpu_pageset(&area[2], 2));
	fail.every = 0;
	assert_int_equal(0, mm_set_fail(&fail));
	assert_int_equal(0, caches_of(2, &high));
	use_caches();
	assert_int_equal(0, cached_by(&area[2]));
	assert_int_equal(0, mm_check());
	assert_int_equal(0, setup_per_cpu_pageset(&area[2], 2));
	assert_true(caches_of(2, &high));
	use_caches();
	assert_true(cached_by(&area[2]));
	assert_int_equal(0, mm_check());
}

static void offline_and_back(void **state)
{
	unsigned int high, high_now, caches = caches_of(1, &high);
	uint64_t bytes = pcp_bytes(), free;

	(void)state;
	drain_all_pages();
	free = free_pages_now();
	assert_true(caches && high);
	for (unsigned int round = 0; round < 5; round++) {
		port_set_pcpu(&area[1]);
		use_caches();
		assert_true(cached_by(&area[1]));
		mm_cpu_offline();
		assert_int_equal(0, cached_by(&area[1]));
		assert_int_equal(free, free_pages_now());
		assert_int_equal(0, caches_of(1, &high_now));

		/* Its calls go to the buddy, whatever comes in between. */
		for (unsigned int late = 0; late < 3; late++) {
			use_caches();
			assert_int_equal(0, cached_by(&area[1]));
			assert_int_equal(free, free_pages_now());
			mm_ipi(); /* a kick that comes late */
			mm_cpu_idle();
			if (late == 1)
				drain_all_pages();
			if (late == 2)
				mm_cpu_offline(); /* again */
		}
		/* The others neither wait for it nor tell it what they set meanwhile. */
		port_set_pcpu(&area[0]);
		mm_set_pcp_high(20 + round);
		assert_int_equal(0, mm_set_hooks(round % 2 ? MM_HOOK_INIT_ON_ALLOC : 0));
		drain_all_pages();
		port_set_pcpu(&area[1]);
		use_caches();
		mm_set_pcp_high(20 + round); /* from there too */
		use_caches();
		assert_int_equal(0, cached_by(&area[1]));
		assert_int_equal(0, mm_check());

		assert_int_equal(0, setup_per_cpu_pageset(&area[1], 1));
		assert_int_equal(caches, caches_of(1, &high_now));
		assert_int_equal(20 + round, high_now);
		assert_int_equal(bytes, pcp_bytes()); /* the arrays it had */
		assert_int_equal(-EEXIST, setup_per_cpu_pageset(&area[1], 1));
		use_caches();
		assert_true(cached_by(&area[1]));
		port_set_pcpu(&area[0]);
		drain_all_pages(); /* asked again, it gives back */
		assert_int_equal(0, cached_by(&area[1]));
		assert_int_equal(free, free_pages_now());
		assert_int_equal(0, mm_check());
	}
	assert_int_equal(0, mm_set_hooks(0));
}

/* While a CPU is away another area may take its number. */
static void number_passed_on(void **state)
{
	unsigned int high;

	(void)state;
	port_set_pcpu(&area[1]);
	mm_cpu_offline();
	boot_pageset_init(&area[2], 1);
	port_set_pcpu(&area[2]);
	assert_int_equal(0, setup_per_cpu_pageset(&area[2], 1));
	use_caches();
	assert_true(caches_of(1, &high));
	assert_true(cached_by(&area[2]));
	mm_cpu_offline();
	assert_int_equal(0, mm_check());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_is_of_headers),
		cmocka_unit_test_setup_teardown(boot_pcpu_is_port_pcpu, start_memory, stop),
		cmocka_unit_test_setup_teardown(pageset_is_this_cpus, start_cpus, stop),
		cmocka_unit_test_setup_teardown(no_memory_for_caches, start_cpus, stop),
		cmocka_unit_test_setup_teardown(offline_and_back, start_cpus, stop),
		cmocka_unit_test_setup_teardown(number_passed_on, start_cpus, stop),
	};

	return cmocka_run_group_tests_name("embedding", tests, NULL, NULL);
}
