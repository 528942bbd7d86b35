/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * might_sleep.c: a request that may wait, made in an interrupt, where nobody may: one line for each call
 * site, while MM_HOOK_MIGHT_SLEEP is on. It does not wait there; that it asks for it is the mistake.
 */
#include "debug_internal.h"

#if CONFIG_DEBUG_HOOKS

#define SITES 32 /* of all allocators; others are counted, and not named */

static const void *sleeping_sites[SITES];

/* True for the first of this site. */
static bool first_of(const void *site)
{
	for (unsigned int i = 0; i < SITES; i++) {
		const void *nobody = NULL;

		if (__atomic_load_n(&sleeping_sites[i], __ATOMIC_RELAXED) == site)
			return false;
		if (__atomic_compare_exchange_n(&sleeping_sites[i], &nobody, site, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
		if (nobody == site) /* another CPU's, just now */
			return false;
	}
	return false;
}

void hook_might_sleep(gfp_t gfp, unsigned int order, const void *site)
{
	if (!(HOOKS & MM_HOOK_MIGHT_SLEEP) || !(gfp & __GFP_DIRECT_RECLAIM) || !in_interrupt() ||
	    !first_of(site))
		return;
	port_log("sleeping request in an interrupt: order:%u, mode:0x%x (called from %p)", order,
		 (unsigned int)gfp, site);
}

#endif
