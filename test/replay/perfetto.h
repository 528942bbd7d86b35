/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perfetto.h: a recording's events in the Trace Event Format (JSON), which Perfetto and chrome://tracing
 * open.
 */
#ifndef REPLAY_PERFETTO_H
#define REPLAY_PERFETTO_H

#include "trace.h"

/* perfetto_start() - false after one line of error. */
bool perfetto_start(const struct trace *trace, const char *path);
void perfetto_note(const struct mm_record_event *event); /* after it was made */
bool perfetto_end(void);

#endif
