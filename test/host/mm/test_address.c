/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_address.c: pages allocated and freed by their address, in all banks of all layouts, whichever
 * bank the CPU looks in first: the answer never depends on it, and where a page was found is where
 * the next is looked for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "machine.h"
#include "mm/state.h"
#include "test/host/port_host.h"

static bool in_bank(const struct bank *bank, phys_addr_t addr)
{
	return PFN_DOWN(addr) >= bank->start && PFN_DOWN(addr) - bank->start < bank->pages;
}

/* The bank of this page is now where the CPU looks first. */
static void expect_noted(unsigned long addr)
{
	if (FOR_SPEED)
		assert_true(in_bank(machine_pcpu.bank, virt_to_phys((void *)addr)));
}

/* All memory in blocks of a few orders, and back in another order of calls. */
static void blocks_of(const struct layout *layout)
{
	unsigned long *addr, n = 0, most;
	unsigned char *order;
	uint64_t seed = 5;

	machine_start(layout);
	most = mm.nr_pages;
	addr = calloc(most, sizeof(*addr));
	order = calloc(most, sizeof(*order));
	assert_non_null(addr);
	assert_non_null(order);
	for (int failed = 0; failed < 8;) {
		order[n] = (unsigned char)(host_random(&seed) % 4 ? 0 : host_random(&seed) % 5);
		addr[n] = __get_free_pages(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN, order[n]);
		if (!addr[n]) {
			failed++;
			continue;
		}
		assert_ptr_equal((void *)addr[n], page_address(virt_to_page((void *)addr[n])));
		oracle_take(virt_to_page((void *)addr[n]), order[n]);
		expect_noted(addr[n]);
		n++;
	}
	while (n--) {
		unsigned long pick = host_random(&seed) % (n + 1), at = addr[pick];
		phys_addr_t phys = virt_to_phys((void *)at);

		switch (host_random(&seed) % 3) {
		case 0:
			assert_int_equal(0, free_pages(at, order[pick]));
			break;
		case 1:
			assert_int_equal(0, free_pages_phys(phys, order[pick]));
			break;
		default:
			assert_int_equal(0, free_pages_phys(phys, -1));
		}
		expect_noted(at);
		oracle_give(PFN_DOWN(phys), order[pick]);
		assert_int_equal(-EALREADY, free_pages(at, order[pick]));
		addr[pick] = addr[n];
		order[pick] = order[n];
	}
	free(addr);
	free(order);
	machine_stop();
}

static int expected(pfn_t pfn)
{
	switch (machine.frame[pfn - machine.first]) {
	case FRAME_ABSENT:
		return -EFAULT;
	case FRAME_RESERVED:
		return -EPERM;
	default:
		return -EALREADY;
	}
}

/* Every frame that is no block, and every address within one, from each bank. */
static void wrong_addresses_of(const struct layout *layout)
{
	unsigned long block;
	uint64_t hash;

	machine_start(layout);
	block = __get_free_pages(GFP_KERNEL, 2);
	assert_int_not_equal(0, block);
	oracle_take(virt_to_page((void *)block), 2);
	hash = mm_state_hash();
	for (uint32_t i = 0; i < mm.nr_banks; i++) {
		const struct bank *bank = &mm.banks[i];

		for (pfn_t pfn = machine.first; pfn < machine.end; pfn++) {
			phys_addr_t phys = PFN_PHYS(pfn);
			unsigned long at = (unsigned long)phys_to_virt(phys);

			machine_pcpu.bank = bank;
			assert_int_equal(-EINVAL, free_pages(at + 1 + pfn % 4095, 0));
			assert_int_equal(-EINVAL, free_pages_phys(phys + 1 + pfn % 4095, 3));
			if (machine.frame[pfn - machine.first] != FRAME_TAKEN && phys) {
				assert_int_equal(expected(pfn), free_pages(at, 0));
				assert_int_equal(expected(pfn), free_pages(at, 3));
				assert_int_equal(expected(pfn), free_pages_phys(phys, 0));
				assert_int_equal(expected(pfn), free_pages_phys(phys, -1));
			}
			assert_ptr_equal(bank, machine_pcpu.bank);
		}
		assert_int_equal(-EINVAL, free_pages(block + PAGE_SIZE, 0)); /* a tail */
		assert_int_equal(-EINVAL, free_pages(block, 0));	     /* another order */
		assert_int_equal(-EINVAL, free_pages(block, MAX_PAGE_ORDER + 1));
		assert_int_equal(-EINVAL, free_pages(block, ~0U));
		assert_int_equal(0, free_pages(0, 0));
	}
	assert_int_equal(hash, mm_state_hash());
	assert_int_equal(0, mm_check());
	oracle_give(PFN_DOWN(virt_to_phys((void *)block)), 2);
	assert_int_equal(0, free_pages(block, 2));
	machine_stop();
}

static void blocks_of_all_banks(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < nr_layouts; i++)
		blocks_of(&layouts[i]);
}

static void wrong_addresses(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < nr_layouts; i++)
		wrong_addresses_of(&layouts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_all_banks),
		cmocka_unit_test(wrong_addresses),
	};

	port_host_log_hook = port_host_quiet;
	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
