/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mix_moves.h: what mix.c calls of mix_moves.c, and what that needs of mix.c.
 */
#ifndef QUARRY_TEST_MIX_MOVES_H
#define QUARRY_TEST_MIX_MOVES_H

#include "test/target/stress.h"

/* The worker's next random number; a mismatch of the worker if it does not hold. */
uint64_t mix_next(struct stress_worker *worker);
void mix_expect(struct stress_worker *worker, bool holds, const char *what);

/* Context: thread, on the worker's CPU. */
void mix_handle(struct stress_worker *worker);
void mix_compact(struct stress_worker *worker);
void mix_range(struct stress_worker *worker);
void mix_cma(struct stress_worker *worker);

/* Its handles are looked at and freed. Context: thread, nobody else runs. */
void mix_handles_end(struct stress_worker *worker);

#endif
