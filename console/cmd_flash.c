/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_flash.c: what the flash holds, and the buffer cache it is read through.
 */
#include <inttypes.h>
#include <stdio.h>

#include "drivers/misc/cfi_flash.h"
#include "console/command.h"
#include "console/hexdump.h"
#include "console/parse.h"

static int cmd_flash(int argc, char **argv)
{
	uint64_t offset, size = 64, blocks;
	struct buf_source *flash = cfi_flash(&blocks);

	if (argc < 2 || argc > 3)
		return console_usage(argv[0]);
	if (!flash) {
		printf("flash: this board has none that a driver knows\n");
		return 1;
	}
	if (parse_u64(argv[1], blocks * BUF_SIZE - 1, &offset) != 0) {
		printf("flash: '%s' is not an offset, 0 to 0x%" PRIx64 "\n", argv[1],
		       blocks * BUF_SIZE - 1);
		return 1;
	}
	if (argc == 3 && parse_u64(argv[2], blocks * BUF_SIZE - offset, &size) != 0) {
		printf("flash: '%s' is not a number of bytes, 0 to %" PRIu64 "\n", argv[2],
		       blocks * BUF_SIZE - offset);
		return 1;
	}
	offset &= ~(uint64_t)15;
	for (uint64_t at = offset; at < offset + size; at += 16) {
		struct buf *buf = buf_read(flash, at / BUF_SIZE);

		if (!buf) {
			printf("flash: block %" PRIu64 " cannot be read\n", at / BUF_SIZE);
			return 1;
		}
		hexdump(at, (unsigned char *)buf->data + at % BUF_SIZE, 16);
		buf_release(buf);
	}
	return 0;
}

CONSOLE_COMMAND(flash, cmd_flash, "flash <offset> [bytes]",
		"what the NOR flash holds\n"
		"offset: in bytes, rounded down to 16; bytes: default 64\n"
		"example: flash 0x100 256");

static int cmd_bufcache(int argc, char **argv)
{
	struct bufcache_stats stats;

	if (argc != 1)
		return console_usage(argv[0]);
	bufcache_get_stats(&stats);
	printf("bufcache: %u buffers of %lu bytes, %u held, %" PRIu64 " hits, %" PRIu64
	       " misses, %" PRIu64 " given back to the shrinker\n",
	       stats.buffers, BUF_SIZE, stats.held, stats.hits, stats.misses, stats.shrunk);
	return 0;
}

CONSOLE_COMMAND(bufcache, cmd_bufcache, "bufcache",
		"the cache of blocks that drivers read\n"
		"it gives its buffers back when memory runs out\n"
		"example: bufcache");
