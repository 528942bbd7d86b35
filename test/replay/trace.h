/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h: a recording as its file has it: a board, the state it began with, and events in their order.
 */
#ifndef REPLAY_TRACE_H
#define REPLAY_TRACE_H

#include <quarry/record.h>
#include <stddef.h>

/* A frame of the state, as it came. */
struct piece {
	enum mm_record_state what;
	unsigned int cpu;
	uint64_t offset;
	size_t size;
	const uint8_t *data;
};

struct trace {
	struct mm_record_board board;
	struct piece *piece;
	size_t nr_pieces;
	struct mm_record_event *event; /* by sequence */
	size_t nr_events;
	uint64_t total; /* events that the machine counted: more, if some were lost */
};

/*
 * trace_load() - the recording in a disk's image, or in a log of the console, among whatever else that has. False after one
 * line of error: the file, or a record that is damaged or missing, by its number.
 */
bool trace_load(struct trace *trace, const char *path);

const char *event_name(const struct mm_record_event *event);

#endif
