/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sha256.h: SHA-256 (FIPS 180-4), to compare what is on a disk with what the host says is on it.
 */
#ifndef CONSOLE_SHA256_H
#define CONSOLE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

struct sha256 {
	uint32_t state[8];
	uint64_t bytes; /* taken so far */
	uint8_t block[64];
};

/* Begin; take size bytes, any number of times; the digest. Any context. */
void sha256_init(struct sha256 *sha);
void sha256_update(struct sha256 *sha, const void *data, size_t size);
void sha256_final(struct sha256 *sha, uint8_t digest[SHA256_SIZE]);

#endif
