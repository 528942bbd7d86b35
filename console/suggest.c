/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suggest.c: the distance of Damerau and Levenshtein, as optimal string alignment, between short words.
 */
#include "console/suggest.h"

#include <stddef.h>
#include <string.h>

#define WORD_MAX 24 /* longer words are no misspelt commands */

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static unsigned int distance(const char *a, const char *b)
{
	/* row i: from the first i letters of a to each beginning of b; three rows are looked at */
	unsigned int row[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	for (unsigned int j = 0; j <= lb; j++)
		row[0][j] = j;
	for (unsigned int i = 1; i <= la; i++) {
		unsigned int *now = row[i % 3], *before = row[(i + 2) % 3];
		const unsigned int *two_before = row[(i + 1) % 3];

		now[0] = i;
		for (unsigned int j = 1; j <= lb; j++) {
			now[j] = least(before[j - 1] + (a[i - 1] != b[j - 1]),
				       least(before[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], two_before[j - 2] + 1);
		}
	}
	return row[la % 3][lb];
}

const char *suggest(const char *word, const char *(*name_at)(unsigned int n))
{
	size_t length = strlen(word);
	unsigned int best = length > 4 ? 3 : 2; /* one more than may be */
	const char *name, *found = NULL;

	if (length > WORD_MAX)
		return NULL;
	for (unsigned int n = 0; (name = name_at(n)); n++) {
		unsigned int away;

		if (strlen(name) > WORD_MAX)
			continue;
		away = distance(word, name);
		if (away >= best || away >= length)
			continue;
		best = away;
		found = name;
	}
	for (unsigned int n = 0; !found && length >= 3 && (name = name_at(n)); n++)
		if (strncmp(name, word, length) == 0)
			found = name;
	return found;
}
