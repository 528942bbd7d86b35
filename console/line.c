/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line.c: the keys of the line editor.
 *
 * The screen shows prompt and text with the terminal's cursor at `cursor`; every change of the text
 * reprints from the place of the change to the end and steps back. A line that wraps is edited
 * correctly, though the picture of its earlier rows is only right again after Ctrl-L.
 */
#include "console/line_internal.h"

#include <string.h>

static size_t word_start(const struct line *line)
{
	size_t at = line->cursor;

	while (at > 0 && line->text[at - 1] == ' ')
		at--;
	while (at > 0 && line->text[at - 1] != ' ')
		at--;
	return at;
}

static void key_left(struct line *line)
{
	if (line->cursor > 0)
		line_move_to(line, line->cursor - 1);
}

static void key_right(struct line *line)
{
	if (line->cursor < line->length)
		line_move_to(line, line->cursor + 1);
}

static void key_delete(struct line *line)
{
	if (line->cursor < line->length)
		line_cut(line, line->cursor, line->cursor + 1);
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
		line_show_history(line, line->history_back + 1);
		break;
	case 'B':
		if (line->history_back > 0)
			line_show_history(line, line->history_back - 1);
		break;
	case 'C':
		key_right(line);
		break;
	case 'D':
		key_left(line);
		break;
	case 'H':
		line_move_to(line, 0);
		break;
	case 'F':
		line_move_to(line, line->length);
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
	line_move_to(line, line->length);
	line_put(line, "\n");
	if (line->overflow) {
		line->length = 0;
		line->cursor = 0;
		line->text[0] = '\0';
		return LINE_TOO_LONG;
	}
	line_remember(line);
	return LINE_ENTERED;
}

static void control(struct line *line, unsigned char byte)
{
	switch (byte) {
	case CTRL('A'):
		line_move_to(line, 0);
		break;
	case CTRL('B'):
		key_left(line);
		break;
	case CTRL('D'):
		key_delete(line);
		break;
	case CTRL('E'):
		line_move_to(line, line->length);
		break;
	case CTRL('F'):
		key_right(line);
		break;
	case BACKSPACE:
	case DELETE:
		if (line->cursor > 0)
			line_cut(line, line->cursor - 1, line->cursor);
		break;
	case '\t':
		line_complete(line);
		break;
	case CTRL('K'):
		line_cut(line, line->cursor, line->length);
		break;
	case CTRL('L'):
		line_put(line, "\033[H\033[2J");
		line_redraw(line);
		break;
	case CTRL('N'):
		escape_end(line, 'B');
		break;
	case CTRL('P'):
		escape_end(line, 'A');
		break;
	case CTRL('R'):
		line_search_begin(line);
		break;
	case CTRL('U'):
		line_cut(line, 0, line->overflow ? line->length : line->cursor);
		line->overflow = false;
		break;
	case CTRL('W'):
		line_cut(line, word_start(line), line->cursor);
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
	if (line->searching && line_search_input(line, byte))
		return LINE_NONE;
	if (escape_input(line, byte))
		return LINE_NONE;
	if (byte == '\r' || byte == '\n')
		return enter(line);
	if (byte == CTRL('C')) {
		line_put(line, "^C\n");
		line->length = 0;
		line->cursor = 0;
		line->text[0] = '\0';
		return LINE_CANCELLED;
	}
	if (byte >= ' ' && byte < DELETE) {
		char c = (char)byte;

		line_insert(line, &c, 1);
	} else {
		control(line, byte);
	}
	return LINE_NONE;
}
