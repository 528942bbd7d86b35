/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal.h: is there a terminal at the other end, and how large is it? It is asked for the cursor's position
 * (ECMA-48 8.3.35, DSR 6) in the lowest right corner: a terminal answers with its size, a script does not answer, and is
 * then shown nothing but plain text: no colours, no pager, no progress, Linux's widths.
 */
#ifndef CONSOLE_TERMINAL_H
#define CONSOLE_TERMINAL_H

#include <stdbool.h>

struct terminal {
	unsigned int rows, columns; /* both 0: nobody has answered */
};

/* terminal() - what the last question has brought. Context: thread. */
struct terminal terminal(void);

/* terminal_is_narrow() - would a line of so many characters be wrapped? False where no terminal answers. */
bool terminal_is_narrow(unsigned int columns);

/* terminal_ask() - send the question; returns at once. Whoever had not answered the last one is no terminal. */
void terminal_ask(void);

/* terminal_settle() - a command begins: one that used to answer gets a moment to do so. */
void terminal_settle(void);

/*
 * terminal_hear() - a byte has arrived: those that are no part of an answer are put into bytes[], their number is
 * returned.
 */
#define TERMINAL_ANSWER_MAX 16
unsigned int terminal_hear(unsigned char byte, unsigned char bytes[TERMINAL_ANSWER_MAX]);

/* terminal_hear_no_more() - no answer is looked for until the next question; bytes[] and the number are as above. */
unsigned int terminal_hear_no_more(unsigned char bytes[TERMINAL_ANSWER_MAX]);

/* Colours of text as ECMA-48 8.3.117 (SGR) numbers them; terminal_colour() - "" where no terminal answers. */
enum terminal_colour {
	COLOUR_NONE = 0,
	COLOUR_REVERSE = 7,
	COLOUR_RED = 31,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_BLUE,
	COLOUR_MAGENTA,
	COLOUR_CYAN,
	COLOUR_WHITE,
};
const char *terminal_colour(enum terminal_colour colour);

/*
 * terminal_progress() - what is going on, in a line of its own that the next one replaces, at most every tenth of a second;
 * nothing where no terminal answers. terminal_progress_end() - the line is gone. Context: thread.
 */
void terminal_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void terminal_progress_end(void);

#endif
