/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record_internal.h: what starts and ends a recording (record_start.c) shares with what makes it (record.c).
 */
#ifndef QUARRY_MM_RECORD_INTERNAL_H
#define QUARRY_MM_RECORD_INTERNAL_H

#include "../spinlock.h"
#include "../state.h"
#include "debug_internal.h"
#include "hooks.h"

#pragma GCC visibility push(hidden)

/* Calls of a CPU at most that wait at a time, one within another: in a callback, in an interrupt. */
#define RECORD_DEPTH 8

struct record_cpu {
	struct record_call *call;  /* the CPU is in this section; NULL: in none */
	struct record_call *calls; /* RECORD_DEPTH of them, at the end of its ring */
	unsigned int depth;
	unsigned int used; /* events in its ring */
	uint64_t lost;	   /* that found no room since */
};

struct call_recorder {
	struct spinlock lock; /* a section's; outside all others */
	bool on;
	uint32_t next, checked; /* the next event's number; that after the last check */
	unsigned int cpus, interval;
	unsigned int size, stride; /* events of a ring; from one to the next */
	struct mm_record_event *ring;
	void (*emit)(enum mm_record_part part, uint64_t arg, const void *data, size_t size);
	uint64_t (*now)(void);
	uint64_t (*hash)(void);
	struct record_cpu cpu[CONFIG_NR_CPUS];
};

#if CONFIG_DEBUG_HOOKS
#if QUARRY_INSTANCES == 1
extern struct call_recorder call_recorder;
#else
extern struct call_recorder call_recorder_of_instance[QUARRY_INSTANCES];
#define call_recorder call_recorder_of_instance[this_instance()]
#endif

/* For record_start.c: a ring is emptied, with its CPU idle; a check, in a section or with the lock. */
struct record_cpu *record_cpu(void);
void record_flush(unsigned int number);
void record_check(void);
#endif

#pragma GCC visibility pop
#endif
