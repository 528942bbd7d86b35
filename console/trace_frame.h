/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_frame.h: what a recording (quarry/record.h) emits, as frames. On a disk they follow each other
 * from its first byte on. A serial line they cross among other text: one line each, which begins with a
 * mark and has the frame's bytes in base64 (RFC 4648, 4), as a console adds carriage returns, and
 * terminals take bytes for themselves.
 */
#ifndef CONSOLE_TRACE_FRAME_H
#define CONSOLE_TRACE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_FRAME_MARK  "@QT "
#define TRACE_FRAME_MAGIC 0x63725451U /* "QTrc" */
#define TRACE_FRAME_DATA  240	      /* bytes in a frame at most */

/* All little-endian; a CRC-32 of all bytes before it follows the data. */
struct trace_frame {
	uint32_t magic;
	uint32_t number;    /* from 0, one after the other: a gap is a frame that was lost */
	uint16_t part;	    /* enum mm_record_part */
	uint16_t size;	    /* bytes of data */
	uint32_t recording; /* on a disk: not 0, the same in all frames of a recording */
	uint64_t arg;
	uint8_t data[TRACE_FRAME_DATA + 4];
};
#define TRACE_FRAME_HEAD 24

/* Characters of a line, its end and '\0' included. */
#define TRACE_FRAME_LINE \
	(sizeof(TRACE_FRAME_MARK) - 1 + (TRACE_FRAME_HEAD + TRACE_FRAME_DATA + 4 + 2) / 3 * 4 + 2)

#define TRACE_FRAME_MOST (TRACE_FRAME_HEAD + TRACE_FRAME_DATA + 4) /* with its CRC */

static inline size_t trace_frame_bytes(const struct trace_frame *frame)
{
	return TRACE_FRAME_HEAD + (size_t)frame->size + 4;
}

/*
 * trace_frame_make() - number and recording are in the frame; the rest of it, with the CRC behind the
 * data; its bytes. Context: any. Bound: 10 a byte.
 * trace_frame_check() - NULL, or what is wrong with the frame, of which there are so many bytes.
 */
size_t trace_frame_make(struct trace_frame *frame, unsigned int part, uint64_t arg,
			const void *data, size_t size);
const char *trace_frame_check(const struct trace_frame *frame, size_t bytes);

/* trace_frame_line() - the frame's line, with its end; its length. Context: any. Bound: 60 a byte. */
size_t trace_frame_line(char line[TRACE_FRAME_LINE], uint32_t number, unsigned int part,
			uint64_t arg, const void *data, size_t size);

/*
 * trace_frame_parse() - the frame of a line without its mark; each of the line's characters counts. NULL, or what is wrong with it; frame->number is what the frame says, if it says anything.
 */
const char *trace_frame_parse(struct trace_frame *frame, const char *text);

#endif
