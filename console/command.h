/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command.h: console commands announce themselves in a linker section, each beside the code it
 * exposes; and what the shell offers them.
 */
#ifndef CONSOLE_COMMAND_H
#define CONSOLE_COMMAND_H

#include <stdbool.h>

#include <quarry/types.h>

/* Words of one command, its name included. */
#define CONSOLE_MAX_ARGS 16

/* Longest line, without the terminator. */
#define CONSOLE_LINE_MAX 255

struct console_command {
	const char *name;
	/*
	 * argv[0] is the name, argv[argc] is NULL. Returns 0, or nonzero after one line of error.
	 */
	int (*handler)(int argc, char **argv);
	const char *usage; /* "alloc <order> [gfp]" */
	/*
	 * One line that fits the list of 80 columns; `help <name>` prints what follows it too: what each word means, its default
	 * and unit, and "example: " with a line to type.
	 */
	const char *help;
	/*
	 * TAB in an argument that begins with prefix: the n-th candidate, NULL past the last. The
	 * editor drops those that do not begin with prefix. The string is valid until the next
	 * call. NULL if the command has none to offer.
	 */
	const char *(*complete)(const char *prefix, unsigned int n);
	const char *const *words; /* candidates that stay the same, NULL past the last; or NULL */
	bool sized;		  /* its name may end with .b, .w, .l or .q; argv[0] has it then */
};

/*
 * Announce a command. `name` is a C identifier. The linker script keeps .quarry.commands between
 * __start_quarry_commands and __stop_quarry_commands. The help command sorts by name.
 */
#define CONSOLE_COMMAND_ENTRY(name_, handler_, usage_, help_, ...)                            \
	static const struct console_command console_command_##name_ = {.name = #name_,        \
								       .handler = (handler_), \
								       .usage = (usage_),     \
								       .help = (help_),       \
								       __VA_ARGS__};          \
	static const struct console_command *const console_command_entry_##name_              \
		__attribute__((section(".quarry.commands"), used)) = &console_command_##name_

#define CONSOLE_COMMAND(name, handler, usage, help) \
	CONSOLE_COMMAND_ENTRY(name, handler, usage, help, .complete = NULL)
/* TAB offers what `complete_` finds, or these words. */
#define CONSOLE_COMMAND_COMPLETE(name, handler, usage, help, complete_) \
	CONSOLE_COMMAND_ENTRY(name, handler, usage, help, .complete = (complete_))
#define CONSOLE_COMMAND_WORDS(name, handler, usage, help, ...) \
	CONSOLE_COMMAND_ENTRY(name, handler, usage, help,      \
			      .words = (const char *const[]){__VA_ARGS__, NULL})

/* The n-th command in the order of their names, NULL past the last. */
const struct console_command *console_command_at(unsigned int n);
const struct console_command *console_command_find(const char *name);

/* console_usage() - a handler's answer to arguments it cannot use: one line; returns 1. */
int console_usage(const char *name);

/*
 * console_run() - run commands separated by ';' (line is changed in place), one after the other
 * whatever the earlier ones returned. Returns the last one's result. Context: thread.
 */
int console_run(char *line);

/* console_shell() - read lines and run them, for ever. Context: thread, interrupts enabled. */
_Noreturn void console_shell(void);

/*
 * console_getchar() - the next byte the user sent, 0..255, the CPU idle until there is one.
 * Context: thread, interrupts enabled.
 */
int console_getchar(void);

/* console_history() - the line entered so many before, 1 is the last one; NULL: it is not kept. */
const char *console_history(unsigned int back);

/* The prompt, exactly this. */
#define CONSOLE_PROMPT "quarry> "

#endif
