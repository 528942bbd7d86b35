/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_date.c: the time of day.
 */
#include <stdio.h>
#include <time.h>

#include "drivers/rtc/rtc.h"
#include "console/command.h"

static int cmd_date(int argc, char **argv)
{
	uint64_t seconds;
	struct tm tm;
	time_t time;

	if (argc != 1)
		return console_usage(argv[0]);
	if (rtc_read(&seconds) != 0) {
		printf("date: this board has no clock that a driver knows\n");
		return 1;
	}
	time = (time_t)seconds;
	gmtime_r(&time, &tm);
	printf("%04d-%02d-%02d %02d:%02d:%02d UTC\n", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
	       tm.tm_hour, tm.tm_min, tm.tm_sec);
	return 0;
}

CONSOLE_COMMAND(date, cmd_date, "date",
		"the time of day, as the board's clock has it\n"
		"UTC\n"
		"example: date");
