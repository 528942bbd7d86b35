/* SPDX-License-Identifier: BSD-2-Clause */
/* mem.c: the four functions of C that compilers and Quarry ask of a program without a C library. */
#include <stddef.h>

void *memset(void *to, int value, size_t size)
{
	for (unsigned char *p = to; size--; p++)
		*p = (unsigned char)value;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	const unsigned char *q = from;

	for (unsigned char *p = to; size--;)
		*p++ = *q++;
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *p = to;
	const unsigned char *q = from;

	if (p <= q)
		return memcpy(to, from, size);
	while (size--)
		p[size] = q[size];
	return to;
}

int memcmp(const void *one, const void *other, size_t size)
{
	const unsigned char *p = one, *q = other;

	for (; size; size--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}
