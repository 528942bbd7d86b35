/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_disk.c: `disk`: what disks there are; sectors shown and written; whole disks summed, filled
 * and verified.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "drivers/timer/timer.h"
#include "drivers/virtio/virtio.h"
#include "drivers/virtio/virtio_blk.h"
#include "console/command.h"
#include "console/disk_pattern.h"
#include "console/disk_stream.h"
#include "console/hexdump.h"
#include "console/input.h"
#include "console/output.h"
#include "console/parse.h"
#include "console/sha256.h"
#include "console/terminal.h"

#define PROGRESS_NS	 (500 * NSEC_PER_MSEC)
#define MAX_READ_SECTORS 128
#define SECTORS_A_MIB	 2048

struct target {
	struct virtio_blk *disk;
	unsigned int number;
	struct virtio_blk_info info;
};

/* ---- arguments ----------------------------------------------------------------------------- */

#define USAGE	      "disk [[number] read|write|sha256|fill|verify ..] | [timeout [ms]]"
#define USAGE_READ    "disk [number] read <sector> [count]"
#define USAGE_WRITE   "disk [number] write <sector> <text>"
#define USAGE_SHA256  "disk [number] sha256 [<sector> <count>]"
#define USAGE_FILL    "disk [number] fill <seed> [<sector> <count>]"
#define USAGE_VERIFY  "disk [number] verify <seed> [<sector> <count>]"
#define USAGE_TIMEOUT "disk timeout [ms]"

static int usage(const char *name);

/*
 * `sector` and `count` at argv[at ..]; both absent: the whole disk. 0, or 1 after one line of
 * error.
 */
static int parse_range(const struct target *target, int argc, char **argv, int at, uint64_t *sector,
		       uint64_t *count)
{
	uint64_t sectors = target->info.sectors;

	*sector = 0;
	*count = sectors;
	if (argc == at && sectors > 0)
		return 0;
	if (sectors == 0) {
		printf("disk: disk %u has no sectors\n", target->number);
		return 1;
	}
	if (argc != at + 2)
		return usage(argv[1]);
	if (parse_u64(argv[at], sectors - 1, sector) != 0) {
		printf("disk: '%s' is not a sector, 0 to %" PRIu64 "\n", argv[at], sectors - 1);
		return 1;
	}
	if (parse_u64(argv[at + 1], sectors - *sector, count) != 0 || *count == 0) {
		printf("disk: '%s' is not a number of sectors, 1 to %" PRIu64 "\n", argv[at + 1],
		       sectors - *sector);
		return 1;
	}
	return 0;
}

/* One line for an error of the driver's. Returns 1. */
static int report(const struct target *target, const char *what, uint64_t sector, uint64_t count,
		  int error)
{
	char last[32] = "";

	if (count > 1)
		snprintf(last, sizeof(last), " to %" PRIu64, sector + count - 1);
	printf("disk: disk %u: sector %" PRIu64 "%s not %s: %s\n", target->number, sector, last,
	       what, error == -ENODEV ? "the disk is out of use" : strerror(-error));
	return 1;
}

/* ---- streams ------------------------------------------------------------------------------- */

/* What the pieces of a stream go through. */
struct work {
	uint64_t start, shown; /* timer_now() */
	uint64_t seed;
	struct sha256 sha;
	struct disk_pattern_wrong wrong;
};

static uint64_t rate(uint64_t sectors, uint64_t ns)
{
	/* tenths of MiB/s */
	return ns ? sectors * 10 * (NSEC_PER_SEC / 1000) / SECTORS_A_MIB / (ns / 1000 + 1) : 0;
}

/* Half a second apart, over the same line. False if the user wants no more. */
static bool progress(const struct disk_stream *stream, uint64_t done)
{
	struct work *work = stream->arg;
	uint64_t now = timer_now(), speed = rate(done, timer_since(work->start));

	if (console_interrupted())
		return false;
	if (timer_since(work->shown) < PROGRESS_NS)
		return true;
	work->shown = now;
	printf("\rdisk: %3" PRIu64 " %%, %" PRIu64 " of %" PRIu64 " MiB, %" PRIu64 ".%" PRIu64
	       " MiB/s  ",
	       done * 100 / stream->count, done / SECTORS_A_MIB, stream->count / SECTORS_A_MIB,
	       speed / 10, speed % 10);
	fflush(stdout);
	return true;
}

static bool sum_piece(struct disk_stream *stream, uint64_t sector, void *data, size_t size)
{
	struct work *work = stream->arg;

	sha256_update(&work->sha, data, size);
	return progress(stream, sector - stream->sector);
}

static bool fill_piece(struct disk_stream *stream, uint64_t sector, void *data, size_t size)
{
	const struct work *work = stream->arg;

	disk_pattern_fill(work->seed, sector, data, size);
	return progress(stream, sector - stream->sector);
}

static bool verify_piece(struct disk_stream *stream, uint64_t sector, void *data, size_t size)
{
	struct work *work = stream->arg;

	disk_pattern_check(work->seed, sector, data, size, &work->wrong);
	return progress(stream, sector - stream->sector);
}

/* Run a stream, with its figures at the end. 0, or 1 after one line of error. */
static int run(const struct target *target, struct disk_stream *stream, const char *done_word)
{
	struct work *work = stream->arg;
	uint64_t speed, tenths;
	int error;

	output_live();
	stream->disk = target->disk;
	work->start = work->shown = timer_now();
	error = disk_stream(stream);
	if (!error && stream->op == VIRTIO_BLK_WRITE && target->info.flush)
		error = virtio_blk_transfer(target->disk, VIRTIO_BLK_FLUSH, 0, NULL, 0);
	tenths = timer_since(work->start) / (NSEC_PER_SEC / 10);
	if (work->shown != work->start)
		printf("\n");
	if (error == -EINTR || error == -ENOMEM) {
		printf("disk: %s, %" PRIu64 " of %" PRIu64 " sectors done\n",
		       error == -EINTR ? "stopped" : "no page for a buffer", stream->done,
		       stream->count);
		return 1;
	}
	if (error)
		return report(target, done_word, stream->bad_sector,
			      stream->bad_count ? stream->bad_count : stream->count, error);
	speed = rate(stream->count, timer_since(work->start));
	printf("disk: %" PRIu64 " sectors %s in %" PRIu64 ".%" PRIu64 " s, %" PRIu64 ".%" PRIu64
	       " MiB/s\n",
	       stream->count, done_word, tenths / 10, tenths % 10, speed / 10, speed % 10);
	return 0;
}

static const char no_disk[] =
	"disk: this machine has none that a driver knows (make run DISK=file)\n";

/* ---- the commands -------------------------------------------------------------------------- */

static int disk_list(void)
{
	struct virtio_blk *disk = virtio_blk_at(0);
	bool narrow;

	if (!disk) {
		printf("%s", no_disk);
		return 1;
	}
	narrow = terminal_is_narrow(96);
	printf("disk node%*s interface state     sectors      MiB requests errors%s\n",
	       narrow ? 16 : 20, "", narrow ? "" : " most");
	for (unsigned int n = 0; disk; disk = virtio_blk_at(++n)) {
		struct virtio_blk_info info;

		virtio_blk_get_info(disk, &info);
		printf("%4u %-*s %-9s %-9s %7" PRIu64 " %8" PRIu64 " %8" PRIu64 " %6" PRIu64, n,
		       narrow ? 20 : 24, info.dev->name, info.legacy ? "legacy" : "modern",
		       info.failed	? "failed"
		       : info.read_only ? "read-only"
					: "ready",
		       info.sectors, info.sectors / SECTORS_A_MIB, info.requests, info.errors);
		if (!narrow)
			printf(" %4u", info.most_in_flight);
		printf("\n");
	}
	return 0;
}

static int disk_read(const struct target *target, int argc, char **argv)
{
	uint64_t sector, count;
	char *words[] = {argv[0], argv[1], argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "1"};
	void *buffer;
	int error = 0;

	if (argc < 3 || argc > 4)
		return usage(argv[1]);
	if (parse_range(target, 4, words, 2, &sector, &count) != 0)
		return 1;
	if (count > MAX_READ_SECTORS) {
		printf("disk: %d sectors at most are shown\n", MAX_READ_SECTORS);
		return 1;
	}
	buffer = (void *)__get_free_page(GFP_KERNEL);
	if (!buffer) {
		printf("disk: no page for a buffer\n");
		return 1;
	}
	for (; count > 0; sector++, count--) {
		error = virtio_blk_transfer(target->disk, VIRTIO_BLK_READ, sector, buffer,
					    SECTOR_SIZE);
		if (error) {
			report(target, "read", sector, 1, error);
			break;
		}
		hexdump(sector * SECTOR_SIZE, buffer, SECTOR_SIZE);
	}
	virtio_blk_put_pages(target->disk, buffer, 0, error);
	return count != 0;
}

static int disk_write(const struct target *target, int argc, char **argv)
{
	uint64_t sector, count;
	char *words[] = {argv[0], argv[1], argc > 2 ? argv[2] : "", "1"};
	size_t length = 0;
	char *buffer;
	int error, written;

	if (argc < 4)
		return usage(argv[1]);
	if (parse_range(target, 4, words, 2, &sector, &count) != 0)
		return 1;
	buffer = (char *)get_zeroed_page(GFP_KERNEL);
	if (!buffer) {
		printf("disk: no page for a buffer\n");
		return 1;
	}
	/* a line of the console is shorter than a sector */
	static_assert(CONSOLE_LINE_MAX < SECTOR_SIZE, "the text fits");
	for (int i = 3; i < argc; i++)
		length += (size_t)snprintf(buffer + length, SECTOR_SIZE - length, "%s%s",
					   i > 3 ? " " : "", argv[i]);
	error = virtio_blk_transfer(target->disk, VIRTIO_BLK_WRITE, sector, buffer, SECTOR_SIZE);
	written = error;
	if (!error && target->info.flush)
		error = virtio_blk_transfer(target->disk, VIRTIO_BLK_FLUSH, 0, NULL, 0);
	virtio_blk_put_pages(target->disk, buffer, 0, written);
	return error ? report(target, "written", sector, 1, error) : 0;
}

static int disk_sha256(const struct target *target, int argc, char **argv)
{
	struct work work = {0};
	struct disk_stream stream = {.op = VIRTIO_BLK_READ, .piece = sum_piece, .arg = &work};
	uint8_t digest[SHA256_SIZE];

	if (parse_range(target, argc, argv, 2, &stream.sector, &stream.count) != 0)
		return 1;
	sha256_init(&work.sha);
	if (run(target, &stream, "read") != 0)
		return 1;
	sha256_final(&work.sha, digest);
	printf("sha256 ");
	for (int i = 0; i < SHA256_SIZE; i++)
		printf("%02x", digest[i]);
	printf("\n");
	return 0;
}

static int disk_pattern(const struct target *target, int argc, char **argv)
{
	bool verify = strcmp(argv[1], "verify") == 0;
	struct work work = {0};
	struct disk_stream stream = {.op = verify ? VIRTIO_BLK_READ : VIRTIO_BLK_WRITE,
				     .piece = verify ? verify_piece : fill_piece,
				     .arg = &work};

	if (argc < 3)
		return usage(argv[1]);
	if (parse_u64(argv[2], UINT64_MAX, &work.seed) != 0) {
		printf("disk: '%s' is not a seed, a number of 64 bits\n", argv[2]);
		return 1;
	}
	if (parse_range(target, argc, argv, 3, &stream.sector, &stream.count) != 0)
		return 1;
	if (run(target, &stream, verify ? "read" : "written") != 0)
		return 1;
	if (work.wrong.sectors) {
		printf("disk: %" PRIu64 " sectors differ from the pattern, the first is %" PRIu64
		       " at byte %lu\n",
		       work.wrong.sectors, work.wrong.sector, (unsigned long)work.wrong.byte);
		return 1;
	}
	if (verify)
		printf("disk: all as the pattern\n");
	return 0;
}

static int disk_timeout(int argc, char **argv)
{
	uint64_t ms;

	if (argc > 3)
		return usage(argv[1]);
	if (argc == 3) {
		if (parse_u64(argv[2], 3600000, &ms) != 0 || ms == 0) {
			printf("disk: '%s' is not a time, 1 to 3600000 ms\n", argv[2]);
			return 1;
		}
		virtio_timeout_ns = ms * NSEC_PER_MSEC;
	}
	printf("disk: a device that takes over %" PRIu64 " ms for a request is given up\n",
	       (uint64_t)(virtio_timeout_ns / NSEC_PER_MSEC));
	return 0;
}

static const struct action {
	const char *name, *usage;
	int (*run)(const struct target *target, int argc, char **argv);
} actions[] = {
	{"read", USAGE_READ, disk_read},	{"write", USAGE_WRITE, disk_write},
	{"sha256", USAGE_SHA256, disk_sha256},	{"fill", USAGE_FILL, disk_pattern},
	{"verify", USAGE_VERIFY, disk_pattern}, {"timeout", USAGE_TIMEOUT, NULL},
};

#define NR_ACTIONS (sizeof(actions) / sizeof(actions[0]))

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < NR_ACTIONS; i++)
		if (strcmp(name, actions[i].name) == 0)
			return &actions[i];
	return NULL;
}

/* One line: how this action is used, or what actions there are. Returns 1. */
static int usage(const char *name)
{
	const struct action *action = find_action(name);

	printf("usage: %s\n", action ? action->usage : USAGE);
	return 1;
}

static int cmd_disk(int argc, char **argv)
{
	struct target target = {0};
	const struct action *action;
	uint64_t number = 0;

	if (argc == 1)
		return disk_list();
	if (strcmp(argv[1], "timeout") == 0)
		return disk_timeout(argc, argv);
	if (parse_u64(argv[1], UINT32_MAX, &number) == 0) {
		argv[1] = argv[0];
		argv++;
		argc--;
	}
	target.number = (unsigned int)number;
	target.disk = virtio_blk_at(target.number);
	if (!target.disk) {
		if (virtio_blk_at(0))
			printf("disk: there is no disk %u\n", target.number);
		else
			printf("%s", no_disk);
		return 1;
	}
	virtio_blk_get_info(target.disk, &target.info);
	action = argc > 1 ? find_action(argv[1]) : NULL;
	return action && action->run ? action->run(&target, argc, argv) : usage("");
}

static const char *complete_disk(const char *prefix, unsigned int n)
{
	(void)prefix;
	return n < NR_ACTIONS ? actions[n].name : NULL;
}

CONSOLE_COMMAND_COMPLETE(
	disk, cmd_disk, USAGE,
	"disks: list, show, write, sum, fill, verify\n" USAGE_READ "\n" USAGE_WRITE
	"\n" USAGE_SHA256 "\n" USAGE_FILL "\n" USAGE_VERIFY "\n" USAGE_TIMEOUT
	"\nThe disk is number 0 if none is named, and all of it if no sectors are. A sector"
	"\nhas 512 bytes; count: default 1 to read; seed: any number. Ctrl-C stops it."
	"\nexample: disk 0 read 7",
	complete_disk);
