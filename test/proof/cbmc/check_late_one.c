/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_late_one.c: a single frame is released late exactly if the specification of check_late.c says that it may be, and if
 * not, the error says why.
 */
#include "check_late.c"

void prove_check_late_one(void)
{
	bool mapped, may_go;
	pfn_t frame;

	any_map();
	ASSUME(frame < PFN_DOWN(PHYS_ADDR_MAX));
	mapped = frame_is_in(&memblock.memory, frame, true);
	may_go = frame_is_in(&memblock.reserved, frame, false) && frame_is_nobodys(frame);
	ASSERT(memblock_check_late(frame, frame + 1) == (!mapped ? -EFAULT : may_go ? 0 : -EPERM));
}

void cover_check_late_one(void)
{
	pfn_t frame;
	int error;

	any_map();
	ASSUME(frame < PFN_DOWN(PHYS_ADDR_MAX));
	error = memblock_check_late(frame, frame + 1);
	COVER(!error && memblock.memory.cnt == 3 && memblock.reserved.cnt == 3);
	COVER(error == -EPERM);
	COVER(error == -EFAULT);
}
