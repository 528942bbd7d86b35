/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counter.h: the counter the benchmarks read, inline, so that two reads in a row differ by one.
 *
 * On the machine it counts retired instructions of this CPU: instret on riscv64, PMCCNTR_EL0 on
 * arm64, which counts instructions under QEMU's -icount (boot/ has started it). Whether it does is
 * measured by calibrate() in bench.c. On the host it is nanoseconds, and under callgrind, which counts
 * on its own, reading it switches callgrind's collection on and off.
 */
#ifndef TEST_BENCH_COUNTER_H
#define TEST_BENCH_COUNTER_H

#include <stdint.h>

#if defined(QUARRY_HOST)

#include <time.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name) (void)(name)
#endif

#define BENCH_ISA "host"

static inline uint64_t bench_count(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#define BENCH_TOGGLE CALLGRIND_TOGGLE_COLLECT

/*
 * What callgrind collects from bench_window() to bench_window_end() is written out under the name
 * of the figure and the number of calls it is for.
 */
static inline void bench_window(void)
{
	CALLGRIND_ZERO_STATS;
}
void bench_window_end(const char *figure, unsigned long calls);

#else

#define BENCH_TOGGLE

static inline void bench_window(void)
{
}

static inline void bench_window_end(const char *figure, unsigned long calls)
{
	(void)figure;
	(void)calls;
}

#if defined(__riscv) && __riscv_xlen == 64

#define BENCH_ISA "rv64"

static inline uint64_t bench_count(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count)::"memory");
	return count;
}

#elif defined(__aarch64__)

#define BENCH_ISA "arm64"

static inline uint64_t bench_count(void)
{
	uint64_t count;

	__asm__ volatile("mrs %0, pmccntr_el0" : "=r"(count)::"memory");
	return count;
}

#else
#error "no counter for this machine"
#endif
#endif

/* What two reads in a row differ by: 1 where instructions are counted. */
extern uint64_t bench_overhead;

/* Around what is measured; nothing else may be between the two. bench_tock() returns its cost. */
static inline uint64_t bench_tick(void)
{
	uint64_t start = bench_count();

	BENCH_TOGGLE;
	return start;
}

static inline uint64_t bench_tock(uint64_t start)
{
	uint64_t cost;

	BENCH_TOGGLE;
	cost = bench_count() - start;
	return cost > bench_overhead ? cost - bench_overhead : 0;
}

#endif
