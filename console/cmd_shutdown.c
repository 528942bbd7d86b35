/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_shutdown.c: all drivers leave and come back, and what they held is looked at in between.
 */
#include <errno.h>
#include <stdio.h>

#include "console/command.h"
#include "console/shutdown.h"

static int cmd_shutdown(int argc, char **argv)
{
	struct picture after;
	bool same;
	int error;

	if (argc != 1)
		return console_usage(argv[0]);
	error = shutdown_drivers(&after);
	if (error) {
		printf("shutdown: another CPU %s: nothing done\n",
		       error == -EBUSY ? "is at work" : "does not answer");
		return 1;
	}
	picture_print(&after);
	same = picture_compare(&after);
	printf("shutdown: without drivers buddyinfo is %sthe boot picture\n", same ? "" : "NOT ");
	return !same;
}

CONSOLE_COMMAND(shutdown, cmd_shutdown, "shutdown",
		"drivers leave, free blocks compared with the boot's\n"
		"and they are bound again; nothing may be missing\n"
		"example: shutdown");
