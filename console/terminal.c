/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal.c: see terminal.h.
 *
 * The question saves the cursor, moves it beyond the corner, where terminals stop at the last row and column, asks for
 * its position and puts it back. The answer is ESC [ rows ; columns R.
 */
#include "console/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "drivers/timer/timer.h"
#include "console/input.h"

#define QUESTION    "\0337\033[999;999H\033[6n\0338"
#define ESCAPE	    0x1b
#define SETTLE_NS   (300 * NSEC_PER_MSEC) /* a terminal behind a network */
#define PROGRESS_NS (100 * NSEC_PER_MSEC)
#define SMALLEST    2 /* rows and columns: less is no answer */

static struct terminal size;
static bool asked;				/* and not answered yet */
static bool answered;				/* the question before this one was */
static unsigned char held[TERMINAL_ANSWER_MAX]; /* what may be an answer's beginning */
static unsigned int nr_held;
static bool progress_shown;
static uint64_t progress_time;

struct terminal terminal(void)
{
	return size;
}

bool terminal_is_narrow(unsigned int columns)
{
	return size.columns && size.columns < columns;
}

void terminal_ask(void)
{
	answered = size.rows && !asked;
	asked = true;
	nr_held = 0;
	console_write(QUESTION, sizeof(QUESTION) - 1);
}

static void give_up(void)
{
	size = (struct terminal){0, 0};
}

void terminal_settle(void)
{
	uint64_t start = timer_now();

	while (asked && answered && timer_hz() && timer_since(start) < SETTLE_NS) {
		console_interrupted();
		timer_sleep(NSEC_PER_MSEC);
	}
	if (asked)
		give_up();
}

/* The number at text[*at], which ends with `end`; *at moves behind that. 0: there is none. */
static unsigned int number(const unsigned char *text, unsigned int length, unsigned int *at,
			   unsigned char end)
{
	unsigned int value = 0;

	for (; *at < length && text[*at] >= '0' && text[*at] <= '9' && value < 10000; ++*at)
		value = value * 10 + (text[*at] - '0');
	if (*at == length || text[*at] != end)
		return 0;
	++*at;
	return value;
}

/* Does what is held begin as an answer does? */
static bool may_be_answer(void)
{
	static const char digits[] = "0123456789;";

	for (unsigned int i = 0; i < nr_held; i++)
		if ((i == 0 && held[i] != ESCAPE) || (i == 1 && held[i] != '[') ||
		    (i > 1 && !memchr(digits, held[i], sizeof(digits) - 1)))
			return false;
	return nr_held < TERMINAL_ANSWER_MAX;
}

static bool is_answer(void)
{
	unsigned int at = 2, rows, columns;

	if (nr_held < 6 || held[0] != ESCAPE || held[1] != '[')
		return false;
	rows = number(held, nr_held, &at, ';');
	columns = number(held, nr_held, &at, 'R');
	if (at != nr_held || rows < SMALLEST || columns < SMALLEST)
		return false;
	size = (struct terminal){rows, columns};
	return true;
}

unsigned int terminal_hear(unsigned char byte, unsigned char bytes[TERMINAL_ANSWER_MAX])
{
	unsigned int n;

	if (!asked) {
		bytes[0] = byte;
		return 1;
	}
	held[nr_held++] = byte;
	if (is_answer()) {
		asked = false;
		nr_held = 0;
		return 0;
	}
	if (may_be_answer())
		return 0;
	n = nr_held;
	memcpy(bytes, held, n);
	nr_held = 0;
	return n;
}

unsigned int terminal_hear_no_more(unsigned char bytes[TERMINAL_ANSWER_MAX])
{
	unsigned int n = nr_held;

	memcpy(bytes, held, n);
	nr_held = 0;
	asked = false;
	return n;
}

const char *terminal_colour(enum terminal_colour colour)
{
	static char text[8];

	if (!size.rows)
		return "";
	snprintf(text, sizeof(text), "\033[%um", (unsigned int)colour);
	return text;
}

void terminal_progress(const char *fmt, ...)
{
	char line[80];
	va_list args;
	int length;

	if (!size.rows || (progress_shown && timer_since(progress_time) < PROGRESS_NS))
		return;
	va_start(args, fmt);
	length = vsnprintf(line, size.columns < sizeof(line) ? size.columns : sizeof(line), fmt,
			   args);
	va_end(args);
	if (length < 0)
		return;
	progress_time = timer_now();
	progress_shown = true;
	console_write_progress(line, strlen(line));
}

void terminal_progress_end(void)
{
	if (progress_shown)
		console_write_progress("", 0);
	progress_shown = false;
}
