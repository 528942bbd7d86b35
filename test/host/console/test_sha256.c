/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sha256.c: the vectors of FIPS 180-4 (NIST's "Examples with Intermediate Values") and of RFC
 * 6234.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "console/sha256.c"

static void expect(struct sha256 *sha, const char *hex)
{
	uint8_t digest[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];

	sha256_final(sha, digest);
	for (int i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(text, hex);
}

static void expect_of(const char *message, const char *hex)
{
	/* in pieces of every size up to the whole: the block's edge must not matter */
	for (size_t piece = 1; piece <= strlen(message) + 1; piece++) {
		struct sha256 sha;

		sha256_init(&sha);
		for (size_t at = 0; at < strlen(message); at += piece) {
			size_t left = strlen(message) - at;

			sha256_update(&sha, message + at, left < piece ? left : piece);
		}
		expect(&sha, hex);
	}
}

static void test_messages(void **state)
{
	(void)state;
	expect_of("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect_of("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	expect_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
		  "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

static void test_million(void **state)
{
	static char block[1000];
	struct sha256 sha;

	(void)state;
	memset(block, 'a', sizeof(block));
	sha256_init(&sha);
	for (int i = 0; i < 1000; i++)
		sha256_update(&sha, block, sizeof(block));
	expect(&sha, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
