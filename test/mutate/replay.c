/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.c: runs a fuzzer's inputs, the files named on the command line, without libFuzzer.
 */
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];

	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t size = file ? fread(data, 1, sizeof(data), file) : 0;

		if (!file)
			return 2;
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
	}
	return 0;
}
