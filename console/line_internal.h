/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line_internal.h: what the parts of the line editor share. Each leaves prompt and text on the screen, with the
 * terminal's cursor where line->cursor says.
 */
#ifndef CONSOLE_LINE_INTERNAL_H
#define CONSOLE_LINE_INTERNAL_H

#include "console/line.h"

#define CTRL(letter) ((letter) - 'A' + 1)
#define BACKSPACE    0x08
#define DELETE	     0x7f
#define ESCAPE	     0x1b

/* line_edit.c */
void line_put(const struct line *line, const char *text);
void line_put_times(const struct line *line, char c, size_t count);
void line_move_to(struct line *line, size_t cursor);
void line_insert(struct line *line, const char *text, size_t count);
void line_cut(struct line *line, size_t from, size_t to);
void line_replace(struct line *line, const char *text);
void line_redraw(struct line *line);
void line_show(struct line *line, const char *prompt, const char *text);
void line_remember(struct line *line);
void line_show_history(struct line *line, unsigned int back);

/* line_complete.c */
void line_complete(struct line *line);

/* line_search.c: Ctrl-R begins; true if a key belongs to the search, which it ends otherwise. */
void line_search_begin(struct line *line);
bool line_search_input(struct line *line, unsigned char byte);

#endif
