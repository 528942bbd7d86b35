/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.h: whether what a recording says may be believed: a trace is a file that anyone may have written, and
 * mm/ goes where its own tables lead.
 */
#ifndef REPLAY_JUDGE_H
#define REPLAY_JUDGE_H

#include "mm/state.h"
#include "trace.h"

/* All print one line where they return false. */
bool judge_sizes(const struct mm *was); /* of struct mm as it came: what the arrays are made by */
/* What the arrays hold: banks, spans, zones and their lists. */
bool judge_tables(void);
bool judge_cache(const struct per_cpu_pages *pcp, unsigned int cpu);
bool judge_failed(const char *what);

/* May its call be made, as far as numbers and orders go? False after differ(). */
bool judge_event(const struct mm_record_event *event);

#endif
