/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line.c: editing, history and completion of one line.
 *
 * The screen shows prompt and text with the terminal's cursor at `cursor`; every change of the text
 * reprints from the place of the change to the end and steps back. A line that wraps is edited
 * correctly, though the picture of its earlier rows is only right again after Ctrl-L.
 */
#include "console/line.h"

#include <string.h>

#define CTRL(letter) ((letter) - 'A' + 1)
#define BACKSPACE    0x08
#define DELETE	     0x7f
#define ESCAPE	     0x1b
#define SCREEN_WIDTH 80

static void put_text(const struct line *line, const char *text)
{
	line->put(text, strlen(text));
}

static void put_times(const struct line *line, char c, size_t count)
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
	put_text(line, line->prompt);
}

static void move_to(struct line *line, size_t cursor)
{
	if (cursor < line->cursor)
		put_times(line, '\b', line->cursor - cursor);
	else
		line->put(line->text + line->cursor, cursor - line->cursor);
	line->cursor = cursor;
}

/* Print text from the cursor on, blank what is left of a longer line, and come back. */
static void reprint_tail(struct line *line, size_t blanks)
{
	line->put(line->text + line->cursor, line->length - line->cursor);
	put_times(line, ' ', blanks);
	put_times(line, '\b', line->length - line->cursor + blanks);
}

static void insert(struct line *line, const char *text, size_t count)
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
static void cut(struct line *line, size_t from, size_t to)
{
	if (from == to)
		return;
	move_to(line, from);
	memmove(line->text + from, line->text + to, line->length - to + 1);
	line->length -= to - from;
	reprint_tail(line, to - from);
}

static void replace_all(struct line *line, const char *text)
{
	cut(line, 0, line->length);
	line->overflow = false;
	insert(line, text, strlen(text));
}

static size_t word_start(const struct line *line)
{
	size_t at = line->cursor;

	while (at > 0 && line->text[at - 1] == ' ')
		at--;
	while (at > 0 && line->text[at - 1] != ' ')
		at--;
	return at;
}

/* ---- history -------------------------------------------------------------------------------- */

static char *history_line(struct line *line, unsigned int back)
{
	return line->history[(line->history_count - back) % LINE_HISTORY];
}

static void remember(struct line *line)
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

static void show_history(struct line *line, unsigned int back)
{
	if (back > line->history_count || back > LINE_HISTORY || line->overflow)
		return;
	if (line->history_back == 0)
		memcpy(line->unfinished, line->text, line->length + 1);
	line->history_back = back;
	replace_all(line, back ? history_line(line, back) : line->unfinished);
}

/* ---- completion ----------------------------------------------------------------------------- */

struct matches {
	size_t start, typed;
	unsigned int count;
	char common[LINE_MAX_LENGTH + 1]; /* what all of them begin with */
	bool space;
};

/* The n-th candidate if it begins as the word does, "" if not, NULL past the last. */
static const char *match(struct line *line, struct matches *found, unsigned int n)
{
	bool space = false;
	const char *text = line->candidate(line->text, found->start, line->cursor, n, &space);

	if (!text)
		return NULL;
	if (*text == '\0' || strlen(text) > LINE_MAX_LENGTH ||
	    strncmp(text, line->text + found->start, found->typed) != 0)
		return "";
	found->space = space;
	return text;
}

static void find_matches(struct line *line, struct matches *found)
{
	const char *text;

	for (unsigned int n = 0; (text = match(line, found, n)); n++) {
		size_t same = 0;

		if (!*text)
			continue;
		if (found->count++ == 0) {
			strcpy(found->common, text);
			continue;
		}
		while (text[same] && text[same] == found->common[same])
			same++;
		found->common[same] = '\0';
	}
}

static void redraw(struct line *line)
{
	size_t cursor = line->cursor;

	put_text(line, line->prompt);
	line->cursor = 0;
	move_to(line, line->length);
	move_to(line, cursor);
}

static void list_matches(struct line *line, struct matches *found)
{
	const char *text;
	size_t column = 0;

	put_text(line, "\n");
	for (unsigned int n = 0; (text = match(line, found, n)); n++) {
		size_t length = strlen(text);

		if (length == 0)
			continue;
		if (column > 0 && column + 2 + length >= SCREEN_WIDTH) {
			put_text(line, "\n");
			column = 0;
		}
		if (column > 0) {
			put_text(line, "  ");
			column += 2;
		}
		put_text(line, text);
		column += length;
	}
	put_text(line, "\n");
	redraw(line);
}

static void complete(struct line *line)
{
	struct matches found = {.start = line->cursor};

	if (!line->candidate || line->overflow)
		return;
	while (found.start > 0 && line->text[found.start - 1] != ' ' &&
	       line->text[found.start - 1] != ';')
		found.start--;
	found.typed = line->cursor - found.start;
	find_matches(line, &found);
	if (found.count == 0)
		return;
	if (found.count == 1 && found.space)
		strcat(found.common, " ");
	/* a completion that does not fit is left out: it must not spoil the line */
	if (strlen(found.common) - found.typed <= LINE_MAX_LENGTH - line->length)
		insert(line, found.common + found.typed, strlen(found.common) - found.typed);
	if (found.count > 1) {
		found.typed = line->cursor - found.start;
		list_matches(line, &found);
	}
}

/* ---- keys ----------------------------------------------------------------------------------- */

static void key_left(struct line *line)
{
	if (line->cursor > 0)
		move_to(line, line->cursor - 1);
}

static void key_right(struct line *line)
{
	if (line->cursor < line->length)
		move_to(line, line->cursor + 1);
}

static void key_delete(struct line *line)
{
	if (line->cursor < line->length)
		cut(line, line->cursor, line->cursor + 1);
}

/* The end of an escape sequence of ECMA-48 (CSI) or of the keypad's application mode (SS3). */
static void escape_end(struct line *line, unsigned char final)
{
	static const char tilde_keys[] = "?HI3FGIHF"; /* ESC [ n ~ */

	if (line->more_parameters) /* Shift, Alt, Ctrl with the key: not ours */
		return;
	if (final == '~')
		final = line->parameter < sizeof(tilde_keys) - 1
				? (unsigned char)tilde_keys[line->parameter]
				: '?';
	switch (final) {
	case 'A':
		show_history(line, line->history_back + 1);
		break;
	case 'B':
		if (line->history_back > 0)
			show_history(line, line->history_back - 1);
		break;
	case 'C':
		key_right(line);
		break;
	case 'D':
		key_left(line);
		break;
	case 'H':
		move_to(line, 0);
		break;
	case 'F':
		move_to(line, line->length);
		break;
	case '3':
		key_delete(line);
		break;
	default:
		break;
	}
}

/* True if the byte belonged to an escape sequence. */
static bool escape_input(struct line *line, unsigned char byte)
{
	if (line->state == LINE_PLAIN || byte < ' ') {
		line->state = LINE_PLAIN; /* a control character ends a broken sequence */
		return false;
	}
	if (line->state == LINE_ESCAPE) {
		line->state = byte == '[' ? LINE_CSI : byte == 'O' ? LINE_SS3 : LINE_PLAIN;
		line->parameter = 0;
		line->more_parameters = false;
		return true;
	}
	if (line->state == LINE_SS3 || (byte >= 0x40 && byte < DELETE)) {
		line->state = LINE_PLAIN;
		escape_end(line, byte);
	} else if (byte >= '0' && byte <= '9') {
		if (line->parameter < 1000)
			line->parameter = line->parameter * 10 + (unsigned int)(byte - '0');
	} else if (byte < 0x40) {
		line->more_parameters = true;
	} else {
		line->state = LINE_PLAIN;
	}
	return true;
}

static enum line_event enter(struct line *line)
{
	move_to(line, line->length);
	put_text(line, "\n");
	if (line->overflow) {
		line->length = 0;
		line->cursor = 0;
		line->text[0] = '\0';
		return LINE_TOO_LONG;
	}
	remember(line);
	return LINE_ENTERED;
}

static void control(struct line *line, unsigned char byte)
{
	switch (byte) {
	case CTRL('A'):
		move_to(line, 0);
		break;
	case CTRL('B'):
		key_left(line);
		break;
	case CTRL('D'):
		key_delete(line);
		break;
	case CTRL('E'):
		move_to(line, line->length);
		break;
	case CTRL('F'):
		key_right(line);
		break;
	case BACKSPACE:
	case DELETE:
		if (line->cursor > 0)
			cut(line, line->cursor - 1, line->cursor);
		break;
	case '\t':
		complete(line);
		break;
	case CTRL('K'):
		cut(line, line->cursor, line->length);
		break;
	case CTRL('L'):
		put_text(line, "\033[H\033[2J");
		redraw(line);
		break;
	case CTRL('N'):
		escape_end(line, 'B');
		break;
	case CTRL('P'):
		escape_end(line, 'A');
		break;
	case CTRL('U'):
		cut(line, 0, line->overflow ? line->length : line->cursor);
		line->overflow = false;
		break;
	case CTRL('W'):
		cut(line, word_start(line), line->cursor);
		break;
	case ESCAPE:
		line->state = LINE_ESCAPE;
		break;
	default:
		break;
	}
}

enum line_event line_input(struct line *line, unsigned char byte)
{
	bool after_cr = line->after_cr;

	line->after_cr = byte == '\r';
	if (byte == '\n' && after_cr)
		return LINE_NONE;
	if (escape_input(line, byte))
		return LINE_NONE;
	if (byte == '\r' || byte == '\n')
		return enter(line);
	if (byte == CTRL('C')) {
		put_text(line, "^C\n");
		line->length = 0;
		line->cursor = 0;
		line->text[0] = '\0';
		return LINE_CANCELLED;
	}
	if (byte >= ' ' && byte < DELETE) {
		char c = (char)byte;

		insert(line, &c, 1);
	} else {
		control(line, byte);
	}
	return LINE_NONE;
}
