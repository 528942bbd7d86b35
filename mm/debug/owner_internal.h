/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner_internal.h: the fields of a word that has a call site (quarry/page_owner.h has the picture).
 */
#ifndef QUARRY_MM_OWNER_INTERNAL_H
#define QUARRY_MM_OWNER_INTERNAL_H

#include <quarry/page_owner.h>
#include "../compiler.h"

#define OWNER_SITE	  ((uint32_t)1 << 31)
#define OWNER_MARK_SHIFT  20
#define OWNER_OFFSET_MASK (((uint32_t)1 << OWNER_MARK_SHIFT) - 1)
#define OWNER_SITE_SHIFT  1 /* instructions are aligned to 2 bytes */

static_assert((OWNER_OFFSET_MASK + 1UL) << OWNER_SITE_SHIFT == MM_PAGE_OWNER_BYTES,
	      "the call sites there are");
static_assert((OWNER_SITE >> OWNER_MARK_SHIFT) - 1 == MM_PAGE_OWNER_MARKS, "the marks there are");

#endif
