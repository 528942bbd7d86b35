/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_malloc.c: C's memory management functions on kmalloc (boot/malloc.c), here under other names: this
 * program has a C library with its own.
 */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/mm.h>
#include <quarry/slab.h>

#include "machine.h"
#include "policy.h"
#include "test/host/port_host.h"

#undef malloc
#undef free
#undef calloc
#undef realloc
#define malloc		   q_malloc
#define free		   q_free
#define calloc		   q_calloc
#define realloc		   q_realloc
#define aligned_alloc	   q_aligned_alloc
#define memalign	   q_memalign
#define posix_memalign	   q_posix_memalign
#define valloc		   q_valloc
#define pvalloc		   q_pvalloc
#define malloc_usable_size q_malloc_usable_size
void *malloc(size_t size);
void free(void *memory);
void *calloc(size_t n, size_t size);
void *realloc(void *memory, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);
int posix_memalign(void **memory, size_t alignment, size_t size);
void *valloc(size_t size);
void *pvalloc(size_t size);
size_t malloc_usable_size(void *memory);
#include "boot/malloc.c"

static void every_size(void **state)
{
	(void)state;
	for (size_t size = 0; size < 20000; size += size < 300 ? 1 : 97) {
		char *a = malloc(size), *b = malloc(size);

		assert_non_null(a);
		assert_non_null(b);
		assert_ptr_not_equal(a, b);
		assert_int_equal((uintptr_t)a % _Alignof(max_align_t), 0);
		assert_true(malloc_usable_size(a) >= size);
		memset(a, 0x5a, size);
		free(a);
		a = calloc(size, 1);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(a[i], 0);
		free(a);
		free(b);
	}
	free(NULL);
}

static void every_alignment(void **state)
{
	(void)state;
	for (size_t alignment = 1; alignment <= 4 * PAGE_SIZE; alignment *= 2) {
		for (size_t size = 0; size < 3 * PAGE_SIZE; size += size / 7 + 1) {
			char *memory = aligned_alloc(alignment, size), *other;

			assert_non_null(memory);
			assert_int_equal((uintptr_t)memory % alignment, 0);
			assert_true(malloc_usable_size(memory) >= size);
			memset(memory, 1, size);
			other = memalign(alignment, size);
			assert_int_equal((uintptr_t)other % alignment, 0);
			free(memory);
			free(other);
		}
	}
	errno = 0;
	assert_null(aligned_alloc(0, 1));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(aligned_alloc(24, 24));
	assert_int_equal(errno, EINVAL);
}

static void reallocated(void **state)
{
	char *memory = realloc(NULL, 10), *more;

	(void)state;
	strcpy(memory, "abcdefghi");
	for (size_t size = 11; size < 100000; size *= 3) {
		more = realloc(memory, size);
		assert_non_null(more);
		assert_string_equal(more, "abcdefghi");
		assert_int_equal((uintptr_t)more % _Alignof(max_align_t), 0);
		memory = more;
	}
	memory = realloc(memory, 10);
	assert_string_equal(memory, "abcdefghi");
	errno = 0;
	assert_null(realloc(memory, SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	assert_string_equal(memory, "abcdefghi");
	memory = realloc(memory, 0);
	assert_non_null(memory);
	free(memory);
}

static void refused(void **state)
{
	void *memory = &memory;

	(void)state;
#define REFUSED(call)                            \
	do {                                     \
		errno = 0;                       \
		assert_null(call);               \
		assert_int_equal(errno, ENOMEM); \
	} while (0)
	for (unsigned int n = 0; n < 64; n++) {
		REFUSED(malloc(SIZE_MAX - n));
		REFUSED(malloc(PTRDIFF_MAX - n));
		REFUSED(aligned_alloc(64, SIZE_MAX - n));
		REFUSED(calloc(SIZE_MAX - n, 1));
		REFUSED(valloc(SIZE_MAX - n));
		REFUSED(pvalloc(SIZE_MAX - n));
	}
	REFUSED(calloc(SIZE_MAX / 2 + 1, 2));
	REFUSED(calloc((size_t)1 << 33, (size_t)1 << 33));
	REFUSED(aligned_alloc((size_t)1 << 63, 1));
	errno = 0;
	assert_int_equal(posix_memalign(&memory, 4, 8), EINVAL);
	assert_int_equal(posix_memalign(&memory, 24, 8), EINVAL);
	assert_int_equal(posix_memalign(&memory, 64, SIZE_MAX), ENOMEM);
	assert_ptr_equal(memory, &memory);
	assert_int_equal(errno, 0);
	assert_int_equal(posix_memalign(&memory, 256, 8), 0);
	assert_int_equal((uintptr_t)memory % 256, 0);
	free(memory);
	memory = valloc(1);
	assert_int_equal((uintptr_t)memory % PAGE_SIZE, 0);
	free(memory);
	memory = pvalloc(PAGE_SIZE + 1);
	assert_true(malloc_usable_size(memory) >= 2 * PAGE_SIZE);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_size, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(every_alignment, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(reallocated, policy_start_objects,
						policy_stop_objects),
		cmocka_unit_test_setup_teardown(refused, policy_start_objects, policy_stop_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
