/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_slabstress.c: objects on all CPUs and in their interrupts at once, as long as one likes; and the short
 * run that is a case of the suite `slab`.
 */
#include <inttypes.h>
#include <stdio.h>

#include "boot/boot.h"
#include "console/command.h"
#include "console/parse.h"
#include "ktap.h"
#include "objects.h"

#define DEFAULT 1000000
#define SHORT	200000

static int cmd_slabstress(int argc, char **argv)
{
	uint64_t operations = DEFAULT;
	struct objects_sums sums;

	if (argc > 2 || (argc == 2 && parse_u64(argv[1], UINT64_MAX, &operations) != 0))
		return console_usage(argv[0]);
	if (objects_run(operations, machine_ticks() | 1, &sums) != 0) {
		printf("slabstress: no memory for its own books\n");
		return 1;
	}
	printf("slabstress: %" PRIu64 " operations on %u cpus, %" PRIu64 " in interrupts\n",
	       sums.operations, sums.cpus, sums.in_interrupts);
	printf("%" PRIu64 " exchanged, %" PRIu64 " refused, %" PRIu64
	       " mismatches, %d violations found by mm_check()\n",
	       sums.exchanged, sums.refused, sums.mismatches, sums.violations);
	printf("slabinfo %s, buddyinfo %s\n", sums.same_slabs ? "as before" : "has changed",
	       sums.same_blocks ? "as before" : "has changed");
	return sums.mismatches || sums.violations || !sums.same_slabs || !sums.same_blocks;
}

CONSOLE_COMMAND(slabstress, cmd_slabstress, "slabstress [ops]",
		"all CPUs allocate and free objects at once\n"
		"and so do their interrupts; ops: of all CPUs together, default 1,000,000\n"
		"example: slabstress 300000");

static void all_cpus(void)
{
	struct objects_sums sums;

	if (!EXPECT_EQ(0, objects_run(SHORT, 88172645463325252, &sums)))
		return;
	EXPECT_LE(sums.operations, SHORT - sums.cpus);
	EXPECT_EQ(0, sums.mismatches);
	EXPECT_EQ(0, sums.violations);
	EXPECT(sums.same_slabs);
	EXPECT(sums.same_blocks);
}
TEST_CASE(slab, all_cpus, all_cpus);
