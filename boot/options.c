/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options.c: words of /chosen/bootargs that the boot code itself reads.
 */
#include <stdlib.h>
#include <string.h>

#include "boot/main.h"

const char *boot_parse_size(const char *text, phys_addr_t *value)
{
	unsigned int shift = 0;
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	*value = strtoull(text, &end, 0);
	switch (*end) {
	case 'G':
	case 'g':
		shift = 30;
		break;
	case 'M':
	case 'm':
		shift = 20;
		break;
	case 'K':
	case 'k':
		shift = 10;
		break;
	default:
		return end;
	}
	if (*value > PHYS_ADDR_MAX >> shift)
		return NULL;
	*value <<= shift;
	return end + 1;
}

const char *boot_option(const char *bootargs, const char *name)
{
	const char *found = NULL;
	bool quoted = false;

	for (const char *at = bootargs; *at; at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (!quoted && strncmp(at, name, strlen(name)) == 0 &&
			 (at == bootargs || at[-1] == ' '))
			found = at + strlen(name);
	}
	return found;
}
