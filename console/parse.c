/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.c: strict numbers, simple words.
 */
#include "console/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

int parse_u64(const char *text, uint64_t max, uint64_t *value)
{
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	const char *digits = base == 16 ? text + 2 : text;
	unsigned long long number;

	/* strtoull takes blanks, signs and a second 0x: so look at the characters first */
	if (*digits == '\0' ||
	    digits[strspn(digits, base == 16 ? "0123456789abcdefABCDEF" : "0123456789")] != '\0')
		return -EINVAL;
	errno = 0;
	number = strtoull(digits, NULL, base);
	if (errno != 0 || number > max)
		return -ERANGE;
	*value = number;
	return 0;
}

int parse_words(char *text, char **words, int max)
{
	int count = 0;

	for (;;) {
		text += strspn(text, BLANKS);
		if (*text == '\0')
			break;
		if (count == max)
			return -E2BIG;
		words[count++] = text;
		text += strcspn(text, BLANKS);
		if (*text != '\0')
			*text++ = '\0';
	}
	words[count] = NULL;
	return count;
}
