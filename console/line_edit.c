/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line_edit.c: the text of the line and its picture on the screen, and the lines before it.
 */
#include "console/line_internal.h"

#include <string.h>

void line_put(const struct line *line, const char *text)
{
	line->put(text, strlen(text));
}

void line_put_times(const struct line *line, char c, size_t count)
{
	while (count-- > 0)
		line->put(&c, 1);
}

void line_start(struct line *line)
{
	line->length = 0;
	line->cursor = 0;
	line->text[0] = '\0';
	line->overflow = false;
	line->state = LINE_PLAIN;
	line->history_back = 0;
	line->searching = false;
	line->prompt_length = strlen(line->prompt);
	line_put(line, line->prompt);
}

void line_move_to(struct line *line, size_t cursor)
{
	if (cursor < line->cursor)
		line_put_times(line, '\b', line->cursor - cursor);
	else
		line->put(line->text + line->cursor, cursor - line->cursor);
	line->cursor = cursor;
}

/* Print text from the cursor on, blank what is left of a longer line, and come back. */
static void reprint_tail(struct line *line, size_t blanks)
{
	line->put(line->text + line->cursor, line->length - line->cursor);
	line_put_times(line, ' ', blanks);
	line_put_times(line, '\b', line->length - line->cursor + blanks);
}

void line_insert(struct line *line, const char *text, size_t count)
{
	if (line->overflow || count > LINE_MAX_LENGTH - line->length) {
		line->overflow = true;
		return;
	}
	memmove(line->text + line->cursor + count, line->text + line->cursor,
		line->length - line->cursor + 1);
	memcpy(line->text + line->cursor, text, count);
	line->length += count;
	line->put(text, count);
	line->cursor += count;
	if (line->cursor < line->length)
		reprint_tail(line, 0);
}

/* Take out [from, to); the cursor ends at from. */
void line_cut(struct line *line, size_t from, size_t to)
{
	if (from == to)
		return;
	line_move_to(line, from);
	memmove(line->text + from, line->text + to, line->length - to + 1);
	line->length -= to - from;
	reprint_tail(line, to - from);
}

void line_replace(struct line *line, const char *text)
{
	line_cut(line, 0, line->length);
	line->overflow = false;
	line_insert(line, text, strlen(text));
}

void line_redraw(struct line *line)
{
	size_t cursor = line->cursor;

	line_put(line, line->prompt);
	line->prompt_length = strlen(line->prompt);
	line->cursor = 0;
	line_move_to(line, line->length);
	line_move_to(line, cursor);
}

/* Another prompt and another text in place of those that are shown; the cursor behind them. */
void line_show(struct line *line, const char *prompt, const char *text)
{
	size_t before = line->prompt_length + line->length, after;

	line_put_times(line, '\b', line->prompt_length + line->cursor);
	line->prompt_length = strlen(prompt);
	line->length = strlen(text);
	line->cursor = line->length;
	memmove(line->text, text, line->length + 1);
	line_put(line, prompt);
	line_put(line, line->text);
	after = line->prompt_length + line->length;
	if (before > after) {
		line_put_times(line, ' ', before - after);
		line_put_times(line, '\b', before - after);
	}
}

/* ---- history -------------------------------------------------------------------------------- */

static char *history_line(struct line *line, unsigned int back)
{
	return line->history[(line->history_count - back) % LINE_HISTORY];
}

void line_remember(struct line *line)
{
	if (line->length == 0)
		return;
	if (line->history_count > 0 && strcmp(history_line(line, 1), line->text) == 0)
		return;
	memcpy(line->history[line->history_count % LINE_HISTORY], line->text, line->length + 1);
	line->history_count++;
	/* keep the count small without moving the ring: a multiple of its size looks the same */
	if (line->history_count == 4 * LINE_HISTORY)
		line->history_count = 2 * LINE_HISTORY;
}

void line_show_history(struct line *line, unsigned int back)
{
	if (back > line->history_count || back > LINE_HISTORY || line->overflow)
		return;
	if (line->history_back == 0)
		memcpy(line->unfinished, line->text, line->length + 1);
	line->history_back = back;
	line_replace(line, back ? history_line(line, back) : line->unfinished);
}

const char *line_history(const struct line *line, unsigned int back)
{
	if (back == 0 || back > line->history_count || back > LINE_HISTORY)
		return NULL;
	return line->history[(line->history_count - back) % LINE_HISTORY];
}
