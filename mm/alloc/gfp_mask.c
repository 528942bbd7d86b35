/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gfp_mask.c: what no request may do for now: while a machine boots, or is about to stop.
 */
#include "alloc_internal.h"

gfp_t mm_gfp_allowed_mask(void)
{
	return __GFP_BITS_MASK & ~READ_ONCE(mm.gfp_masked);
}

void mm_set_gfp_allowed_mask(gfp_t mask)
{
	WRITE_ONCE(mm.gfp_masked, __GFP_RECLAIM & ~mask);
}
