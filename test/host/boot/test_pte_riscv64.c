/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pte_riscv64.c: a leaf of RISC-V page tables, in each format that harts have for the type of
 * memory, and which harts have which. QEMU's harts take any of them for memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/port.h>

/* the source itself: it is not among the objects that every host test links */
#include "boot/riscv64/pte.c"

#define BIT(n) (1ULL << (n))

/*
 * The bits as the manuals number them: privileged specification, figure "Sv39 page table entry";
 * T-Head's C906 manual, "page table entry": SO, C, B, SH are 63 to 60.
 */
#define V  BIT(0)
#define R  BIT(1)
#define W  BIT(2)
#define X  BIT(3)
#define U  BIT(4)
#define G  BIT(5)
#define A  BIT(6)
#define D  BIT(7)
#define SO BIT(63)
#define C  BIT(62)
#define B  BIT(61)
#define SH BIT(60)

static const enum pte_types all[] = {PTE_TYPES_NONE, PTE_TYPES_SVPBMT, PTE_TYPES_THEAD};
static const unsigned int rights[] = {
	PG_READ,
	PG_READ | PG_WRITE,
	PG_READ | PG_EXEC,
	PG_READ | PG_WRITE | PG_EXEC,
	PG_READ | PG_WRITE | PG_DEVICE,
	PG_READ | PG_DEVICE,
};
static const phys_addr_t addrs[] = {0, 0x1000, 0x80000000, 0x3ffffff000, 0xfffffffffff000};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* For each format, right, address and level. */
static void each_leaf(void (*check)(uint64_t pte, phys_addr_t addr, unsigned int flags))
{
	for (size_t t = 0; t < COUNT(all); t++) {
		pte_set_types(all[t]);
		for (size_t r = 0; r < COUNT(rights); r++)
			for (size_t a = 0; a < COUNT(addrs); a++)
				for (unsigned int level = 0; level < 5; level++)
					check(pte_leaf(addrs[a], rights[r], level), addrs[a],
					      rights[r]);
	}
	pte_set_types(PTE_TYPES_NONE);
}

static void has_accessed_and_dirty(uint64_t pte, phys_addr_t addr, unsigned int flags)
{
	(void)addr;
	(void)flags;
	assert_true((pte & (V | A | D)) == (V | A | D));
	assert_true((pte & (U | G)) == 0);
}

/* A hart without Svade, or whose firmware left it on, faults where A or D is 0. */
static void test_accessed_and_dirty(void **state)
{
	(void)state;
	each_leaf(has_accessed_and_dirty);
}

static void reads_back(uint64_t pte, phys_addr_t addr, unsigned int flags)
{
	assert_true(pte_addr(pte) == addr);
	assert_true(pte_flags(pte) == flags);
	assert_true((pte & (R | W | X)) == ((flags & PG_READ ? R : 0) | (flags & PG_WRITE ? W : 0) |
					    (flags & PG_EXEC ? X : 0)));
	for (unsigned int level = 0; level < 5; level++)
		assert_false(pte_is_table(pte, level));
	assert_false(flags & PG_DEVICE && pte & X);
}

static void test_reads_back(void **state)
{
	(void)state;
	each_leaf(reads_back);
	assert_int_equal(pte_flags(0), 0);
}

/* Bits 63:54 of memory and of a device. */
static uint64_t upper(enum pte_types which, unsigned int flags)
{
	uint64_t pte;

	pte_set_types(which);
	pte = pte_leaf(0xfffffffffff000, flags, 0);
	pte_set_types(PTE_TYPES_NONE);
	return pte & ~(BIT(54) - 1);
}

/* Without a format of types the upper bits are reserved: a hart faults unless they are 0. */
static void test_no_types(void **state)
{
	(void)state;
	assert_true(upper(PTE_TYPES_NONE, PG_READ | PG_WRITE) == 0);
	assert_true(upper(PTE_TYPES_NONE, PG_READ | PG_WRITE | PG_DEVICE) == 0);
}

/* PBMT, bits 62:61: 0 is the attributes' own, 1 is memory that is not cached, 2 is I/O. */
static void test_svpbmt(void **state)
{
	(void)state;
	assert_true(upper(PTE_TYPES_SVPBMT, PG_READ | PG_WRITE) == 0);
	assert_true(upper(PTE_TYPES_SVPBMT, PG_READ | PG_EXEC) == 0);
	assert_true(upper(PTE_TYPES_SVPBMT, PG_READ | PG_WRITE | PG_DEVICE) == BIT(62));
}

/* Memory is cached, buffered and shared, or atomics fail; a device is ordered, and not cached. */
static void test_thead(void **state)
{
	(void)state;
	assert_true(upper(PTE_TYPES_THEAD, PG_READ | PG_WRITE) == (C | B | SH));
	assert_true(upper(PTE_TYPES_THEAD, PG_READ | PG_EXEC) == (C | B | SH));
	assert_true(upper(PTE_TYPES_THEAD, PG_READ) == (C | B | SH));
	assert_true(upper(PTE_TYPES_THEAD, PG_READ | PG_WRITE | PG_DEVICE) == (SO | SH));
}

/* An entry that leads to a table has no type. */
static void test_table(void **state)
{
	static const char table[PAGE_SIZE] __attribute__((aligned(4096)));

	(void)state;
	for (size_t t = 0; t < COUNT(all); t++) {
		uint64_t pte;

		pte_set_types(all[t]);
		pte = pte_table(table);
		assert_true(pte == ((virt_to_phys(table) >> 12 << 10) | V));
		assert_true(pte_is_table(pte, 1));
		assert_true(pte_addr(pte) == virt_to_phys(table));
	}
	pte_set_types(PTE_TYPES_NONE);
}

static enum pte_types types_of(unsigned long mvendorid, unsigned long sxstatus, bool svpbmt)
{
	struct pte_hart hart = {mvendorid, sxstatus, svpbmt};

	return pte_types_of(&hart);
}

/* sxstatus bit 21 is MAEE; another maker's CSR 0x5c0 is not looked at, whatever it holds. */
static void test_types_of_harts(void **state)
{
	(void)state;
	assert_true(pte_has_sxstatus(0x5b7));
	assert_false(pte_has_sxstatus(0));
	assert_false(pte_has_sxstatus(0x489));
	assert_int_equal(types_of(0x5b7, BIT(21), false), PTE_TYPES_THEAD);
	assert_int_equal(types_of(0x5b7, ~0UL, true), PTE_TYPES_THEAD);
	assert_int_equal(types_of(0x5b7, 0, false), PTE_TYPES_NONE);
	assert_int_equal(types_of(0x5b7, ~BIT(21), false), PTE_TYPES_NONE);
	assert_int_equal(types_of(0x5b7, 0, true), PTE_TYPES_SVPBMT);
	assert_int_equal(types_of(0x489, ~0UL, false), PTE_TYPES_NONE);
	assert_int_equal(types_of(0, 0, false), PTE_TYPES_NONE);
	assert_int_equal(types_of(0, ~0UL, true), PTE_TYPES_SVPBMT);
	assert_null(pte_types_name());
	pte_set_types(PTE_TYPES_THEAD);
	assert_string_equal(pte_types_name(), "XTheadMae");
	pte_set_types(PTE_TYPES_SVPBMT);
	assert_string_equal(pte_types_name(), "Svpbmt");
	pte_set_types(PTE_TYPES_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accessed_and_dirty),
		cmocka_unit_test(test_reads_back),
		cmocka_unit_test(test_no_types),
		cmocka_unit_test(test_svpbmt),
		cmocka_unit_test(test_thead),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_types_of_harts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
