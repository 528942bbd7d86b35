/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * version.h: the version of these headers, and of the library that was linked. Versions are counted as
 * semver.org says; before 1.0.0 a new minor version may change the interface.
 */
#ifndef QUARRY_VERSION_H
#define QUARRY_VERSION_H

#include <quarry/cdefs.h>

#define QUARRY_VERSION_MAJOR 0
#define QUARRY_VERSION_MINOR 1
#define QUARRY_VERSION_PATCH 0
/* Versions as numbers, to compare. */
#define QUARRY_VERSION_NUMBER(major, minor, patch) ((major) * 1000000 + (minor) * 1000 + (patch))
#define QUARRY_VERSION_OF_HEADERS \
	QUARRY_VERSION_NUMBER(QUARRY_VERSION_MAJOR, QUARRY_VERSION_MINOR, QUARRY_VERSION_PATCH)

MM_BEGIN_DECLS

/*
 * mm_version() - the version of the library. One that is not QUARRY_VERSION_OF_HEADERS was compiled
 * from other headers.
 *
 * Context: any.
 * Bound:   5.
 * Return:  QUARRY_VERSION_NUMBER() of its three parts.
 */
unsigned int mm_version(void);

MM_END_DECLS

#endif
