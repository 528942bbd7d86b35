/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.h: a recording's calls, made again one after the other.
 */
#ifndef REPLAY_RUN_H
#define REPLAY_RUN_H

#include "trace.h"

/* run_event() - false after what differs was printed. */
void run_callbacks(uint32_t there); /* MM_RECORD_HAS_* of the machine */
bool run_event(const struct mm_record_event *event);
extern unsigned long run_checks; /* hashes that were equal */
extern char run_difference[200]; /* what differs, in words */

#endif
