/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_threads.h: the workloads that run on several threads at once.
 */
#ifndef TEST_BENCH_HOST_THREADS_H
#define TEST_BENCH_HOST_THREADS_H

struct mm_pcpu;

/* This thread is the CPU of this number from now on; CPU 0 has the area that the boot gave it. */
void bench_take_cpu(struct mm_pcpu *area, unsigned int cpu);
/* Nanoseconds that this thread ran, whatever else runs on the machine. */
double bench_cpu_time(void);

/*
 * bench_threads() - hot pair, bursts that the cache holds and that go beyond it, and churn on
 * 1 .. CONFIG_NR_CPUS threads; prints nanoseconds an operation, the mean of all threads, and how
 * many of them (_cpu) a thread ran. Returns 0, or 1 if mm_check() finds a fault afterwards.
 */
int bench_threads(unsigned int threads);

/*
 * host_caches.c: a pair on two threads whose pages' descriptors share a cache line or do not; 4M random
 * frees in 64 GiB, which the machine must have been started with. Returns as above.
 */
int bench_shared_lines(void);
int bench_far(void);

#endif
