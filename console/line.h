/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line.h: the line editor: bytes of a terminal in, edited lines out. It knows no hardware.
 *
 * Output is plain text, carriage movement by backspace only, so that a dumb terminal and a program
 * that reads along see what was typed; only Ctrl-L uses escape codes.
 */
#ifndef CONSOLE_LINE_H
#define CONSOLE_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_MAX_LENGTH 255 /* without the terminator */
#define LINE_HISTORY	32  /* lines remembered */
#define LINE_SEARCH_MAX 32  /* characters that Ctrl-R looks for */

enum line_event {
	LINE_NONE,	/* go on */
	LINE_ENTERED,	/* text holds the line; it is in the history unless empty or a repetition */
	LINE_CANCELLED, /* Ctrl-C; text is empty */
	LINE_TOO_LONG,	/* it was longer than LINE_MAX_LENGTH: discarded, text is empty */
};

struct line {
	/* Set by the user of the editor before line_start(). */
	const char *prompt;
	void (*put)(const char *text, size_t length); /* "\n" is a new line */
	/*
	 * The n-th candidate for the word that starts at text[start] and ends at the cursor; NULL
	 * past the last. "" and what does not begin as the word does are ignored. *space: a space
	 * follows if it is the only one. NULL: no completion.
	 */
	const char *(*candidate)(const char *text, size_t start, size_t end, unsigned int n,
				 bool *space);

	/* The line. */
	char text[LINE_MAX_LENGTH + 1];
	size_t length, cursor;
	bool overflow; /* more was typed than fits */

	/* The decoder of escape sequences and line ends. */
	enum {
		LINE_PLAIN,
		LINE_ESCAPE,
		LINE_CSI,
		LINE_SS3
	} state;
	unsigned int parameter; /* first number of the sequence */
	bool more_parameters;
	bool after_cr; /* a '\n' now belongs to the '\r' before it */

	/* Lines entered, a ring; the newest is history[(history_count - 1) % LINE_HISTORY]. */
	char history[LINE_HISTORY][LINE_MAX_LENGTH + 1];
	unsigned int history_count;
	unsigned int history_back; /* how far back the line shown is; 0: the one being typed */
	char unfinished[LINE_MAX_LENGTH + 1];

	/* Ctrl-R. */
	bool searching, search_failed;
	char search[LINE_SEARCH_MAX + 1];
	size_t search_length;
	size_t prompt_length; /* of the prompt that is shown: the search has its own */
};

/* Empty the line and print the prompt. */
void line_start(struct line *line);

/* line_history() - the line entered so many before; 1 is the last one; NULL: it is not kept. */
const char *line_history(const struct line *line, unsigned int back);

/* Take one byte from the terminal. After any event but LINE_NONE call line_start() again. */
enum line_event line_input(struct line *line, unsigned char byte);

#endif
