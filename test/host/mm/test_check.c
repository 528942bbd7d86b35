/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_check.c: mm_check() finds what is wrong, and what it is in.
 *
 * Every field of every structure of mm/ is overwritten, one at a time, with 0, its successor, a
 * wild value and all ones, in a pool that has something of every kind. mm_check() must name the
 * structure and the field, unless the new value is as good as the old one, and must survive (this
 * program runs under the address and undefined-behaviour sanitizers). A field without a row fails
 * the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check_fields.h"
#include "check_pool.h"
#include "test/host/port_host.h"

struct outcome {
	unsigned long tried, found, as_good;
	unsigned int failed;
};

static void corrupt(const struct structure *structure, const struct field *field, void *object,
		    unsigned int number, unsigned int element, uint64_t value,
		    struct outcome *outcome)
{
	char *at = (char *)object + field->offset + element * field->size;
	unsigned char before[8];
	bool as_good;
	int found;

	memcpy(before, at, field->size);
	if (!memcmp(before, &value, field->size))
		return;
	memcpy(at, &value, field->size);
	as_good = field->may_be && field->may_be(object);
	port_host_log_clear();
	found = mm_check();
	if (!found)
		(void)mm_state_hash(); /* which is for sane states only */
	memcpy(at, before, field->size);
	outcome->tried++;
	outcome->found += found > 0;
	outcome->as_good += as_good;
	if (as_good || (found && check_names(structure->name, field->name)))
		return;
	if (outcome->failed++ < 5)
		print_error("%s[%u].%s[%u] = 0x%llx: %s\n%s", structure->name, number, field->name,
			    element, (unsigned long long)value, found ? "not named" : "not found",
			    port_host_log_text);
}

static void corrupt_all(const struct structure *structure)
{
	uint64_t hash = mm_state_hash();
	struct outcome outcome = {0, 0, 0, 0};
	unsigned char *object;

	for (unsigned int n = 0; (object = structure->object(n)); n++) {
		for (const struct field *field = structure->fields; field->name; field++) {
			for (unsigned int i = 0; i < field->count; i++) {
				uint64_t value = 0;

				memcpy(&value, object + field->offset + i * field->size,
				       field->size);
				corrupt(structure, field, object, n, i, 0, &outcome);
				corrupt(structure, field, object, n, i, value + 1, &outcome);
				corrupt(structure, field, object, n, i, 0x5a5a5a5a5a5a5a5a,
					&outcome);
				corrupt(structure, field, object, n, i, ~0ULL, &outcome);
			}
		}
	}
	print_message("# %s: %lu tried, %lu found, %lu as good as before\n", structure->name,
		      outcome.tried, outcome.found, outcome.as_good);
	assert_int_equal(0, outcome.failed);
	port_host_log_clear();
	assert_int_equal(0, mm_check());
	assert_true(hash == mm_state_hash());
}

static void fields(void **state)
{
	(void)state;
	check_pool_start();
	for (unsigned int i = 0; i < nr_structures; i++)
		corrupt_all(&structures[i]);
	check_pool_stop();
}

/* Hooks hide the caches. */
static void fields_with_hooks(void **state)
{
	(void)state;
	check_pool_start();
	assert_int_equal(0, mm_set_hooks(MM_HOOK_INIT_ON_FREE));
	for (unsigned int i = 0; i < nr_structures; i++)
		if (!strcmp(structures[i].name, "mm") || !strcmp(structures[i].name, "cpu") ||
		    !strcmp(structures[i].name, "cache") || !strcmp(structures[i].name, "pcp"))
			corrupt_all(&structures[i]);
	check_pool_stop();
}

/* Every byte of a structure is in its table, once. */
static void every_field_has_a_row(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < nr_structures; i++) {
		unsigned char *seen = calloc(1, structures[i].size);

		assert_non_null(seen);
		for (const struct field *field = structures[i].fields; field->name; field++) {
			size_t size = field->size * (field->count ? field->count : 1);

			assert_true(field->offset + size <= structures[i].size);
			for (size_t n = 0; n < size; n++)
				seen[field->offset + n]++;
		}
		for (size_t n = 0; n < structures[i].size; n++)
			if (seen[n] != 1)
				fail_msg("byte %zu of %s is in %d rows", n, structures[i].name,
					 seen[n]);
		free(seen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_has_a_row),
		cmocka_unit_test(fields),
		cmocka_unit_test(fields_with_hooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
