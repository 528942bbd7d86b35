/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdefs.h: what the public headers say in a way that C11 and C++17 both take.
 *
 * Everything with a linker name is C's in both languages.
 */
#ifndef QUARRY_CDEFS_H
#define QUARRY_CDEFS_H

#ifdef __cplusplus
#define MM_BEGIN_DECLS extern "C" {
#define MM_END_DECLS   }
#else
#define MM_BEGIN_DECLS
#define MM_END_DECLS
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Quarry is for little-endian machines: a page descriptor's fields are parts of its words"
#endif

#endif
