/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line_complete.c: TAB: what the word before the cursor may become.
 */
#include "console/line_internal.h"

#include <string.h>

#define SCREEN_WIDTH 80

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

static void list_matches(struct line *line, struct matches *found)
{
	const char *text;
	size_t column = 0;

	line_put(line, "\n");
	for (unsigned int n = 0; (text = match(line, found, n)); n++) {
		size_t length = strlen(text);

		if (length == 0)
			continue;
		if (column > 0 && column + 2 + length >= SCREEN_WIDTH) {
			line_put(line, "\n");
			column = 0;
		}
		if (column > 0) {
			line_put(line, "  ");
			column += 2;
		}
		line_put(line, text);
		column += length;
	}
	line_put(line, "\n");
	line_redraw(line);
}

void line_complete(struct line *line)
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
		line_insert(line, found.common + found.typed, strlen(found.common) - found.typed);
	if (found.count > 1) {
		found.typed = line->cursor - found.start;
		list_matches(line, &found);
	}
}
