/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c: see trace.h.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/trace_frame.h"

const char *event_name(const struct mm_record_event *event)
{
	static const char *const names[NR_MM_RECORDS] = {
		[MM_RECORD_ALLOC] = "alloc",
		[MM_RECORD_FREE] = "free",
		[MM_RECORD_CUT] = "cut",
		[MM_RECORD_SERVE] = "serve",
		[MM_RECORD_DRAIN] = "drain",
		[MM_RECORD_GIVE_BACK] = "give back",
		[MM_RECORD_IDLE] = "idle",
		[MM_RECORD_PCP_HIGH] = "percpu_pagelist",
		[MM_RECORD_CHECK] = "check",
		[MM_RECORD_INJECTED] = "injected",
		[MM_RECORD_REFUSE] = "refused",
		[MM_RECORD_LOST] = "lost",
		[MM_RECORD_OTHER] = "other",
		[MM_RECORD_BAD] = "bad",
		[MM_RECORD_SYSCTL] = "sysctl",
		[MM_RECORD_RESUME] = "go on",
		[MM_RECORD_CALLBACKS] = "callbacks",
		[MM_RECORD_TAKE_AT] = "take at",
		[MM_RECORD_MOVED] = "moved",
		[MM_RECORD_LEFT] = "left",
		[MM_RECORD_GIVE] = "give",
		[MM_RECORD_DROP] = "drop",
		[MM_RECORD_ISOLATE] = "isolate",
		[MM_RECORD_OPEN] = "open a section",
		[MM_RECORD_TAKE_RANGE] = "take a range",
		[MM_RECORD_RETURN_RANGE] = "return a range",
		[MM_RECORD_TAKE_BETWEEN] = "take between",
	};

	return event->type < NR_MM_RECORDS ? names[event->type] : "unknown";
}

/* An array with room for so many bytes. */
static void *grow(void *array, size_t size)
{
	array = realloc(array, size);
	if (!array) {
		fprintf(stderr, "replay: no memory for %zu bytes\n", size);
		exit(2);
	}
	return array;
}

/* The whole file and a '\0'; NULL after a line of error. */
static char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	size_t room = 1 << 20, got;

	*size = 0;
	if (!file) {
		fprintf(stderr, "replay: %s: cannot be read\n", path);
		return NULL;
	}
	do {
		room *= 2;
		text = grow(text, room + 1);
		got = fread(text + *size, 1, room - *size, file);
		*size += got;
	} while (*size == room);
	fclose(file);
	text[*size] = '\0';
	return text;
}

#define DISK_SECTOR 512

struct frames {
	struct trace_frame *frame;
	size_t n, room;
	const char *wrong; /* what is wrong with the first that is */
};

/* The next one's place, all 0. */
static struct trace_frame *next_frame(struct frames *frames)
{
	if (frames->n == frames->room) {
		frames->room = frames->room ? 2 * frames->room : 1024;
		frames->frame = grow(frames->frame, frames->room * sizeof(*frames->frame));
	}
	return memset(&frames->frame[frames->n], 0, sizeof(*frames->frame));
}

/* A disk's: one after the other, up to the end of the recording or the first that is wrong. */
static void follow_frames(struct frames *frames, const char *image, size_t size)
{
	static const char zeros[DISK_SECTOR];

	for (size_t at = 0;;) {
		size_t left = size - at, rest;
		struct trace_frame *frame = next_frame(frames);

		memcpy(frame, image + at, left < TRACE_FRAME_MOST ? left : TRACE_FRAME_MOST);
		frames->wrong = trace_frame_check(frame, left);
		if (!frames->wrong && frame->recording != frames->frame[0].recording)
			frames->wrong = "it is another recording's: this one has no end";
		if (frames->wrong)
			return;
		frames->n++;
		at += trace_frame_bytes(frame);
		if (frame->part != MM_RECORD_END)
			continue;
		rest = (DISK_SECTOR - at % DISK_SECTOR) % DISK_SECTOR;
		if (rest > size - at || memcmp(image + at, zeros, rest) != 0)
			frames->wrong = "what follows the end in its sector is not 0";
		return;
	}
}

/* A log's: wherever a mark is. */
static void find_frames(struct frames *frames, char *text, size_t size)
{
	const char *end = text + size, *at = text;
	size_t mark = strlen(TRACE_FRAME_MARK);

	while ((at = memmem(at, (size_t)(end - at), TRACE_FRAME_MARK, mark))) {
		const char *wrong;

		at += mark;
		wrong = trace_frame_parse(next_frame(frames), at);
		if (!wrong)
			frames->n++;
		else if (!frames->wrong)
			frames->wrong = wrong;
	}
}

static int by_number(const void *one, const void *other)
{
	uint32_t a = ((const struct trace_frame *)one)->number;
	uint32_t b = ((const struct trace_frame *)other)->number;

	return a < b ? -1 : a > b;
}

static int by_sequence(const void *one, const void *other)
{
	uint32_t a = ((const struct mm_record_event *)one)->sequence;
	uint32_t b = ((const struct mm_record_event *)other)->sequence;

	return a < b ? -1 : a > b;
}

/* All of them, one after the other, from the board to the end. */
static bool complete(const struct frames *frames, const char *path)
{
	uint32_t next = 0;

	for (size_t i = 0; i < frames->n; i++, next++)
		if (frames->frame[i].number != next)
			break;
	if (next < frames->n || frames->wrong) {
		fprintf(stderr, "replay: %s: record %u: %s\n", path, next,
			frames->wrong			    ? frames->wrong
			: frames->frame[next].number < next ? "it is there twice: two recordings?"
							    : "it is missing");
		return false;
	}
	if (!next || frames->frame[0].part != MM_RECORD_BOARD) {
		fprintf(stderr, "replay: %s: no recording\n", path);
		return false;
	}
	if (frames->frame[next - 1].part != MM_RECORD_END) {
		fprintf(stderr, "replay: %s: record %u: it is missing: the recording has no end\n",
			path, next);
		return false;
	}
	return true;
}

static void take_events(struct trace *trace, const struct trace_frame *frame)
{
	size_t n = frame->size / sizeof(*trace->event);

	trace->event = grow(trace->event, (trace->nr_events + n) * sizeof(*trace->event));
	memcpy(trace->event + trace->nr_events, frame->data, n * sizeof(*trace->event));
	trace->nr_events += n;
}

static void take_piece(struct trace *trace, const struct trace_frame *frame)
{
	struct piece piece = {.what = (enum mm_record_state)(frame->arg >> 56),
			      .cpu = frame->arg >> 48 & 0xff,
			      .offset = frame->arg & 0xffffffffffff,
			      .size = frame->size,
			      .data = frame->data};

	trace->piece = grow(trace->piece, (trace->nr_pieces + 1) * sizeof(piece));
	trace->piece[trace->nr_pieces++] = piece;
}

bool trace_load(struct trace *trace, const char *path)
{
	const uint32_t magic = TRACE_FRAME_MAGIC;
	struct frames frames = {0};
	size_t size;
	char *text = read_file(path, &size);

	memset(trace, 0, sizeof(*trace));
	if (!text)
		return false;
	if (size >= sizeof(uint32_t) && !memcmp(text, &magic, sizeof(magic)))
		follow_frames(&frames, text, size);
	else
		find_frames(&frames, text, size);
	free(text);
	qsort(frames.frame, frames.n, sizeof(*frames.frame), by_number);
	if (!complete(&frames, path))
		return false;
	for (size_t i = 0; i < frames.n; i++) { /* pieces point into them: they stay */
		const struct trace_frame *frame = &frames.frame[i];

		if (frame->part == MM_RECORD_BOARD && frame->size == sizeof(trace->board))
			memcpy(&trace->board, frame->data, sizeof(trace->board));
		else if (frame->part == MM_RECORD_EVENTS)
			take_events(trace, frame);
		else if (frame->part == MM_RECORD_STATE)
			take_piece(trace, frame);
		else if (frame->part == MM_RECORD_END)
			trace->total = frame->arg;
	}
	qsort(trace->event, trace->nr_events, sizeof(*trace->event), by_sequence);
	return true;
}
