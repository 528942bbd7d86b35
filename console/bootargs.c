/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootargs.c: see bootargs.h.
 */
#include "console/bootargs.h"

#include <string.h>

#define BLANKS	  " \t\r\n\f\v"
#define PARAMETER "quarry.cmd="

static bool is_blank(char c)
{
	return c != '\0' && strchr(BLANKS, c);
}

/* Run what is separated by ';' in text[0 .. length). */
static unsigned int run_list(const struct bootargs *how, const char *text, size_t length)
{
	const char *end = text + length;
	unsigned int count = 0;

	while (text < end) {
		const char *next = memchr(text, ';', (size_t)(end - text)), *last;

		if (!next)
			next = end;
		for (last = next; last > text && is_blank(last[-1]);)
			last--;
		while (text < last && is_blank(*text))
			text++;
		if (text < last) {
			how->run(text, (size_t)(last - text));
			count++;
		}
		text = next + 1;
	}
	return count;
}

/*
 * The end of a word as Linux cuts them: blanks between double quotes belong to it, and the last
 * quote may be missing.
 */
static const char *word_end(const char *word)
{
	bool quoted = false;

	for (; *word != '\0' && (quoted || !is_blank(*word)); word++)
		quoted ^= *word == '"';
	return word;
}

/* One word of Linux's. Quotes stand around the value, or around the whole. */
static unsigned int run_word(const struct bootargs *how, const char *word, const char *end)
{
	bool whole = *word == '"';

	word += whole;
	if ((size_t)(end - word) < strlen(PARAMETER) ||
	    memcmp(word, PARAMETER, strlen(PARAMETER)) != 0)
		return 0;
	word += strlen(PARAMETER);
	if (!whole && *word == '"') {
		word++;
		whole = true;
	}
	if (whole && end > word && end[-1] == '"')
		end--;
	return run_list(how, word, (size_t)(end - word));
}

unsigned int bootargs_run(const struct bootargs *how, const char *line)
{
	unsigned int count = 0;
	size_t first;

	line += strspn(line, BLANKS ";");
	first = strcspn(line, BLANKS ";");
	if (first > 0 && how->is_command(line, first))
		return run_list(how, line, strlen(line));
	while (*(line += strspn(line, BLANKS)) != '\0') {
		const char *end = word_end(line);

		if (end - line == 2 && memcmp(line, "--", 2) == 0)
			return count + run_list(how, end, strlen(end));
		count += run_word(how, line, end);
		line = end;
	}
	return count;
}
