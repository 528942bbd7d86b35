/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_ref.c: the step that counts holders, page_ref_change(), for any word and any change that mm/ asks for. No other CPU
 * comes between here: what others do between its read and its compare and swap is test/proof/last_reference.pml's.
 */
#include "mm/alloc/page_ref.c"
#include "proof.h"

struct mm_pcpu *port_area;

void prove_page_ref_change(void)
{
	struct page page;
	uint32_t before = page.word, holders = before >> 16, owner = page.owner, clear, returned;
	bool refused;
	unsigned int least;
	int add;

	ASSUME(add == 1 || add == -1);
	ASSUME(least >= 1);
	ASSUME(!(clear >> 16)); /* flags of the lower half, if any */
	refused = holders < least || (add == 1 && holders == 0xffff);
	returned = page_ref_change(&page, least, add, clear);
	ASSERT(page.owner == owner);
	ASSERT(returned == (refused ? 0 : before));
	if (refused) {
		ASSERT(page.word == before);
	} else if (add == -1 && holders == 1) {
		ASSERT(page._refcount == 0 && page_state(&page) == PAGE_FROZEN);
		ASSERT((page.info & ~PAGE_STATE_MASK) ==
		       ((before & ~clear & 0xffff) & ~PAGE_STATE_MASK));
	} else {
		ASSERT(page._refcount == (uint16_t)(holders + (unsigned int)add));
		ASSERT(page.info == (uint16_t)(before & ~clear));
	}
}

void cover_page_ref_change(void)
{
	struct page page;
	uint32_t before = page.word, clear, returned;
	int add;

	ASSUME(add == 1 || add == -1);
	ASSUME(!(clear >> 16));
	returned = page_ref_change(&page, 1, add, clear);
	COVER(!returned && before >> 16 == 0xffff);
	COVER(returned && page_state(&page) == PAGE_FROZEN && before >> 16 == 1);
	COVER(returned && page._refcount == 0xffff);
}
