/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output.h: what stands between a command and the screen: `| grep WORD`, and the pager.
 */
#ifndef CONSOLE_OUTPUT_H
#define CONSOLE_OUTPUT_H

#include <stdbool.h>

#define OUTPUT_MAX_WORDS 4 /* `| grep` one behind the other */

struct output_words {
	const char *word[OUTPUT_MAX_WORDS];
	bool without[OUTPUT_MAX_WORDS]; /* -v: lines that do not have it */
	unsigned int count;
};

/* output_new_line() - a command line begins: the screen counts as empty. */
void output_new_line(void);

/* output_begin(), output_end() - around a command. Context: thread, the boot CPU. */
void output_begin(const struct output_words *words);
void output_end(void);

/*
 * output_live() - from now on the command shows what goes on over time, and asks console_interrupted() itself: its output
 * is neither held up nor cut. output_is_live() - it has said so. Context: thread, the boot CPU.
 */
void output_live(void);
bool output_is_live(void);

#endif
