/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c: mm_check() walks every invariant.
 *
 * The check trusts nothing that it verifies. A value is judged before it is a pointer, an index or
 * a count to go by, so that what is wrong is named and never followed. From the outside in: the
 * tables that say where everything is; the zones, section by section, with their pageblocks and
 * lists; what the CPUs have cached; what is derived from other values. memblock, which they are
 * compared with, has a check of its own.
 */
#include "../check_walk.h"
#include "../slab/slab.h"
#include "debug_internal.h"

int mm_check(void)
{
	struct walk walk = {.violations = 0};
	const struct zone *zone;

	if (!mm.memmap && !mm.pageblocks) /* before mm_init() */
		return 0;
	if (!check_tables(&walk))
		return walk.violations;
	for_each_zone (zone) {
		check_zone(&walk, zone);
		expect(&walk, zone_present(zone) >= zone->managed,
		       "zone[%d].managed: %llu pages, but %llu exist", walk.zone_number,
		       (unsigned long long)zone->managed, (unsigned long long)zone_present(zone));
	}
	check_slabs(&walk, check_cpus(&walk));
	check_rules(&walk);
	return walk.violations;
}
