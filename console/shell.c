/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell.c: finds and runs commands, and feeds the line editor.
 */
#include <quarry/port.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "drivers/base/io.h"
#include "drivers/timer/timer.h"
#include "drivers/serial/uart.h"
#include "console/command.h"
#include "console/line.h"
#include "console/parse.h"

static_assert(CONSOLE_LINE_MAX == LINE_MAX_LENGTH, "the editor's limit is the console's");

extern const struct console_command *const __start_quarry_commands[],
	*const __stop_quarry_commands[];

#define LOOK_NS (100 * NSEC_PER_MSEC) /* and where something should */

const struct console_command *console_command_find(const char *name)
{
	for (const struct console_command *const *c = __start_quarry_commands;
	     c < __stop_quarry_commands; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

const struct console_command *console_command_at(unsigned int n)
{
	const struct console_command *last = NULL;

	/* the table is in link order: step n times to the next name; quadratic in a few dozen */
	for (unsigned int i = 0; i <= n; i++) {
		const struct console_command *next = NULL;

		for (const struct console_command *const *c = __start_quarry_commands;
		     c < __stop_quarry_commands; c++)
			if ((!last || strcmp((*c)->name, last->name) > 0) &&
			    (!next || strcmp((*c)->name, next->name) < 0))
				next = *c;
		if (!next)
			return NULL;
		last = next;
	}
	return last;
}

int console_usage(const char *name)
{
	printf("usage: %s\n", console_command_find(name)->usage);
	return 1;
}

static int run_one(char *text)
{
	char *argv[CONSOLE_MAX_ARGS + 1];
	int argc = parse_words(text, argv, CONSOLE_MAX_ARGS);
	const struct console_command *command;

	if (argc == 0)
		return 0;
	if (argc < 0) {
		printf("more than %d words in a command: nothing done\n", CONSOLE_MAX_ARGS);
		return 1;
	}
	command = console_command_find(argv[0]);
	if (!command) {
		printf("%s: unknown command; 'help' lists the commands\n", argv[0]);
		return 1;
	}
	return command->handler(argc, argv);
}

int console_run(char *line)
{
	int result = 0;

	while (line) {
		char *next = strchr(line, ';');

		if (next)
			*next++ = '\0';
		result = run_one(line);
		line = next;
	}
	return result;
}

/* Into *arg, the next byte; true if there is one. */
static bool take(void *arg)
{
	int *byte = arg;

	if (*byte < 0)
		*byte = uart_getc();
	return *byte >= 0;
}

int console_getchar(void)
{
	int byte = -1;

	while (!take(&byte)) {
		if (!uart_wakes()) {
			timer_sleep(UART_POLL_NS);
		} else if (timer_hz()) {
			if (!timer_wait(LOOK_NS, take, &byte))
				uart_look();
		} else {
			/* masked, so that no byte can arrive between the look and the wait */
			unsigned long flags = port_irq_save();

			if (!take(&byte))
				cpu_wait_for_interrupt();
			port_irq_restore(flags);
		}
	}
	return byte;
}

/* Is text[start] in the first word of a command? If not, the command's name is copied to name. */
static bool in_first_word(const char *text, size_t start, char *name)
{
	size_t at = start, length;

	while (at > 0 && text[at - 1] != ';')
		at--;
	at += strspn(text + at, " ");
	if (at >= start)
		return true;
	length = strcspn(text + at, " ;");
	memcpy(name, text + at, length);
	name[length] = '\0';
	return false;
}

static const char *candidate(const char *text, size_t start, size_t end, unsigned int n,
			     bool *space)
{
	char name[LINE_MAX_LENGTH + 1], prefix[LINE_MAX_LENGTH + 1];
	const struct console_command *command;

	if (in_first_word(text, start, name)) {
		command = console_command_at(n);
		*space = true;
		return command ? command->name : NULL;
	}
	command = console_command_find(name);
	if (!command)
		return NULL;
	if (command->words) {
		const char *const *word = command->words;

		*space = false;
		while (*word && n--)
			word++;
		return *word;
	}
	if (!command->complete)
		return NULL;
	memcpy(prefix, text + start, end - start);
	prefix[end - start] = '\0';
	*space = false;
	return command->complete(prefix, n);
}

void console_shell(void)
{
	static struct line line = {
		.prompt = CONSOLE_PROMPT,
		.put = console_write,
		.candidate = candidate,
	};

	for (;;) {
		enum line_event event;

		line_start(&line);
		do
			event = line_input(&line, (unsigned char)console_getchar());
		while (event == LINE_NONE);
		if (event == LINE_TOO_LONG)
			printf("line too long: %d characters at most, nothing done\n",
			       LINE_MAX_LENGTH);
		else if (event == LINE_ENTERED)
			console_run(line.text);
	}
}
