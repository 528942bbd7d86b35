/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_shell.c: the console itself: help, the lines typed before, a clear screen.
 */
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "console/command.h"
#include "console/line.h"
#include "console/suggest.h"
#include "console/terminal.h"

/* ---- help ------------------------------------------------------------------------------------ */

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

static const char *name_at(unsigned int n)
{
	const struct console_command *command = console_command_at(n);

	return command ? command->name : NULL;
}

static int cmd_help(int argc, char **argv)
{
	const struct console_command *command;

	if (argc > 2)
		return console_usage(argv[0]);
	if (argc == 2) {
		const char *near;

		command = console_command_find(argv[1]);
		if (command) {
			printf("usage: %s\n%s\n", command->usage, command->help);
			return 0;
		}
		near = suggest(argv[1], name_at);
		if (near)
			printf("help: there is no command '%s'; did you mean '%s'?\n", argv[1],
			       near);
		else
			printf("help: there is no command '%s'; 'help' lists them\n", argv[1]);
		return 1;
	}
	for (unsigned int n = 0; (command = console_command_at(n)); n++)
		show_in_list(command);
	printf("%-*s what '..' stands for, defaults, units, an example\n", USAGE_WIDTH,
	       "help <command>");
	printf("%-*s one after the other; '# ..' does nothing\n", USAGE_WIDTH,
	       "<command>; <command>");
	printf("%-*s only the lines with the word; -v: without it\n", USAGE_WIDTH,
	       "<command> | grep <word>");
	printf("%-*s end a line or a command, look for a line typed before\n", USAGE_WIDTH,
	       "Ctrl-C, Ctrl-R");
	return 0;
}

static const char *complete_help(const char *prefix, unsigned int n)
{
	(void)prefix;
	return name_at(n);
}

CONSOLE_COMMAND_COMPLETE(help, cmd_help, "help [command]",
			 "this list, or more about one command\n"
			 "example: help alloc",
			 complete_help);

/* ---- history, clear --------------------------------------------------------------------------- */

static int cmd_history(int argc, char **argv)
{
	unsigned int back = LINE_HISTORY;

	if (argc != 1)
		return console_usage(argv[0]);
	while (back > 0 && !console_history(back))
		back--;
	for (; back > 0; back--)
		printf("%3u  %s\n", back, console_history(back));
	return 0;
}

CONSOLE_COMMAND(history, cmd_history, "history",
		"the lines typed before, the newest last\n"
		"32 are kept; Ctrl-R looks for one, the arrow keys go through them\n"
		"example: history | grep alloc");

static int cmd_clear(int argc, char **argv)
{
	static const char clear[] = "\033[H\033[2J";

	if (argc != 1)
		return console_usage(argv[0]);
	if (terminal().rows)
		console_write(clear, sizeof(clear) - 1);
	return 0;
}

CONSOLE_COMMAND(clear, cmd_clear, "clear",
		"an empty screen, as Ctrl-L\n"
		"example: clear");
