/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_frame.c: see trace_frame.h.
 */
#include "console/trace_frame.h"

#include <assert.h>
#include <string.h>

#include "console/crc32.h"

static_assert(offsetof(struct trace_frame, data) == TRACE_FRAME_HEAD, "no padding");

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *encode(char *to, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i += 3) {
		uint32_t word = (uint32_t)bytes[i] << 16;

		word |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
		word |= i + 2 < size ? bytes[i + 2] : 0;
		*to++ = digits[word >> 18];
		*to++ = digits[word >> 12 & 63];
		*to++ = i + 1 < size ? digits[word >> 6 & 63] : '=';
		*to++ = i + 2 < size ? digits[word & 63] : '=';
	}
	return to;
}

/*
 * Bytes of the text, `most` at most; 0: its digits, '=' behind them and the line's end are not what
 * encode() writes, down to the bits that say nothing.
 */
static size_t decode(uint8_t *to, size_t most, const char *text)
{
	const char *first = text, *digit;
	unsigned int bits = 0;
	uint32_t word = 0;
	size_t bytes = 0;

	for (; *text && (digit = strchr(digits, *text)); text++) {
		word = word << 6 | (uint32_t)(digit - digits);
		bits += 6;
		if (bits < 8)
			continue;
		if (bytes == most)
			return 0;
		bits -= 8;
		to[bytes++] = (uint8_t)(word >> bits);
	}
	if (word & ((1U << bits) - 1))
		return 0;
	for (; (text - first) % 4; text++)
		if (*text != '=')
			return 0;
	return *text == '\r' || *text == '\n' || !*text ? bytes : 0;
}

size_t trace_frame_make(struct trace_frame *frame, unsigned int part, uint64_t arg,
			const void *data, size_t size)
{
	uint32_t crc;

	frame->magic = TRACE_FRAME_MAGIC;
	frame->part = (uint16_t)part;
	frame->size = (uint16_t)size;
	frame->arg = arg;
	if (size)
		memcpy(frame->data, data, size);
	crc = crc32_update(0, frame, TRACE_FRAME_HEAD + size);
	memcpy(frame->data + size, &crc, sizeof(crc));
	return trace_frame_bytes(frame);
}

size_t trace_frame_line(char line[TRACE_FRAME_LINE], uint32_t number, unsigned int part,
			uint64_t arg, const void *data, size_t size)
{
	struct trace_frame frame = {.number = number};
	char *end = line + sizeof(TRACE_FRAME_MARK) - 1;

	memcpy(line, TRACE_FRAME_MARK, sizeof(TRACE_FRAME_MARK) - 1);
	size = trace_frame_make(&frame, part, arg, data, size);
	end = encode(end, (const uint8_t *)&frame, size);
	*end++ = '\n';
	*end = '\0';
	return (size_t)(end - line);
}

const char *trace_frame_check(const struct trace_frame *frame, size_t bytes)
{
	uint32_t crc;

	if (bytes < TRACE_FRAME_HEAD + sizeof(crc) || frame->magic != TRACE_FRAME_MAGIC)
		return "it is cut, or does not begin as a record";
	if (frame->size > TRACE_FRAME_DATA || bytes < trace_frame_bytes(frame))
		return "its length is not what it says";
	memcpy(&crc, frame->data + frame->size, sizeof(crc));
	if (crc != crc32_update(0, frame, TRACE_FRAME_HEAD + frame->size))
		return "its CRC is wrong";
	return NULL;
}

const char *trace_frame_parse(struct trace_frame *frame, const char *text)
{
	const char *wrong;
	size_t size;

	memset(frame, 0, sizeof(*frame));
	size = decode((uint8_t *)frame, TRACE_FRAME_MOST, text);
	wrong = trace_frame_check(frame, size);
	return !wrong && size != trace_frame_bytes(frame) ? "its length is not what it says"
							  : wrong;
}
