/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h: what a replay saw, as a page for a browser (--html): memory over time, free blocks, latency,
 * call sites, refusals. The page is report.html with the figures in it, as JSON.
 */
#ifndef REPLAY_REPORT_H
#define REPLAY_REPORT_H

#include "trace.h"

#define REPORT_SHOTS 200 /* pictures of memory, evenly spread over the events */

void report_start(const struct trace *trace, size_t events);
void report_note(const struct mm_record_event *event); /* after it was made */
/* report_write() - false after one line of error. done: events that were made; good: none differs. */
bool report_write(const char *path, size_t done, bool good);

#endif
