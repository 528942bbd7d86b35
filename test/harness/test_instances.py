# SPDX-License-Identifier: BSD-2-Clause
"""QUARRY_INSTANCES: several allocators in one program, each with RAM of its own."""
import re
import subprocess

import pytest

import boards
from board import ROOT

SOURCES = [ROOT / "build/amalgamation" / name for name in ("quarry.c", "quarry_debug.c")]
PORT = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <quarry/cma.h>
#include <quarry/errno.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>
phys_addr_t port_host_offset;
_Thread_local struct mm_pcpu *port_host_pcpu;
void port_log(const char *fmt, ...) { va_list args; va_start(args, fmt); vprintf(fmt, args); va_end(args); putchar(10); }
void port_panic(const char *fmt, ...) { puts(fmt); abort(); }
#define CHECK(condition) ((condition) ? (void)0 : (printf("line %d: %s\n", __LINE__, #condition), exit(1)))
static struct mm_pcpu area[2][2]; /* [allocator][CPU] */
static const phys_addr_t base[2] = {0x40000000, 0x80000000}, size[2] = {64 << 20, 24 << 20};

static struct cma *lent; /* by the first allocator alone */

static void start(unsigned int which)
{
	struct mm_config config = {.boot_pcpu = &area[which][0], .nr_cpus = 2};

	area[which][0].instance = which;
	port_set_pcpu(&area[which][0]);
	memblock_init();
	CHECK(!memblock_add(base[which], size[which]) && memblock_phys_mem_size() == size[which]);
	CHECK(which || (!memblock_reserve(base[0], 4 << 20) && !cma_init_reserved_mem(base[0], 4 << 20, "lent", &lent)));
	CHECK(!mm_init(&config) && memblock_free_all() && !setup_per_cpu_pageset(&area[which][0], 0));
}
static void use(unsigned int which, unsigned int cpu) { port_set_pcpu(&area[which][cpu]); }
static void map(void)
{
	char *ram = mmap(NULL, (size_t)2 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(ram != MAP_FAILED);
	port_host_offset = (phys_addr_t)(uintptr_t)ram - base[0];
}
static unsigned long churn(unsigned int seed, struct page **pages, uint8_t *orders, unsigned int slots, unsigned int calls)
{
	unsigned long got = 0;

	for (unsigned int i = 0; i < calls; i++) {
		unsigned int s = (seed = seed * 1103515245 + 12345) / 65536 % slots;

		if (pages[s]) {
			CHECK(!__free_pages(pages[s], orders[s]));
			pages[s] = NULL;
		} else {
			pages[s] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, orders[s] = seed / 7 % 5);
			got += !!pages[s];
		}
	}
	return got;
}
"""

ALONE = PORT + r"""
static unsigned long asked[2];
static unsigned long count(struct shrinker *s, struct shrink_control *c) { (void)s; (void)c; asked[mm_instance()]++; return 0; }
static unsigned long scan(struct shrinker *s, struct shrink_control *c) { (void)s; (void)c; return SHRINK_STOP; }
int main(void)
{
	static struct page *pages[2][200];
	static uint8_t orders[2][200];
	static struct mm_trace_entry ring[2][64];
	struct shrinker shrinker = {.count_objects = count, .scan_objects = scan};
	struct mm_stats stats[2];
	uint64_t hash, hashes[2];

	map();
	start(0);
	hash = mm_state_hash();
	start(1);
	CHECK(mm_instance() == 1 && !cma_at(0));
	use(0, 0);
	CHECK(cma_at(0) == lent && lent && hash == mm_state_hash() && memblock_phys_mem_size() == size[0]);
	for (unsigned int round = 0; round < 20; round++)
		for (unsigned int which = 0; which < 2; which++) {
			use(which, 0);
			CHECK(churn(round * 2 + which, pages[which], orders[which], 200, 500) > 50);
			for (unsigned int i = 0; i < 200; i++)
				CHECK(!pages[which][i] || page_to_phys(pages[which][i]) - base[which] < size[which]);
			CHECK(!mm_check());
			hashes[which] = mm_state_hash();
			use(!which, 0); /* the other has not noticed */
			CHECK(!round || hashes[!which] == mm_state_hash());
		}
	/* A page of the other one is refused, and changes neither. */
	for (unsigned int which = 0; which < 2; which++) {
		struct page *page;

		use(which, 0);
		page = alloc_page(GFP_KERNEL);
		hashes[which] = mm_state_hash();
		use(!which, 0);
		hashes[!which] = mm_state_hash();
		CHECK(__free_page(page) == -EFAULT && hashes[!which] == mm_state_hash());
		use(which, 0);
		CHECK(hashes[which] == mm_state_hash() && !__free_page(page));
	}
	/* Shrinkers, settings and the trace are one allocator's. */
#if CONFIG_DEBUG_HOOKS
	use(0, 0);
	CHECK(!mm_trace_start(ring[0], 64));
	use(1, 0);
	CHECK(!mm_trace_start(ring[1], 64));
	use(0, 0);
	CHECK(!__free_page(alloc_page(GFP_KERNEL)) && ring[0][1].pfn && !ring[1][0].pfn);
#endif
	use(1, 0);
	CHECK(!register_shrinker(&shrinker));
	mm_get_stats(&stats[1]);
	for (int which = 1; which >= 0; which--) {
		struct page *page, *last = NULL;

		use((unsigned int)which, 0);
		mm_get_stats(&stats[0]);
		CHECK(stats[0].alloc_failed == (which ? stats[1].alloc_failed : 0));
		while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
			last = page;
		CHECK(!__free_page(last));
	}
	CHECK(!asked[0] && asked[1]);
	use(1, 0);
	CHECK(mm_set_pcp_high(0) == 0);
	use(0, 0);
	CHECK(mm_pcp_high() > 0);
	CHECK(!mm_check());
	use(1, 0);
	CHECK(!mm_check());
	area[1][1].instance = 2; /* there is none */
	port_set_pcpu(&area[1][1]);
	CHECK(mm_init(&(struct mm_config){.boot_pcpu = &area[1][1]}) == -EINVAL && setup_per_cpu_pageset(&area[1][1], 0) == -EINVAL);
	puts("both are whole");
	return 0;
}
"""

# Two threads are CPUs, each with an area of either allocator; each drains what the other has cached.
TWO_CPUS = PORT + r"""
static _Atomic int running = 2;
static pthread_barrier_t barrier;
static void *cpu_main(void *number)
{
	unsigned int cpu = (unsigned int)(uintptr_t)number;
	struct page *pages[2][64] = {0};
	uint8_t orders[2][64];

	for (unsigned int which = 0; cpu && which < 2; which++) {
		area[which][cpu].instance = which;
		use(which, cpu);
		boot_pageset_init(&area[which][cpu], cpu);
		CHECK(!setup_per_cpu_pageset(&area[which][cpu], cpu));
	}
	pthread_barrier_wait(&barrier);
	for (unsigned int round = 0; round < 300; round++) {
		unsigned int which = (round + cpu) % 2; /* they work on different ones, mostly */

		use(which, cpu);
		churn(round * 7 + cpu, pages[which], orders[which], 64, 60);
		if (round % 10 == cpu)
			drain_all_pages();
		mm_ipi();
	}
	for (unsigned int which = 0; which < 2; which++) {
		use(which, cpu);
		for (unsigned int i = 0; i < 64; i++)
			CHECK(!pages[which][i] || !__free_pages(pages[which][i], orders[which][i]));
	}
	for (running--; running; sched_yield())
		mm_ipi();
	return NULL;
}
int main(void)
{
	pthread_t thread;
	struct mm_layout layout[2];

	map();
	start(0);
	start(1);
	pthread_barrier_init(&barrier, NULL, 2);
	CHECK(!pthread_create(&thread, NULL, cpu_main, (void *)1));
	cpu_main(NULL);
	pthread_join(thread, NULL);
	for (unsigned int which = 0; which < 2; which++) {
		use(which, 0);
		CHECK(!mm_check());
		mm_get_layout(&layout[which]);
	}
	CHECK(layout[0].present_pages == size[0] >> PAGE_SHIFT && layout[1].present_pages == size[1] >> PAGE_SHIFT);
	puts("both are whole");
	return 0;
}
"""


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
                          **options)


@pytest.mark.parametrize("name,options", [("alone", ["-fsanitize=address"]), ("alone", ["-DCONFIG_DEBUG_VM=1"]),
                                          ("two CPUs", ["-fsanitize=thread"])])
def test_two_allocators(tmp_path, name, options):
    text = {"alone": ALONE, "two CPUs": TWO_CPUS}[name]
    if "-DCONFIG_DEBUG_VM=1" in options:
        text = text.replace("static struct mm_pcpu area", "_Thread_local unsigned long port_host_masked;\nstatic struct mm_pcpu area")
    (tmp_path / "two.c").write_text(text)
    boards.build("amalgamation")
    command = ["gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-tsan", "-DQUARRY_HOST", "-DQUARRY_INSTANCES=2", f"-I{ROOT / 'include'}",
               *options, "-pthread", "-o", tmp_path / "two", tmp_path / "two.c"]
    built = run(*command, *SOURCES)
    assert built.returncode == 0, built.stdout[-3000:]
    done = run(tmp_path / "two")
    assert done.returncode == 0 and "both are whole\n" in done.stdout, f"{name}: {done.stdout[-3000:]}"


def test_one_and_two_do_not_link(tmp_path):
    """A library for one allocator and a caller that has two."""
    (tmp_path / "one.c").write_text("#include <quarry/mm.h>\nint main(void) { return !alloc_page(GFP_KERNEL); }\n")
    done = run("gcc", "-O1", "-DQUARRY_HOST", "-DQUARRY_INSTANCES=2", f"-I{ROOT / 'include'}", "-o", tmp_path / "one", tmp_path / "one.c")
    assert re.search(r"undefined reference to `alloc_pages_slow__NR_CPUS_\d+__INSTANCES_2__\w+'", done.stdout), done.stdout


def test_each_state_is_of_an_instance(tmp_path):
    """What can be written is an array with an element for each allocator, but for what all may share."""
    boards.build("amalgamation")
    written = set()
    for name in ("quarry", "quarry_slab", "quarry_debug"):
        built = run("gcc", "-std=gnu11", "-O1", "-fno-pie", "-w", "-DQUARRY_HOST", "-DQUARRY_INTERNAL_NAMES", "-DQUARRY_INSTANCES=2",
                    f"-I{ROOT / 'include'}", "-c", "-o", tmp_path / "one.o", ROOT / f"build/amalgamation/{name}.c")
        assert built.returncode == 0, built.stdout[-2000:]
        written |= set(re.findall(r"(?m) [bBdD] (\w+)", run("nm", tmp_path / "one.o").stdout))
    assert {"mm_of_instance", "memblock_of_instance", "kmem_state_of_instance"} <= written
    # an array too; functions that all may call, and the one that the first of them sets; NULL, which nobody writes; a number that only changes;
    # call sites that are named once, whichever allocator they ask
    assert {name for name in written if not name.endswith("_of_instance")} == {"first_regions", "mm_movable_ops", "mm_compact_direct", "pcp_empty_slot",
                                                                                   "settings", "sleeping_sites"}
