/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line_search.c: Ctrl-R: the newest line of the history that has what is typed, and with Ctrl-R again the next older one.
 * Any key of the editor takes the line found; Ctrl-G goes back to what was there before.
 */
#include "console/line_internal.h"

#include <string.h>

static void show(struct line *line, const char *text)
{
	char prompt[LINE_SEARCH_MAX + 24];

	strcpy(prompt, line->search_failed ? "(no line has) " : "(search) ");
	strcat(prompt, line->search);
	strcat(prompt, ": ");
	line_show(line, prompt, text);
}

/* The first line that has the text, this many back or more; the one shown stays if there is none. */
static void find(struct line *line, unsigned int back)
{
	const char *text;

	for (; (text = line_history(line, back)); back++) {
		if (!strstr(text, line->search))
			continue;
		line->search_failed = false;
		line->history_back = back;
		show(line, text);
		return;
	}
	line->search_failed = true;
	show(line, line->text);
}

void line_search_begin(struct line *line)
{
	if (line->overflow)
		return;
	if (line->history_back == 0)
		memcpy(line->unfinished, line->text, line->length + 1);
	line->searching = true;
	line->search_failed = false;
	line->search[0] = '\0';
	line->search_length = 0;
	show(line, line->text);
}

bool line_search_input(struct line *line, unsigned char byte)
{
	unsigned int back = line->history_back ? line->history_back : 1;

	if (byte >= ' ' && byte < DELETE) {
		if (line->search_length < LINE_SEARCH_MAX) {
			line->search[line->search_length++] = (char)byte;
			line->search[line->search_length] = '\0';
		}
		find(line, back);
	} else if (byte == CTRL('R')) {
		find(line, line->search_length ? line->history_back + 1 : back);
	} else if (byte == BACKSPACE || byte == DELETE) {
		if (line->search_length)
			line->search[--line->search_length] = '\0';
		find(line, 1);
	} else {
		line->searching = false;
		if (byte == CTRL('G')) {
			line->history_back = 0;
			line_show(line, line->prompt, line->unfinished);
			return true;
		}
		line_show(line, line->prompt, line->text);
		return false;
	}
	return true;
}
