/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lines.c: B15, the cache lines of descriptors that two CPUs use at once. Eight descriptors lie in a
 * line of 64 bytes, and each allocation and free writes one: where pages of both CPUs share a line, it
 * moves from one CPU to the other at each call.
 *
 * This CPU takes turns as two: it has two areas, and changes from one to the other. Each takes a page in
 * turn until both hold some thousands, in a fresh pool and in one of single holes, and then they free and
 * take pages by turns. The lines with pages of both are counted.
 */
#include <string.h>

#include <quarry/port.h>

#include "test/bench/bench.h"

#define NOINLINE   __attribute__((noinline))
#define LINE_PAGES 8	/* descriptors in 64 bytes */
#define HOLD	   4096 /* pages each CPU holds at last */
#define SWINGS	   16
#define POOL_SHARE 1000 / 1140
#define HOLES_OF   10 /* a random tenth of the pool is free, as in B12 */

static struct mm_pcpu other; /* the area of the second CPU */

/* Past all CPUs that have caches. */
static unsigned int free_number(void)
{
	struct pcp_info info;
	unsigned int number = 1;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		if (info.cpu >= number)
			number = info.cpu + 1;
	return number;
}

/* ---- the second CPU -------------------------------------------------------------------------- */

static uint64_t array_bytes; /* of its caches' arrays */

static bool other_online(struct mm_pcpu *self)
{
	unsigned int number = free_number();
	struct mm_layout before, after;
	int error;

	if (number >= CONFIG_NR_CPUS)
		return false;
	mm_get_layout(&before);
	boot_pageset_init(&other, number);
	port_set_pcpu(&other);
	error = setup_per_cpu_pageset(&other, number);
	port_set_pcpu(self);
	mm_get_layout(&after);
	array_bytes = after.pcp_bytes - before.pcp_bytes;
	return !error;
}

/* It goes for good: its arrays, which begin with that of its first cache, are freed. */
static void other_gone(struct mm_pcpu *self)
{
	struct page **first = NULL;

	port_set_pcpu(&other);
	mm_cpu_offline();
	port_set_pcpu(self);
	for (unsigned int i = 0; i < NR_PAGE_ORDERS * NR_PCP_CLASSES; i++)
		if (other.cache[i].capacity && (!first || other.cache[i].base < first))
			first = other.cache[i].base;
	if (first)
		free_pages_exact(first, array_bytes);
}

static NOINLINE struct page *take_here(void)
{
	return alloc_page(BENCH_GFP);
}

static NOINLINE void give_here(struct page *page)
{
	__free_page(page);
}

/*
 * One call each as one of the two. Functions of their own: where the area changes between two calls that
 * are inline, the compiler may use the first one's for both.
 */
static NOINLINE struct page *take(struct mm_pcpu *cpu, struct mm_pcpu *self)
{
	struct page *page;

	port_set_pcpu(cpu);
	page = take_here();
	port_set_pcpu(self);
	return page;
}

static NOINLINE void give(struct mm_pcpu *cpu, struct mm_pcpu *self, struct page *page)
{
	port_set_pcpu(cpu);
	give_here(page);
	port_set_pcpu(self);
}

/* ---- what lies where ------------------------------------------------------------------------- */

/* Pages of both CPUs, by turns: held[0] is this one's, held[1] the other's. */
static struct page **held;
static unsigned long hold;

static struct mm_pcpu *cpu_of(unsigned long n, struct mm_pcpu *self)
{
	return n % 2 ? &other : self;
}

/* Print the share of lines with pages of both among all that have some. False: memory was short. */
static bool print_share(const char *figure)
{
	uint64_t lowest = UINT64_MAX, highest = 0, both = 0, used = 0;
	unsigned long lines;
	uint8_t *marks;

	for (unsigned long n = 0; n < 2 * hold; n++) {
		uint64_t line = page_to_pfn(held[n]) / LINE_PAGES;

		lowest = line < lowest ? line : lowest;
		highest = line > highest ? line : highest;
	}
	lines = (unsigned long)(highest - lowest + 1);
	marks = alloc_pages_exact(lines, BENCH_GFP);
	if (!marks)
		return false;
	memset(marks, 0, lines);
	for (unsigned long n = 0; n < 2 * hold; n++)
		marks[page_to_pfn(held[n]) / LINE_PAGES - lowest] |= 1U << n % 2;
	for (unsigned long n = 0; n < lines; n++) {
		used += marks[n] != 0;
		both += marks[n] == 3;
	}
	free_pages_exact(marks, lines);
	bench_ratio(figure, both * 100, used);
	return true;
}

/*
 * Each CPU in turn frees a quarter of its pages, drawn at random, and takes as many: more than a cache
 * of two CPUs' gives back unasked. False: memory was short.
 */
static bool swing(struct mm_pcpu *self)
{
	for (unsigned long turn = 0; turn < SWINGS; turn++) {
		unsigned long first = 2 * (hold - hold / 4) + turn % 2;

		for (unsigned long n = first; n < 2 * hold; n += 2) {
			unsigned long other_n = bench_random() % (n / 2 + 1) * 2 + turn % 2;
			struct page *page = held[n];

			held[n] = held[other_n];
			held[other_n] = page;
		}
		for (unsigned long n = first; n < 2 * hold; n += 2)
			give(cpu_of(turn, self), self, held[n]);
		for (unsigned long n = first; n < 2 * hold; n += 2)
			held[n] = take(cpu_of(turn, self), self);
		for (unsigned long n = first; n < 2 * hold; n += 2)
			if (!held[n])
				return false;
	}
	return true;
}

/* The shares of one pool: as both CPUs take their pages, and after swings of both. */
static bool shares(const char *variant, struct mm_pcpu *self)
{
	bool enough = true;

	for (unsigned long n = 0; n < 2 * hold; n++) {
		held[n] = take(cpu_of(n, self), self);
		enough = enough && held[n];
	}
	bench_line(variant);
	enough = enough && print_share("share") && swing(self) && print_share("swung");
	bench_end();
	for (unsigned long n = 0; n < 2 * hold; n++)
		if (held[n])
			give(cpu_of(n, self), self, held[n]);
	return enough;
}

/* Take most of the pool; all but a random tenth is left in pages[]. 0: there is too little. */
static unsigned long fragment(struct page **pages, unsigned long n)
{
	unsigned long live = n - n / HOLES_OF;

	for (unsigned long i = 0; i < n; i++) {
		unsigned long j = bench_random() % (i + 1); /* shuffled as it grows */

		pages[i] = pages[j];
		pages[j] = alloc_page(BENCH_GFP);
	}
	for (unsigned long i = live; i < n; i++)
		if (pages[i])
			__free_page(pages[i]);
	return live;
}

const char *bench_lines(void)
{
	struct mm_pcpu *self = port_pcpu();
	struct page **pages = NULL;
	unsigned long n, live;
	bool enough;

	drain_all_pages();
	n = (unsigned long)bench_free_pages() * POOL_SHARE;
	hold = n / HOLES_OF / 4 < HOLD ? n / HOLES_OF / 4 : HOLD;
	held = n < 16384 ? NULL : alloc_pages_exact(2 * hold * sizeof(struct page *), BENCH_GFP);
	if (held)
		pages = alloc_pages_exact(n * sizeof(struct page *), BENCH_GFP);
	if (!pages)
		return "it needs 128 MiB";
	enough = other_online(self);
	if (enough) {
		enough = shares("fresh", self);
		live = fragment(pages, n);
		enough = shares("fragmented", self) && enough;
		for (unsigned long i = 0; i < live; i++)
			if (pages[i])
				__free_page(pages[i]);
		other_gone(self);
	}
	free_pages_exact(pages, n * sizeof(*pages));
	free_pages_exact(held, 2 * hold * sizeof(*held));
	return enough ? NULL : "memory or CPUs' numbers were short";
}
