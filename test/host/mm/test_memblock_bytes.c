/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memblock_bytes.c: test/fuzz/fuzz_memblock.c on random inputs: calls of every kind, each
 * compared with a map of bytes, while the arrays grow into the memory they describe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/fuzz/fuzz_memblock.c"
#include "test/fuzz/memblock_check.c"
#include "test/fuzz/memblock_model.c"
#include "test/fuzz/memblock_questions.c"

static void test_random_inputs(void **state)
{
	static uint8_t data[1500];
	uint64_t seed = 1;

	(void)state;
	for (unsigned int n = 0; n < 500; n++) {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)host_random(&seed);
		assert_int_equal(
			LLVMFuzzerTestOneInput(data, (size_t)host_random(&seed) % sizeof(data)), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_inputs),
	};

	return cmocka_run_group_tests_name("memblock_bytes", tests, NULL, NULL);
}
