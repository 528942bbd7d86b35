/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mmu_arm64.c: the tables that mmu_init() makes of a tree, in arm64's format; of trees made
 * here, and of those named on the command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/host/port_host.h"

/* the source itself: it is not among the objects that every host test links */
#include "boot/arm64/pte.c"

#include "test/host/boot/mmu_tables.h"

/* Arm ARM, D8.3: 10 access flag, 53 and 54 never execute, 7 read only, 9:8 shareability. */
static const char *check_leaf(uint64_t entry, unsigned int level)
{
	if (!(entry >> 10 & 1))
		return "an entry without its access flag";
	if (!(entry >> 54 & 1))
		return "an entry that EL0 may execute";
	if (!(entry >> 53 & 1) && !(entry >> 7 & 1))
		return "an entry that can be written and executed";
	if ((entry & 3) != (level == 0 ? 3 : 1))
		return "a page or a block with the other's type";
	if ((entry >> 2 & 7) == 1)
		return level == 0 && entry >> 53 & 1 ? NULL : "a device in a block, or executable";
	return (entry >> 2 & 7) == 0 && (entry >> 8 & 3) == 3 ? NULL : "memory of another kind";
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_random),
	};
	int failed = 0;

	format.levels = 4;
	format.max_leaf = 2;
	format.bits = 47;
	return files_checked(argc, argv, &failed) ? failed
						  : cmocka_run_group_tests(tests, NULL, NULL);
}
