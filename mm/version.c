/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * version.c: the version that the library was compiled as.
 */
#include <quarry/version.h>

unsigned int mm_version(void)
{
	return QUARRY_VERSION_OF_HEADERS;
}
