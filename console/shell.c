/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell.c: finds and runs commands, and feeds the line editor.
 */
#include <quarry/port.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/cpu/balance.h"
#include "drivers/base/io.h"
#include "drivers/timer/timer.h"
#include "drivers/serial/uart.h"
#include "console/command.h"
#include "console/input.h"
#include "console/line.h"
#include "console/output.h"
#include "console/owner.h"
#include "console/parse.h"
#include "console/suggest.h"
#include "console/terminal.h"

static_assert(CONSOLE_LINE_MAX == LINE_MAX_LENGTH, "the editor's limit is the console's");

extern const struct console_command *const __start_quarry_commands[],
	*const __stop_quarry_commands[];

#define LOOK_NS (100 * NSEC_PER_MSEC) /* and where something should */

static const struct console_command *find(const char *name, size_t length)
{
	for (const struct console_command *const *c = __start_quarry_commands;
	     c < __stop_quarry_commands; c++)
		if (strlen((*c)->name) == length && strncmp((*c)->name, name, length) == 0)
			return *c;
	return NULL;
}

const struct console_command *console_command_find(const char *name)
{
	const struct console_command *command = find(name, strlen(name));
	size_t length = strcspn(name, ".");

	if (command || name[length] == '\0')
		return command;
	command = find(name, length); /* md.b */
	return command && command->sized ? command : NULL;
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

/* ---- one command ---------------------------------------------------------------------------- */

/*
 * Cut `| grep [-v] WORD ..` off the words; returns how many are left, -1 after a line of error. A bar is a word of its own:
 * GFP_KERNEL|__GFP_ZERO has none.
 */
static int cut_grep(int argc, char **argv, struct output_words *words)
{
	int left = argc;

	for (int i = 0; i < argc; i++) {
		bool without;

		if (strcmp(argv[i], "|") != 0)
			continue;
		left = left < i ? left : i;
		without = i + 2 < argc && strcmp(argv[i + 2], "-v") == 0;
		if (i + 2 + without >= argc || strcmp(argv[i + 1], "grep") != 0 ||
		    words->count == OUTPUT_MAX_WORDS ||
		    (i + 3 + without < argc && strcmp(argv[i + 3 + without], "|") != 0)) {
			printf("usage: <command> | grep [-v] <word>, %d times at most\n",
			       OUTPUT_MAX_WORDS);
			return -1;
		}
		words->without[words->count] = without;
		words->word[words->count++] = argv[i + 2 + without];
	}
	argv[left] = NULL;
	return left;
}

static const char *name_at(unsigned int n)
{
	const struct console_command *command = console_command_at(n);

	return command ? command->name : NULL;
}

static int unknown(const char *name)
{
	const char *near = suggest(name, name_at);

	if (near)
		printf("%s: unknown command; did you mean '%s'?\n", name, near);
	else
		printf("%s: unknown command; 'help' lists the commands\n", name);
	return 1;
}

static int run_one(char *text)
{
	static char help[] = "help";
	char *argv[CONSOLE_MAX_ARGS + 1];
	int argc = parse_words(text, argv, CONSOLE_MAX_ARGS);
	const struct console_command *command;
	struct output_words words = {.count = 0};
	int result;

	if (argc == 0)
		return 0;
	if (argc < 0) {
		printf("more than %d words in a command: nothing done\n", CONSOLE_MAX_ARGS);
		return 1;
	}
	argc = cut_grep(argc, argv, &words);
	if (argc < 0)
		return 1;
	if (argc > 0 && strcmp(argv[0], "?") == 0)
		argv[0] = help;
	command = argc > 0 ? console_command_find(argv[0]) : NULL;
	if (!command)
		return unknown(argc > 0 ? argv[0] : "|");
	owner_tick();
	output_begin(&words);
	result = command->handler(argc, argv);
	output_end();
	owner_tick();
	return result;
}

int console_run(char *line)
{
	int result = 0;

	input_restart();
	output_new_line();
	while (line) {
		char *next = strchr(line, ';');

		if (line[strspn(line, " ")] == '#')
			break;
		if (next)
			*next++ = '\0';
		result = run_one(line);
		if (console_interrupted()) {
			if (!output_is_live())
				printf("^C\n");
			return 1;
		}
		line = next;
	}
	return result;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Into *arg, the next byte; true if there is one. */
static bool take(void *arg)
{
	int *byte = arg;

	if (*byte < 0)
		*byte = console_poll();
	return *byte >= 0;
}

int console_getchar(void)
{
	int byte = -1;

	while (!take(&byte)) {
		if (balance_step()) /* idle: a step, and then the next look for a byte */
			continue;
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

static struct line line = {
	.prompt = CONSOLE_PROMPT,
	.put = console_write,
	.candidate = candidate,
};

const char *console_history(unsigned int back)
{
	return line_history(&line, back);
}

/*
 * Is it time to ask what is at the other end? With the first key: a machine at which nobody types prints no question. A
 * terminal is asked again with each line, as it may have gone or changed its size; what is none, when a key is pressed that a user
 * presses who has just come.
 */
static bool time_to_ask(int byte)
{
	static bool asked;
	bool first = !asked;

	asked = true;
	return first || terminal().rows || strchr("\r\n\f\033", byte);
}

static enum line_event read_line(void)
{
	enum line_event event;
	bool first = true;

	line_start(&line);
	do {
		int byte = console_getchar();

		if (first && byte && time_to_ask(byte))
			terminal_ask();
		first = false;
		event = line_input(&line, (unsigned char)byte);
	} while (event == LINE_NONE);
	return event;
}

void console_shell(void)
{
	for (;;) {
		enum line_event event = read_line();

		if (event == LINE_TOO_LONG)
			printf("line too long: %d characters at most, nothing done\n",
			       LINE_MAX_LENGTH);
		else if (event == LINE_ENTERED && line.length) {
			terminal_settle();
			console_run(line.text);
		}
	}
}
