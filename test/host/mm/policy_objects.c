/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy_objects.c: the start and stop of policy.h for suites of objects. A file of its own: programs
 * that are linked with the page allocator alone take policy.c without it.
 */
#include "policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

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

uint64_t free_with(bool objects_in_use)
{
	assert_int_equal(kmem_release(), objects_in_use ? -EBUSY : 0);
	assert_int_equal(mm_check(), 0);
	drain_all_pages();
	return free_pages_now();
}

uint64_t all_free(void)
{
	return free_with(false);
}

struct slab_info cache_info(const char *name)
{
	struct slab_info info;

	for (unsigned int n = 0; slab_info(n, &info); n++)
		if (!strcmp(info.name, name))
			return info;
	fail_msg("no cache %s", name);
	return info;
}
