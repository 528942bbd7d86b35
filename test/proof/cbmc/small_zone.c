/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * small_zone.c: the invariant that the proofs of buddy/ use is mm_check()'s.
 */
#include "small_zone.h"

void prove_small_zone(void)
{
	any_state();
	ASSERT(invariant() == checked());
}
