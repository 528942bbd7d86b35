/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_trace_frame.c: the line of a frame is what was written down by hand, comes back whatever its
 * length, and is refused with any of its characters changed, or cut anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "console/crc32.c"
#include "console/trace_frame.c"

static void test_known_line(void **state)
{
	char line[TRACE_FRAME_LINE];

	(void)state;
	/* magic, number 1, part 4, size 3, reserved, arg 2, "abc", and the CRC that Python's zlib finds */
	assert_int_equal(49, trace_frame_line(line, 1, 4, 2, "abc", 3));
	assert_string_equal("@QT UVRyYwEAAAAEAAMAAAAAAAIAAAAAAAAAYWJjZQfTPA==\n", line);
}

static void test_every_size(void **state)
{
	uint8_t data[TRACE_FRAME_DATA];
	char line[TRACE_FRAME_LINE];
	struct trace_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 11);
	for (size_t size = 0; size <= sizeof(data); size++) {
		size_t length = trace_frame_line(line, (uint32_t)size, 3, ~0ULL - size, data, size);

		assert_true(length < TRACE_FRAME_LINE && strlen(line) == length);
		assert_null(trace_frame_parse(&frame, line + strlen(TRACE_FRAME_MARK)));
		assert_int_equal(size, frame.number);
		assert_int_equal(3, frame.part);
		assert_int_equal(size, frame.size);
		assert_true(frame.arg == ~0ULL - size);
		assert_memory_equal(data, frame.data, size);
	}
}

/* Each bit of each character, the padding and the line's end too; and cut anywhere. */
static void test_damage(void **state)
{
	char line[TRACE_FRAME_LINE], *text = line + strlen(TRACE_FRAME_MARK);
	struct trace_frame frame;
	size_t length;

	(void)state;
	for (size_t size = 21; size <= 23; size++) { /* two, one and no '=' */
		trace_frame_line(line, 7, 3, 9, "some bytes of an event.", size);
		length = strcspn(text, "\n");
		for (size_t i = 0; i < length; i++)
			for (int bit = 0; bit < 8; bit++) {
				text[i] ^= (char)(1 << bit);
				assert_non_null(trace_frame_parse(&frame, text));
				text[i] ^= (char)(1 << bit);
			}
		text[length] = 'A';
		assert_non_null(trace_frame_parse(&frame, text));
		text[length] = '\r';
		assert_null(trace_frame_parse(&frame, text));
		for (size_t i = 0; i < length; i++) {
			char kept = text[i];

			text[i] = '\r';
			assert_non_null(trace_frame_parse(&frame, text));
			text[i] = kept;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_line),
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
