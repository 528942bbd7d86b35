/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_system.c: the machine around the memory: log, power, version, and help.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "drivers/power/power.h"
#include "console/command.h"

#define USAGE_WIDTH 24 /* of the list's first column */

/* One line: the usage if there is room for it, and the help's first line. */
static void show_in_list(const struct console_command *command)
{
	bool fits = strlen(command->usage) <= USAGE_WIDTH;
	char name[USAGE_WIDTH + 1];

	snprintf(name, sizeof(name), "%s ..", command->name);
	printf("%-*s %.*s\n", USAGE_WIDTH, fits ? command->usage : name,
	       (int)strcspn(command->help, "\n"), command->help);
}

static int cmd_help(int argc, char **argv)
{
	const struct console_command *command;

	if (argc > 2)
		return console_usage(argv[0]);
	if (argc == 2) {
		command = console_command_find(argv[1]);
		if (!command) {
			printf("help: there is no command '%s'; 'help' lists them\n", argv[1]);
			return 1;
		}
		printf("usage: %s\n%s\n", command->usage, command->help);
		return 0;
	}
	for (unsigned int n = 0; (command = console_command_at(n)); n++)
		show_in_list(command);
	printf("%-*s what '..' stands for\n", USAGE_WIDTH, "help <command>");
	return 0;
}

static const char *complete_help(const char *prefix, unsigned int n)
{
	const struct console_command *command = console_command_at(n);

	(void)prefix;
	return command ? command->name : NULL;
}

CONSOLE_COMMAND_COMPLETE(help, cmd_help, "help [command]", "this list, or one command's usage",
			 complete_help);

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

CONSOLE_COMMAND(dmesg, cmd_dmesg, "dmesg", "the log since the start, as far as it is kept");

static int cmd_version(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	printf("Quarry %s, gcc %s, at 0x%" PRIx64 "\n", boot_info.version, __VERSION__,
	       boot_info.image_base);
	return 0;
}

CONSOLE_COMMAND(version, cmd_version, "version", "what is running, and where");

static int cmd_reboot(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	return power_do(POWER_REBOOT);
}

CONSOLE_COMMAND(reboot, cmd_reboot, "reboot", "restart the machine");

static int cmd_poweroff(int argc, char **argv)
{
	if (argc != 1)
		return console_usage(argv[0]);
	return power_do(POWER_OFF);
}

CONSOLE_COMMAND(poweroff, cmd_poweroff, "poweroff", "switch the machine off");
