/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recording.c: B19, what a call costs while it is recorded (quarry/record.h): with an event that goes nowhere,
 * becomes bytes of a frame, or a line of the console; the disk's or UART's own time is not in it. Beside it a
 * call with a hook that never does anything.
 */
#include <quarry/record.h>

#include "console/trace_frame.h"
#include "test/bench/bench.h"

#define PAIRS	   4096
#define RING_ORDER 6 /* of all CPUs' rings */

static void nowhere(enum mm_record_part part, uint64_t arg, const void *data, size_t size)
{
	(void)part, (void)arg, (void)data, (void)size;
}

static void to_frame(enum mm_record_part part, uint64_t arg, const void *data, size_t size)
{
	static struct trace_frame frame;

	trace_frame_make(&frame, part, arg, data, size);
}

static void to_line(enum mm_record_part part, uint64_t arg, const void *data, size_t size)
{
	static char line[TRACE_FRAME_LINE];

	trace_frame_line(line, 0, part, arg, data, size);
}

static uint64_t no_time(void)
{
	return 0;
}

/* What PAIRS requests take, and as many frees; false: one was refused. */
static bool pairs(uint64_t *alloc, uint64_t *freed)
{
	*alloc = *freed = 0;
	for (unsigned int i = 0; i < PAIRS; i++) {
		uint64_t start = bench_tick();
		struct page *page = alloc_pages(BENCH_GFP, 0);

		*alloc += bench_tock(start);
		if (!page)
			return false;
		start = bench_tick();
		__free_pages(page, 0);
		*freed += bench_tock(start);
	}
	return true;
}

/* The same while it is recorded; the time of a ring's last events is not in it. */
static bool recorded(struct mm_recording *recording, uint64_t *alloc, uint64_t *freed)
{
	bool good;

	if (mm_record_start(recording) != 0)
		return false;
	good = pairs(alloc, freed);
	mm_record_stop();
	return good;
}

const char *bench_recording(void)
{
	static const struct mm_fail never = {.every = UINT32_MAX}, none;
	struct mm_recording recording = {.cpus = CONFIG_NR_CPUS, .now = no_time};
	uint64_t alloc[3], freed[3], hooked_alloc, hooked_free, calls = 2 * PAIRS;
	bool good;

	if (mm_hooks() || mm_set_fail(&never) != 0)
		return "hooks are not in this build, or others are on";
	good = pairs(&hooked_alloc, &hooked_free);
	mm_set_fail(&none);
	recording.size = (unsigned int)((PAGE_SIZE << RING_ORDER) / sizeof(*recording.ring) /
					recording.cpus);
	recording.ring = (struct mm_record_event *)__get_free_pages(BENCH_GFP, RING_ORDER);
	if (!recording.ring)
		return "no room for its rings";
	for (int i = 0; i < 3 && good; i++) {
		recording.emit = i == 0 ? nowhere : i == 1 ? to_frame : to_line;
		good = recorded(&recording, &alloc[i], &freed[i]);
	}
	free_pages((unsigned long)recording.ring, RING_ORDER);
	if (!good)
		return "a page is not to be had";
	bench_line(NULL);
	bench_mean("hooked_alloc", (int64_t)hooked_alloc, PAIRS);
	bench_mean("hooked_free", (int64_t)hooked_free, PAIRS);
	bench_mean("alloc", (int64_t)alloc[0], PAIRS);
	bench_mean("free", (int64_t)freed[0], PAIRS);
	bench_mean("event", (int64_t)(alloc[0] + freed[0] - hooked_alloc - hooked_free), calls);
	bench_mean("frame", (int64_t)(alloc[1] + freed[1] - alloc[0] - freed[0]), calls);
	bench_mean("line", (int64_t)(alloc[2] + freed[2] - alloc[0] - freed[0]), calls);
	bench_end();
	return NULL;
}
