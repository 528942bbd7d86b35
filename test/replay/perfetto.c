/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perfetto.c: see perfetto.h. A process is the machine, a thread a CPU. Requests and frees are complete
 * events ("X") as long as they took, all else is instant ("i"); free pages are a counter ("C").
 */
#include "perfetto.h"

#include <stdio.h>
#include <string.h>

#include "holders.h"
#include "mm/alloc/alloc.h"

#define COUNT_INTERVAL 16 /* events from counter to counter */

static FILE *file;
static uint64_t hz, start;
static unsigned int since;

/* Microseconds, as the format has it. */
static double micro(uint64_t ticks)
{
	return hz ? (double)ticks * 1e6 / (double)hz : (double)ticks;
}

bool perfetto_start(const struct trace *trace, const char *path)
{
	uint64_t cpus = 0;

	file = strcmp(path, "-") ? fopen(path, "w") : stdout;
	if (!file) {
		fprintf(stderr, "replay: %s: cannot be written\n", path);
		return false;
	}
	hz = trace->board.hz;
	start = trace->nr_events ? trace->event[0].time : 0;
	fprintf(file,
		"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
		"{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"quarry\"}}");
	for (size_t i = 0; i < trace->nr_events; i++) {
		unsigned int cpu = trace->event[i].cpu & 63;

		if (trace->event[i].time < start)
			start = trace->event[i].time;
		if (cpus >> cpu & 1)
			continue;
		cpus |= 1ULL << cpu;
		fprintf(file,
			",\n{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"CPU %u\"}}",
			cpu, cpu);
	}
	return true;
}

/* How long it took; *known: it is a call that says so. */
static uint64_t ticks_of(const struct mm_record_event *event, bool *known)
{
	*known = !(event->flags & MM_RECORD_BEGINS) &&
		 (event->type == MM_RECORD_ALLOC || event->type == MM_RECORD_FREE);
	return !*known ? 0 : event->type == MM_RECORD_ALLOC ? event->more : event->more >> 2;
}

void perfetto_note(const struct mm_record_event *event)
{
	bool known;
	uint64_t ticks = ticks_of(event, &known), at = event->time - start;

	if (ticks > at)
		ticks = at;
	fprintf(file, ",\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%u,\"name\":\"%s\",\"ts\":%.3f,",
		known ? "X" : "i", event->cpu, event_name(event), micro(at - ticks));
	if (known)
		fprintf(file, "\"dur\":%.3f,", micro(ticks));
	else
		fprintf(file, "\"s\":\"t\",");
	fprintf(file, "\"args\":{\"event\":%u,\"order\":%u,\"gfp\":\"0x%x\",\"value\":\"0x%llx\"",
		event->sequence, event->order, event->gfp, (unsigned long long)event->value);
	if (event->site && known)
		fprintf(file, ",\"site\":\"%s\"", holders_name(event->site));
	fprintf(file, "}}");
	if (since++ % COUNT_INTERVAL == 0)
		fprintf(file,
			",\n{\"ph\":\"C\",\"pid\":1,\"name\":\"free pages\",\"ts\":%.3f,\"args\":{\"DMA32\":%llu,\"NORMAL\":%llu}}",
			micro(at), (unsigned long long)zone_free_pages(&mm.zones[0]),
			(unsigned long long)zone_free_pages(&mm.zones[1]));
}

bool perfetto_end(void)
{
	bool whole;

	fprintf(file, "\n]}\n");
	whole = !ferror(file);
	return file == stdout ? whole : !fclose(file) && whole;
}
