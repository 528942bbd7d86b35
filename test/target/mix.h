/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mix.h: everything else that may be called while CPUs allocate and free, called by the workers of stress.h
 * between their steps: refusals with reports, explanations, HIGHATOMIC pressure, sysctls, callbacks,
 * drains, statistics, trace, fault injection, CPUs that go and come back, references, wrong frees; blocks
 * that move, compaction, ranges and areas (mix_moves.c).
 */
#ifndef QUARRY_TEST_MIX_H
#define QUARRY_TEST_MIX_H

#include "test/target/stress.h"

/* One bit each, in the order of the names. */
#define MIX_NAMES                                                                               \
	"refuse", "explain", "atomic", "sysctl", "callback", "drain", "stats", "trace", "fail", \
		"hotplug", "reference", "misuse", "handle", "compact", "range", "cma"
#define MIX_KINDS 16
#define MIX_ALL	  ((1U << MIX_KINDS) - 1)

/* mix_parse() - "all", or names with commas between them, as bits; 0: a name is none. Context: any. */
unsigned int mix_parse(const char *text);

/* mix_begin() - which kinds, for which run; keeps the sysctls as they are. Context: thread, nobody else runs. */
void mix_begin(unsigned int kinds, const struct stress *stress);

/* mix_step() - one in MIX_STEPS calls does something. Context: thread, on the worker's CPU. */
#define MIX_STEPS 16
void mix_step(struct stress_worker *worker);

/* mix_end() - sysctls and options as they were. Context: thread, nobody else runs. */
void mix_end(void);

/* Pages of others move, too: what is free may lie elsewhere at the end. */
bool mix_moves_pages(unsigned int kinds);

/* How often each kind was done. */
uint64_t mix_count(unsigned int kind);

#endif
