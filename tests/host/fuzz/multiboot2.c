/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot loader's information. */
#include "boot/multiboot2.h"
#include "hv/frame.h"
#include "hv/panic.h"
#include "tests/host/fuzz/fuzz.h"

void panic(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct bootinfo bi;
	u8 *mbi = aligned_alloc(8, ALIGN_UP(size + 8, 8));

	memset(&bi, 0, sizeof(bi));
	memcpy(mbi, data, size);
	if (size >= 8 && (data[0] & 1)) { /* a size that is believed further than to the first look */
		u32 n = (u32)size;

		memcpy(mbi, &n, 4);
		memset(mbi + 4, 0, 4);
	}
	if (!multiboot2_parse(mbi, size, &bi)) {
		HOLDS(bi.mem_count <= BOOT_MEM_MAX && bi.module_count <= BOOT_MODULES_MAX &&
		      bi.reserved_count <= BOOT_RESERVED_MAX);
		for (u32 i = 0; i < bi.mem_count; i++) {
			HOLDS(bi.mem[i].start.v < bi.mem[i].end.v);
			HOLDS(i == 0 || bi.mem[i - 1].end.v <= bi.mem[i].start.v);
		}
		for (u32 i = 0; i < bi.module_count; i++)
			HOLDS(bi.module[i].start.v <= bi.module[i].end.v &&
			      memchr(bi.module[i].cmdline, 0, BOOT_CMDLINE));
		HOLDS(memchr(bi.cmdline, 0, BOOT_CMDLINE));
	}
	free(mbi);
	return 0;
}
