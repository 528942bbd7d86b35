/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_trace.c: `trace`: tracepoints in a ring that the console prints, or all calls, recorded and sent
 * as they happen, or written to a disk, for build/host/replay.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/cpu/balance.h"
#include "boot/cpu/smp.h"
#include "console/command.h"
#include "console/parse.h"
#include "console/trace_disk.h"
#include "console/trace_frame.h"
#include "drivers/timer/timer.h"

/* ---- tracepoints ----------------------------------------------------------------------------- */

#define TRACE_ENTRIES 1024
/* The ring, and room to copy it to, so that it stands still while it is printed. */
#define TRACE_ORDER 4
static_assert(2 * TRACE_ENTRIES * sizeof(struct mm_trace_entry) <= PAGE_SIZE << TRACE_ORDER,
	      "both fit");

static struct mm_trace_entry *ring;
static struct mm_record_event *events; /* a recording's rings; NULL: nothing is recorded */

static int trace_on(void)
{
	if (ring || events) {
		printf("trace: is on\n");
		return 1;
	}
	ring = (struct mm_trace_entry *)__get_free_pages(GFP_KERNEL, TRACE_ORDER);
	if (!ring) {
		printf("trace: no memory for %d entries\n", TRACE_ENTRIES);
		return 1;
	}
	if (mm_trace_start(ring, TRACE_ENTRIES) != 0) {
		printf("trace: not in this build: make EXTRA_CFLAGS=-DCONFIG_DEBUG_HOOKS=1\n");
		free_pages((unsigned long)ring, TRACE_ORDER);
		ring = NULL;
		return 1;
	}
	return 0;
}

static int trace_off(void)
{
	mm_trace_start(NULL, 0);
	free_pages((unsigned long)ring, TRACE_ORDER);
	ring = NULL;
	return 0;
}

static int trace_dump(void)
{
	struct mm_trace_entry *copy = ring + TRACE_ENTRIES;
	size_t n = mm_trace_read(copy, TRACE_ENTRIES);
	char line[256];

	for (size_t i = 0; i < n; i++)
		printf("%" PRIu64 " [%03u] %s\n", copy[i].sequence, copy[i].cpu,
		       mm_trace_text(&copy[i], line, sizeof(line)));
	return 0;
}

/* ---- recording ------------------------------------------------------------------------------- */

#define STREAM_ORDER	4    /* of the rings' memory: 1638 events, shared by the CPUs */
#define STREAM_INTERVAL 4096 /* events from check to check */

static uint32_t frames;
static bool to_disk;

static void emit(enum mm_record_part part, uint64_t arg, const void *data, size_t size)
{
	uint32_t number = __atomic_fetch_add(&frames, 1, __ATOMIC_RELAXED);
	char line[TRACE_FRAME_LINE];

	console_write(line, trace_frame_line(line, number, part, arg, data, size));
}

static void emit_to_disk(enum mm_record_part part, uint64_t arg, const void *data, size_t size)
{
	trace_disk_put(part, arg, data, size);
}

static int stop_disk(void)
{
	struct trace_disk_end end;

	trace_disk_stop(&end);
	printf("trace: %" PRIu32 " records on the disk, %" PRIu64 " sectors\n", end.records,
	       end.sectors);
	if (!end.error)
		return 0;
	printf("trace: %" PRIu32 " records are lost: %s\n", end.lost,
	       end.error == -ERANGE ? "the disk is full" : strerror(-end.error));
	return 1;
}

static int record_stop(void)
{
	int bad = 0;

	balance_hold(true);
	mm_record_stop();
	balance_hold(false);
	if (to_disk)
		bad = stop_disk();
	else
		printf("trace: %" PRIu32 " records\n", frames);
	free_pages((unsigned long)events, STREAM_ORDER);
	events = NULL;
	to_disk = false;
	return bad;
}

/* The driver leaves: what there is goes to the disk before. */
static void disk_gone(void)
{
	record_stop();
}

/* 0, or 1 after one line of error. */
static int start_disk(uint64_t number)
{
	struct virtio_blk *disk = virtio_blk_at((unsigned int)number);
	int error;

	if (!disk) {
		printf("trace: there is no disk %" PRIu64 "\n", number);
		return 1;
	}
	error = trace_disk_start(disk, disk_gone);
	if (error)
		printf("trace: disk %" PRIu64 ": %s\n", number,
		       error == -ENODEV ? "it is out of use" : strerror(-error));
	to_disk = !error;
	return error != 0;
}

/* disk: its number, or NULL: to the console. What may be refused comes before the disk is written to. */
static int record_start(const uint64_t *disk, uint64_t interval)
{
	struct mm_recording recording = {.interval = (unsigned int)interval,
					 .cpus = smp_nr_cpus(), /* one that has stopped, too */
					 .now = timer_now,
					 .hz = NSEC_PER_SEC,
					 .image = (const void *)(uintptr_t)boot_info.image_base};
	int error = CONFIG_DEBUG_HOOKS ? 0 : -ENOSYS;

	recording.size =
		(unsigned int)((PAGE_SIZE << STREAM_ORDER) / sizeof(*events)) / recording.cpus;
	recording.ring = (struct mm_record_event *)__get_free_pages(GFP_KERNEL, STREAM_ORDER);
	if (!recording.ring) {
		printf("trace: no memory for the rings of %u CPUs\n", recording.cpus);
		return 1;
	}
	if (!error && disk && start_disk(*disk) != 0) {
		free_pages((unsigned long)recording.ring, STREAM_ORDER);
		return 1;
	}
	recording.emit = to_disk ? emit_to_disk : emit;
	frames = 0;
	events = recording.ring;
	balance_hold(true);
	if (!error)
		error = mm_record_start(&recording);
	balance_hold(false);
	if (!error)
		return 0;
	events = NULL;
	free_pages((unsigned long)recording.ring, STREAM_ORDER);
	if (error == -ENOSYS)
		printf("trace: not in this build: make EXTRA_CFLAGS=-DCONFIG_DEBUG_HOOKS=1\n");
	else
		printf("trace: no recording: %s\n", strerror(-error));
	return 1;
}

/* trace stream [events], trace disk [number [events]] */
static int record(int argc, char **argv)
{
	bool disk = argv[1][0] == 'd';
	uint64_t number = 0, interval = STREAM_INTERVAL;

	if (argc > (disk ? 4 : 3))
		return console_usage(argv[0]);
	if (disk && argc > 2 && parse_u64(argv[2], UINT32_MAX, &number) != 0) {
		printf("trace: %s: not the number of a disk\n", argv[2]);
		return 1;
	}
	if (argc > 2 + disk && parse_u64(argv[2 + disk], UINT32_MAX, &interval) != 0) {
		printf("trace: %s: events from check to check\n", argv[2 + disk]);
		return 1;
	}
	if (record_start(disk ? &number : NULL, interval) == 0)
		return 0;
	if (to_disk) {
		struct trace_disk_end end;

		trace_disk_stop(&end);
		to_disk = false;
	}
	return 1;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int cmd_trace(int argc, char **argv)
{
	if (argc >= 2 && (strcmp(argv[1], "stream") == 0 || strcmp(argv[1], "disk") == 0)) {
		if (ring || events) {
			printf("trace: is on\n");
			return 1;
		}
		return record(argc, argv);
	}
	if (argc != 2)
		return console_usage(argv[0]);
	if (strcmp(argv[1], "on") == 0)
		return trace_on();
	if (strcmp(argv[1], "off") != 0 && strcmp(argv[1], "dump") != 0)
		return console_usage(argv[0]);
	if (events && strcmp(argv[1], "off") == 0)
		return record_stop();
	if (!ring) {
		printf("trace: is %s\n", events ? "sent as it comes" : "off");
		return 1;
	}
	return strcmp(argv[1], "off") == 0 ? trace_off() : trace_dump();
}

CONSOLE_COMMAND_WORDS(trace, cmd_trace, "trace on|off|dump|stream [events]|disk [number [events]]",
		      "record allocations, frees, fallbacks and drains\n"
		      "dump: the newest 1024 events, oldest first; off by default\n"
		      "stream: all calls, sent as they happen until 'trace off', for\n"
		      "build/host/replay; events: from check to check, default 4096\n"
		      "disk: the same, to a virtio disk from its first sector on, 45 bytes\n"
		      "a call; what it had is gone. number: default 0, see 'disk'\n"
		      "example: trace on; alloc 0; trace dump; trace off",
		      "on", "off", "dump", "stream", "disk");
