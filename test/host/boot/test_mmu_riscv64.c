/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mmu_riscv64.c: the tables that mmu_init() makes of a tree, in each of RISC-V's modes and
 * formats; of trees made here, and of those named on the command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/host/port_host.h"

/* the source itself: it is not among the objects that every host test links */
#include "boot/riscv64/pte.c"

#include "test/host/boot/mmu_tables.h"

/* Bits 7 and 6 are D and A; 3 to 1 are X, W and R. The upper ones are test_pte_riscv64.c's. */
static const char *check_leaf(uint64_t entry, unsigned int level)
{
	bool device = pte_flags(entry) & PG_DEVICE;

	if ((entry & 0xc1) != 0xc1)
		return "an entry that is not valid, accessed and dirty";
	if ((entry >> 1 & 7) != 1 && (entry >> 1 & 7) != 3 && (entry >> 1 & 7) != 5)
		return "an odd combination of rights";
	if (device && level > 0)
		return "a device in an entry larger than a page";
	if (types == PTE_TYPES_THEAD)
		return entry >> 60 == (device ? 9 : 7) ? NULL : "T-Head: another kind of memory";
	return entry >> 61 == (device && types == PTE_TYPES_SVPBMT ? 2 : 0)
		       ? NULL
		       : "another kind of memory";
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_random),
	};
	int failed = 0;

	for (unsigned int levels = 3; levels <= 5; levels++) {
		format.levels = levels;
		format.max_leaf = levels - 1;
		format.bits = 12 + 9 * levels - 1;
		pte_set_types((enum pte_types)(levels - 3));
		if (!files_checked(argc, argv, &failed))
			failed |= cmocka_run_group_tests(tests, NULL, NULL);
	}
	return failed;
}
