/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c: the workloads as a program for this machine: `bench [-t THREADS | -l | -f] [NAME...]`. It
 * starts the allocator on 1 GiB of address space as boot/ does on a board, with -f on 64 GiB (host_caches.c). With -t the hot pair, the burst
 * and the churn run on that many threads at once, each as a CPU with caches of its own.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/memblock.h>
#include <quarry/slab.h>

#include "test/bench/bench.h"
#include "test/bench/host_threads.h"
#include "test/host/port_host.h"

#define RAM_BASE ((phys_addr_t)0x80000000)
#define RAM_SIZE ((size_t)1 << 30)
#define FAR_SIZE ((size_t)64 << 30)

static struct mm_pcpu cpu0;

static _Noreturn void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	exit(2);
}

static void start_allocator(size_t size)
{
	struct mm_config config = {.boot_pcpu = &cpu0};
	struct page *page;
	uint64_t start;
	int err;

	port_set_pcpu(&cpu0);
	if (!host_ram_map(RAM_BASE, size))
		die("bench: no %zu MiB of address space\n", size >> 20);
	memblock_init();
	memblock_add(RAM_BASE, size);
	/* where the metadata goes, so that B8 is not this machine's page faults */
	memset(phys_to_virt(RAM_BASE + size - size / 256), 0x5a, size / 256);
	start = bench_tick();
	err = mm_init(&config);
	if (!err) {
		memblock_free_all();
		page = alloc_page(GFP_KERNEL);
		bench_init_cost = bench_tock(start);
		__free_page(page);
		start = bench_tick();
		err = setup_per_cpu_pageset(&cpu0, 0);
		bench_pageset_cost = bench_tock(start);
		kmem_cache_init();
	}
	if (err)
		die("bench: the page allocator cannot start (error %d)\n", err);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "-t") == 0) {
		int threads = atoi(argv[2]);

		if (threads < 1 || threads > CONFIG_NR_CPUS)
			die("bench: 1 to %d threads\n", CONFIG_NR_CPUS);
		start_allocator(RAM_SIZE);
		return bench_threads((unsigned int)threads);
	}
	if (argc == 2 && strcmp(argv[1], "-l") == 0) {
		start_allocator(RAM_SIZE);
		return bench_shared_lines();
	}
	if (argc == 2 && strcmp(argv[1], "-f") == 0) {
		start_allocator(FAR_SIZE);
		return bench_far();
	}
	for (int i = 1; i < argc; i++)
		if (!bench_find(argv[i]))
			die("bench: '%s' is unknown\n", argv[i]);
	start_allocator(RAM_SIZE);
	return bench_run_named(argc - 1, argv + 1);
}
