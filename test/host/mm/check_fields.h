/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_fields.h: every field of mm/'s structures, for the test that corrupts them one by one
 * (test_check.c).
 */
#ifndef QUARRY_TEST_CHECK_FIELDS_H
#define QUARRY_TEST_CHECK_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

struct field {
	const char *name;
	size_t offset, size; /* of one element */
	unsigned int count;  /* elements; 0: bytes that no test writes to */
	/*
	 * Asked when a field of the object has been overwritten: may mm_check() find nothing, as
	 * the new value is as good as the old one? NULL: never.
	 */
	bool (*may_be)(const void *object);
};

struct structure {
	const char *name; /* as mm_check() writes it */
	size_t size;
	const struct field *fields;	 /* all of them; ends with name NULL */
	void *(*object)(unsigned int n); /* the n-th there is; NULL: past the last */
};

extern const struct structure structures[];
extern const unsigned int nr_structures;

/* Descriptors of open sections, each seventh; NULL: past the last. */
void *page_object(unsigned int n);

/* check_may_be.c */
bool may_be_any(const void *object);
bool may_be_misuse_panic(const void *object);
bool may_be_compaction(const void *object);
bool may_be_grouping(const void *object);
bool may_be_poison_check(const void *object);
bool may_be_pcp_high(const void *object);
bool may_be_nr_cpus(const void *object);
bool may_be_end_cpu(const void *object);
bool may_be_same_marks(const void *object);
bool may_be_user_min_free(const void *object);
bool may_be_zone_low(const void *object);
bool may_be_acquired(const void *object);
bool may_be_zone_span(const void *object);
bool may_be_span_next(const void *object);
bool may_be_zoneref(const void *object);
bool may_be_off_list(const void *object);
bool may_be_type(const void *object);
bool may_be_info(const void *object);
bool may_be_refcount(const void *object);
bool may_be_trust(const void *object);
bool may_be_irq_depth(const void *object);
bool may_be_open_range(const void *object);
bool may_be_no_array(const void *object);
bool may_be_cursor(const void *object);

/* To be called in a sane state, from which fields are then corrupted: what is in it now. */
void check_fields_note(void);

#endif
