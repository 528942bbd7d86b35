/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_system.c: the machine around the memory: log, power, version.
 */
#include <inttypes.h>
#include <stdio.h>

#include "boot/boot.h"
#include "drivers/power/power.h"
#include "console/command.h"

static void print_line(const char *line)
{
	printf("%s\n", line);
}

static int cmd_dmesg(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	log_dump(print_line);
	return 0;
}

CONSOLE_COMMAND(dmesg, cmd_dmesg, "dmesg",
		"the log since the start, as far as it is kept\n"
		"16 KiB are; times in seconds\n"
		"example: dmesg | grep mm:");

static int cmd_version(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	printf("Quarry %s, gcc %s, at 0x%" PRIx64 "\n", boot_info.version, __VERSION__,
	       boot_info.image_base);
	return 0;
}

CONSOLE_COMMAND(version, cmd_version, "version",
		"what is running, and where\n"
		"example: version");

static int cmd_reboot(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	return power_do(POWER_REBOOT);
}

CONSOLE_COMMAND(reboot, cmd_reboot, "reboot",
		"restart the machine\n"
		"example: reboot");

static int cmd_poweroff(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	return power_do(POWER_OFF);
}

CONSOLE_COMMAND(poweroff, cmd_poweroff, "poweroff",
		"switch the machine off\n"
		"example: poweroff");
