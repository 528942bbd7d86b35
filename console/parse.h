/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h: from words the user typed to numbers, and a line to words. Knows no hardware.
 */
#ifndef CONSOLE_PARSE_H
#define CONSOLE_PARSE_H

#include <stdint.h>

/*
 * parse_u64() - a whole number, decimal or with 0x hexadecimal, 0 .. max. 0; -EINVAL if the text is
 * anything else (a sign, a blank, something behind it); -ERANGE if it is above max. *value is only
 * set on success.
 */
int parse_u64(const char *text, uint64_t max, uint64_t *value);

/*
 * parse_words() - cut text into words at blanks, in place; words[] gets at most max of them and a
 * NULL behind the last (so it has max + 1 entries). Returns how many, or -E2BIG.
 */
int parse_words(char *text, char **words, int max);

#endif
