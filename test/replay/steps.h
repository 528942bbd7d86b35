/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steps.h: steps of moves and ranges (steps.c), and what they share with calls (run.c).
 */
#ifndef REPLAY_STEPS_H
#define REPLAY_STEPS_H

#include "trace.h"

/* step() - makes it; *value: what its event says in `value`. False: the event is none of these. */
bool step(const struct mm_record_event *event, uint64_t *value);

/* run.c: the first thing that differs is printed, and ends the replay. */
void __attribute__((format(printf, 2, 3))) differ(const struct mm_record_event *event,
						  const char *fmt, ...);
/* The page of the frame in `value`; NULL after differ(). */
struct page *page_of(const struct mm_record_event *event);

#endif
