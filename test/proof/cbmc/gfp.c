/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gfp.c: the text of allocation flags, as it comes from a command line: any bytes, of any length up to a few, in a buffer
 * that ends with them.
 */
#include "mm/debug/gfp.c"
#include "proof.h"

struct mm_pcpu *port_area;

/* LENGTH: of a text at most; each proof has its own. */

/* C11 7.24.5.3; CBMC has none of its own. */
size_t strcspn(const char *text, const char *end)
{
	size_t n = 0;

	for (; text[n] && text[n] != end[0]; n++)
		;
	return n;
}

/* Text at the end of a buffer: a byte behind it is no memory. */
static char buffer[LENGTH + 1];

static const char *any_text(size_t length)
{
	char *text = buffer + LENGTH - length;

	__CPROVER_havoc_object(buffer);
	buffer[LENGTH] = '\0';
	for (size_t i = 0; i < LENGTH; i++)
		ASSUME(buffer[i]);
	return text;
}

/* The value of a number as C has it, or too much. */
static unsigned long value_of(const char *text, bool *right)
{
	unsigned long base = 10, value = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	*right = *text;
	for (; *text; text++) {
		unsigned long digit =
			*text >= '0' && *text <= '9'   ? (unsigned long)*text - '0'
			: *text >= 'a' && *text <= 'f' ? (unsigned long)*text - 'a' + 10
			: *text >= 'A' && *text <= 'F' ? (unsigned long)*text - 'A' + 10
						       : 99;

		*right &= digit < base;
		value = value * base + digit; /* 16 digits and no more: no overflow */
	}
	return value;
}

/* parse_number(): a number has its value, and only one that is all of flags is taken. */
void prove_parse_number(void)
{
	size_t length;
	gfp_t gfp, before = gfp;
	bool right;
	unsigned long value;
	const char *text;
	int error;

	ASSUME(length <= LENGTH);
	text = any_text(length);
	value = value_of(text, &right);
	right &= !(value & ~(unsigned long)__GFP_BITS_MASK);
	error = parse_number(text, &gfp);
	ASSERT(error == (right ? 0 : -EINVAL));
	ASSERT(gfp == (right ? before | (gfp_t)value : before));
}

void cover_parse_number(void)
{
	gfp_t gfp = 0;
	const char *text = any_text(6);
	int error = parse_number(text, &gfp);

	COVER(!error && gfp == __GFP_ZERO && text[1] == 'x');
	COVER(!error && gfp == (__GFP_ZERO | __GFP_COMP) && text[1] != 'x');
	COVER(error && text[1] == 'x');
	COVER(error && text[5] == 'g');
}

/* gfp_parse(): what is not wholly right changes nothing; what is taken is flags that a request may have. */
void prove_gfp_parse(void)
{
	size_t length, words = 1;
	gfp_t gfp, before = gfp;
	const char *text;
	int error;

	ASSUME(length <= LENGTH);
	text = any_text(length);
	for (size_t i = 0; i < length; i++)
		words += text[i] == '|';
	ASSUME(words <= 2);
	error = gfp_parse(text, &gfp);
	ASSERT(!error || error == -EINVAL);
	ASSERT(error ? gfp == before : gfp_acceptable(gfp, 0));
	ASSERT(length || error);
}
