/* SPDX-License-Identifier: BSD-2-Clause */
/* Feeds a target each file that is named, then inputs of its own: NAME_fuzz [-n COUNT] [-s SEED] FILE... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/host/fuzz/fuzz.h"

#define MOST 65536

static u64 state = 1;

static u64 rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

/* On the heap and of its very size: what reads behind the end is seen. */
static void feed(const u8 *data, size_t n)
{
	u8 *copy = malloc(n ? n : 1);

	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void mutate(u8 *data, size_t n)
{
	for (u64 k = rnd() % 8; n && k; k--) {
		size_t at = rnd() % n;

		data[at] = rnd() % 4 ? (u8)rnd() : rnd() % 2 ? 0 : 0xff;
	}
}

int main(int argc, char **argv)
{
	static u8 seeds[16][MOST], buf[MOST];
	size_t size[16] = { 0 };
	u32 files = 0;
	u64 count = 0;

	for (int i = 1; i < argc; i++) {
		FILE *f;

		if (!strcmp(argv[i], "-n") || !strcmp(argv[i], "-s")) {
			u64 n = strtoull(argv[i + 1], NULL, 0);

			*(argv[i++][1] == 'n' ? &count : &state) = n;
			continue;
		}
		f = fopen(argv[i], "rb");
		if (!f) {
			perror(argv[i]);
			return 1;
		}
		size[files % 16] = fread(seeds[files % 16], 1, MOST, f);
		fclose(f);
		feed(seeds[files % 16], size[files % 16]);
		files++;
	}
	for (u64 i = 0; i < count; i++) {
		u32 from = (u32)(files ? rnd() % (files < 16 ? files : 16) : 0);
		size_t n = rnd() % 4 && size[from] ? size[from] : rnd() % 512;

		memcpy(buf, seeds[from], n);
		if (!files || rnd() % 8 == 0)
			for (size_t k = 0; k < n; k++)
				buf[k] = (u8)rnd();
		mutate(buf, n);
		feed(buf, n);
	}
	printf("%u files and %lu of its own\n", files, count);
	return 0;
}
