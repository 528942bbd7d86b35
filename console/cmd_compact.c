/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_compact.c: compaction by hand, and what it has moved.
 */
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>

#include "console/command.h"

static int cmd_compact(int argc, char **argv)
{
	struct mm_migrate_stats before, after;
	unsigned long moved;

	if (argc != 1)
		return console_usage(argv[0]);
	mm_migrate_stats(&before);
	moved = compact_memory();
	mm_migrate_stats(&after);
	printf("%lu blocks moved, %" PRIu64 " pages; %" PRIu64 " could not; %" PRIu64
	       " looked at\n",
	       moved, after.moved - before.moved, after.failed - before.failed,
	       after.scanned - before.scanned);
	return 0;
}

CONSOLE_COMMAND(compact, cmd_compact, "compact",
		"gather what can move, so that 2 MiB blocks are free\n"
		"example: compact");
