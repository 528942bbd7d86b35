/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output.c: see output.h. The pager stops when the screen is full and a terminal has said how large it is; a script is never
 * stopped. Ctrl-C ends the output of a command that does not ask for it itself, and q at the pager does.
 */
#include "console/output.h"

#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "console/command.h"
#include "console/input.h"
#include "console/terminal.h"

#define LINE_SIZE 512	 /* of a line that is searched; of a longer one piece by piece */
#define INDENT	  "    " /* before what did not fit in a line */
#define MORE	  "-- more: space a page, Enter a line, q quits --"

static struct {
	struct output_words words;
	bool live, quit; /* quit: nothing more of this command is shown */
	char line[LINE_SIZE + 1];
	size_t length;		   /* of line */
	bool let_through;	   /* the pieces of a long line, after one that has the word */
	unsigned int rows, column; /* on the screen since the last page */
	bool escape;		   /* inside an escape sequence, which takes no room */
} out;

static void more(void)
{
	struct terminal screen = terminal();
	bool waiting = true;

	console_write(MORE, sizeof(MORE) - 1);
	while (waiting) {
		int key = console_getchar();

		waiting = false;
		if (key == ' ' || key == 'f')
			out.rows = 0;
		else if (key == '\r' || key == '\n' || key == 'j')
			out.rows = screen.rows - 2;
		else if (key == 'q' || key == 'Q')
			out.quit = true;
		else if (key == CTRL_C)
			console_interrupt();
		else
			waiting = true;
	}
	out.column = 0;
	console_write("\r\033[K", 4);
}

static void count(char c)
{
	struct terminal screen = terminal();

	if (out.escape) {
		out.escape = !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
	} else if (c == '\033') {
		out.escape = true;
	} else if (c == '\r') {
		out.column = 0;
	} else if (c == '\n') {
		out.rows += out.column ? (out.column + screen.columns - 1) / screen.columns : 1;
		out.column = 0;
	} else {
		out.column++;
	}
}

static bool may_show(void)
{
	struct terminal screen = terminal();

	if (out.live)
		return true;
	if (out.quit || console_interrupted())
		return false;
	if (screen.rows && out.column == 0 && out.rows + 1 >= screen.rows)
		more();
	return !out.quit && !console_interrupted();
}

/*
 * One line or less, broken between words where the terminal would break it anywhere. A line comes in one piece, or in
 * pieces as long as the console's buffer.
 */
static void put(const char *text, size_t length)
{
	static const char next_line[] = "\n" INDENT;
	unsigned int columns = terminal().columns;

	while (columns > 2 * sizeof(INDENT) && length > 0) {
		size_t word = 0;

		while (word < length && text[word] == ' ')
			word++;
		while (word < length && !strchr(" \n", text[word]))
			word++;
		if (word == 0)
			break; /* the line's end */
		if (out.column > sizeof(INDENT) && out.column + word > columns) {
			size_t blanks = strspn(text, " ");

			out.rows++;
			out.column = sizeof(INDENT) - 1;
			text += blanks < word ? blanks : word;
			length -= blanks < word ? blanks : word;
			console_write(next_line, sizeof(next_line) - 1);
			continue;
		}
		console_write(text, word);
		for (; word > 0; word--, length--)
			count(*text++);
	}
	console_write(text, length);
	while (columns && length-- > 0)
		count(*text++);
}

/* Text that is to be seen: whole lines, or what there is of one. */
static void show(const char *text, size_t length)
{
	terminal_progress_end();
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t part = end ? (size_t)(end - text) + 1 : length;

		if (!may_show())
			return;
		put(text, part);
		text += part;
		length -= part;
	}
}

static bool wanted(void)
{
	for (unsigned int i = 0; i < out.words.count; i++)
		if ((strstr(out.line, out.words.word[i]) != NULL) == out.words.without[i])
			return false;
	return true;
}

/* The line, or a piece of one that is longer, is complete. */
static void judge(bool newline)
{
	out.line[out.length] = '\0';
	if (out.let_through || wanted()) {
		show(out.line, out.length);
		if (newline)
			show("\n", 1);
		out.let_through = !newline;
	}
	out.length = 0;
}

static void search(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			judge(true);
		else if (text[i] != '\r')
			out.line[out.length++] = text[i];
		if (out.length == LINE_SIZE)
			judge(false);
	}
}

static void filter(const char *text, size_t length)
{
	if (out.words.count)
		search(text, length);
	else
		show(text, length);
}

void output_new_line(void)
{
	out.rows = 0;
	out.column = 0;
}

void output_begin(const struct output_words *words)
{
	out.words = *words;
	out.live = false;
	out.quit = false;
	out.let_through = false;
	out.length = 0;
	out.escape = false;
	console_set_filter(filter);
}

void output_live(void)
{
	out.live = true;
}

bool output_is_live(void)
{
	return out.live;
}

void output_end(void)
{
	fflush(stdout);
	if (out.length)
		judge(true);
	terminal_progress_end();
	console_set_filter(NULL);
}
