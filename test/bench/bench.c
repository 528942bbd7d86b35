/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.c: see bench.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <quarry/port.h>

#include "test/bench/bench.h"

uint64_t bench_overhead;
uint64_t bench_init_cost, bench_pageset_cost;
struct bench_stat bench_allocs, bench_frees;

static const struct bench benches[] = {
	{"B1", "hot pair: one page taken and given back", bench_hot_pair, false},
	{"B2", "1024 pages, freed in reverse; and in bulk", bench_lifo, false},
	{"B3", "1024 pages, freed in the same order and shuffled", bench_orders, false},
	{"B4", "a pair of each order, pool merged and with such a block at hand", bench_pair_order,
	 false},
	{"B5", "churn: a million steps of mixed orders", bench_churn, false},
	{"B6", "coalescing: every other page, then everything freed", bench_coalesce, false},
	{"B7", "mobility: 2 MiB blocks left after churn with 10 % unmovable", bench_mobility,
	 false},
	{"B8", "this boot's initialisation, to the first page", bench_init, false},
	{"B10", "surge: 2 MiB blocks left after waves of unmovable pages", bench_surge, false},
	{"B11", "bursts beyond the cache: 2048 to 65536 pages", bench_beyond, false},
	{"B12", "a fragmented pool: filled, a random tenth freed, swings", bench_fragmented, false},
	{"B13", "that pool freed in random order", bench_teardown, false},
	{"B14", "pages by address, and 64 in bulk, both ways", bench_by_address, false},
	{"B15", "cache lines of descriptors that two CPUs use at once", bench_lines, false},
	{"B16", "a cached page: given back in a drain, looked at in a search of all caches",
	 bench_behind, false},
	{"B17", "objects: pairs, bursts, churn, and what a million hold", bench_objects, true},
	{"B18", "ranges of contiguous pages", bench_ranges, false},
	{"B19", "a call that is recorded", bench_recording, false},
	{"worst", "hunt for the most expensive call; a minute or two", bench_worst, true},
	{"worst-quick", "the same for some seconds", bench_worst_quick, true},
};

const struct bench *bench_at(unsigned int n)
{
	return n < sizeof(benches) / sizeof(benches[0]) ? &benches[n] : NULL;
}

/* ---- random numbers, statistics -------------------------------------------------------------- */

static uint64_t random_state = BENCH_SEED;

void bench_seed(uint64_t seed)
{
	random_state = seed;
}

uint64_t bench_random(void)
{
	/* Marsaglia, Xorshift RNGs (2003), triple 13, 7, 17 */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

void bench_stat_clear(struct bench_stat *stat)
{
	memset(stat, 0, sizeof(*stat));
}

uint64_t bench_stat_rank(const struct bench_stat *stat, unsigned int permille)
{
	uint64_t seen = 0;

	for (unsigned int i = 0; i < BENCH_BUCKETS - 1; i++) {
		seen += stat->bucket[i];
		if (seen * 1000 >= stat->count * permille)
			return i;
	}
	return stat->max;
}

/* ---- lines of figures ------------------------------------------------------------------------ */

static const struct bench *running;
static bool exact; /* the counter counts instructions */
static bool said;  /* that it does not, in this run */
bool (*bench_poll)(const char *what);

bool bench_stopped(const char *what)
{
	return bench_poll && bench_poll(what);
}

bool bench_hunt_stopped(void)
{
	return !exact && bench_stopped(running->name);
}

void bench_line(const char *variant)
{
	printf("bench: %s %s%s%s", running->name, BENCH_ISA, variant ? " " : "",
	       variant ? variant : "");
}

void bench_number(const char *figure, uint64_t value)
{
	printf(" %s=%s%" PRIu64, figure, exact ? "" : "~", value);
}

void bench_mean(const char *figure, int64_t total, uint64_t count)
{
	uint64_t hundredths = total < 0 || !count ? 0 : ((uint64_t)total * 100 + count / 2) / count;

	printf(" %s=%s%" PRIu64 ".%02" PRIu64, figure, exact ? "" : "~", hundredths / 100,
	       hundredths % 100);
}

void bench_plain(const char *figure, uint64_t value)
{
	printf(" %s=%" PRIu64, figure, value);
}

void bench_ratio(const char *figure, uint64_t part, uint64_t whole)
{
	uint64_t hundredths = whole ? part * 100 / whole : 0;

	printf(" %s=%" PRIu64 ".%02" PRIu64, figure, hundredths / 100, hundredths % 100);
}

void bench_end(void)
{
	printf("\n");
}

#if defined(QUARRY_HOST)
void bench_window_end(const char *figure, unsigned long calls)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%s %lu", running->name, figure, calls);
	CALLGRIND_DUMP_STATS_AT(name);
}
#endif

/* ---- tables and the pool --------------------------------------------------------------------- */

bool bench_table_init(struct bench_table *table, unsigned long capacity)
{
	memset(table, 0, sizeof(*table));
	if (capacity > (unsigned long)BENCH_CHUNKS << BENCH_CHUNK_SHIFT)
		return false;
	while (table->order < MAX_PAGE_ORDER &&
	       (PAGE_SIZE << table->order) < capacity * sizeof(struct page *))
		table->order++;
	for (unsigned int i = 0; table->capacity < capacity; i++) {
		table->chunk[i] =
			(struct page **)__get_free_pages(BENCH_GFP | __GFP_MOVABLE, table->order);
		if (!table->chunk[i]) {
			bench_table_free(table);
			return false;
		}
		table->capacity += (PAGE_SIZE << table->order) / sizeof(struct page *);
	}
	return true;
}

void bench_table_free(struct bench_table *table)
{
	for (unsigned int i = 0; i < BENCH_CHUNKS && table->chunk[i]; i++)
		free_pages((unsigned long)(uintptr_t)table->chunk[i], table->order);
	memset(table, 0, sizeof(*table));
}

uint64_t bench_free_pages(void)
{
	uint64_t pages = 0;
	struct zone_info info;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		pages += info.free;
	}
	return pages;
}

uint64_t bench_present_pages(void)
{
	struct mm_layout layout;

	mm_get_layout(&layout);
	return layout.present_pages;
}

void bench_picture(struct bench_picture *picture)
{
	drain_all_pages();
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		mm_buddyinfo((enum zone_type)zone, picture->nr_free[zone]);
}

static bool take_order(enum zone_type zone, unsigned int order, enum migratetype type,
		       bool (*keep)(struct page *page, unsigned int order))
{
	static const gfp_t mobility[MIGRATE_TYPES] = {
		[MIGRATE_MOVABLE] = __GFP_MOVABLE,
		[MIGRATE_RECLAIMABLE] = __GFP_RECLAIMABLE,
	};
	gfp_t gfp = BENCH_GFP_ALL | mobility[type] | (zone == ZONE_DMA32 ? __GFP_DMA32 : 0);
	uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS];
	struct zone_info info;

	drain_all_pages();
	mm_pagetypeinfo(zone, nr_free);
	mm_zone_info(zone, &info);
	if (order == MAX_PAGE_ORDER && type == MIGRATE_MOVABLE)
		nr_free[type][order] -= info.untouched >> MAX_PAGE_ORDER;
	while (nr_free[type][order]-- > 0) {
		struct page *page = alloc_pages(gfp, order);

		if (page && !keep(page, order)) {
			__free_pages(page, order);
			page = NULL;
		}
		if (!page)
			return false;
	}
	return true;
}

void bench_take_touched(unsigned int top, bool (*keep)(struct page *page, unsigned int order))
{
	/* the largest first, so that none is split to serve a smaller request */
	for (int order = (int)top; order >= 0; order--)
		for (int zone = 0; zone < MAX_NR_ZONES; zone++)
			for (int type = 0; type < MIGRATE_TYPES; type++)
				if (!take_order((enum zone_type)zone, (unsigned int)order,
						(enum migratetype)type, keep))
					return;
	drain_all_pages();
}

uint64_t bench_free_pageblocks(void)
{
	struct bench_picture picture;
	uint64_t blocks = 0;

	bench_picture(&picture);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		for (unsigned int order = pageblock_order; order < NR_PAGE_ORDERS; order++)
			blocks += picture.nr_free[zone][order] << (order - pageblock_order);
	return blocks;
}

/* ---- running --------------------------------------------------------------------------------- */

#define NOPS	1000
#define STR_(x) #x
#define STR(x)	STR_(x)

/* On the machine: two reads in a row differ by 1, and 1000 no-operations read 1001. */
static bool calibrate(void)
{
	uint64_t start = bench_count(), end = bench_count();

	bench_overhead = end - start;
#if defined(QUARRY_HOST)
	for (int i = 0; i < 1000; i++) {
		start = bench_count();
		end = bench_count();
		if (end - start < bench_overhead)
			bench_overhead = end - start;
	}
	return false;
#else
	start = bench_count();
	__asm__ volatile(".rept " STR(NOPS) "\n\tnop\n\t.endr" ::: "memory");
	end = bench_count();
	if (bench_overhead == 1 && end - start == NOPS + 1)
		return true;
	if (!said)
		printf("bench: the counter is not one of instructions (%d nops read as %" PRIu64
		       "):\nbench: figures are marked ~; exact ones: make bench, or QEMU's -icount\n",
		       NOPS, end - start);
	said = true;
	return false;
#endif
}

int bench_run(const struct bench *bench)
{
	struct bench_picture before, after;
	unsigned long flags = port_irq_save();
	const char *error;
	int violations;

	running = bench;
	exact = calibrate();
	bench_seed(BENCH_SEED);
	bench_stat_clear(&bench_allocs);
	bench_stat_clear(&bench_frees);
	bench_picture(&before);
	error = bench->run();
	bench_picture(&after);
	violations = mm_check();
	port_irq_restore(flags);
	if (error)
		printf("bench: %s cannot be run: %s\n", bench->name, error);
	if (violations)
		printf("bench: %s: mm_check() finds %d violations\n", bench->name, violations);
	if (memcmp(&before, &after, sizeof(before)) != 0)
		printf("bench: %s: the free blocks are not those it found\n", bench->name);
	return error || violations || memcmp(&before, &after, sizeof(before)) != 0;
}

const struct bench *bench_find(const char *name)
{
	const struct bench *bench;

	for (unsigned int n = 0; (bench = bench_at(n)) != NULL; n++)
		if (strcmp(bench->name, name) == 0)
			return bench;
	return NULL;
}

int bench_run_named(int n, char **names)
{
	const struct bench *bench;
	int failed = 0;

	said = false;
	for (int i = 0; i < n; i++) {
		if (bench_stopped(names[i]))
			return 1;
		failed |= bench_run(bench_find(names[i]));
	}
	for (unsigned int i = 0; n == 0 && (bench = bench_at(i)) != NULL; i++) {
		if (bench->only_by_name)
			continue;
		if (bench_stopped(bench->name))
			return 1;
		failed |= bench_run(bench);
	}
	return failed;
}
