/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy_objects.c: the start and stop of policy.h for suites of objects. A file of its own: programs
 * that are linked with the page allocator alone take policy.c without it.
 */
#include "policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <quarry/slab.h>

int policy_start_objects(void **state)
{
	int error = policy_start_caches(state);

	return error ? error : kmem_cache_init();
}

int policy_stop_objects(void **state)
{
	assert_int_equal(mm_check(), 0);
	if (kmem_release())
		return -1;
	return policy_stop(state);
}
