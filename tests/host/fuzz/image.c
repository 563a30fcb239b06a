/* SPDX-License-Identifier: BSD-2-Clause */
/* Images: bzImage, ELF with the PVH note, multiboot. Byte 0 chooses the memory and whether there is an
 * initrd. */
#include "guest/control/builder/image.h"
#include "guest/control/memmap.h"
#include "tests/host/fuzz/fuzz.h"

static bool inside(const void *p, u64 n, const void *area, u64 size)
{
	uintptr_t a = (uintptr_t)p, b = (uintptr_t)area;

	return a >= b && a - b <= size && n <= size - (a - b);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct load_plan plan;
	static const u8 initrd[100];
	char err[LOAD_ERR_SIZE] = "";
	struct load_input in = { .name = "name", .cmdline = "some words", .rsdp = MEMMAP_TABLES_START };

	if (size < 1)
		return 0;
	in.memory = 1ull << (20 + data[0] % 20);
	in.image = data + 1;
	in.size = size - 1;
	if (data[0] & 0x80) {
		in.initrd = initrd;
		in.initrd_size = sizeof(initrd);
	}
	if (!image_load(&in, &plan, err)) {
		HOLDS(*err && memchr(err, 0, sizeof(err)));
		return 0;
	}
	HOLDS(plan.nsegments <= LOAD_SEGMENTS_MAX);
	for (unsigned i = 0; i < plan.nsegments; i++) {
		const struct load_segment *s = &plan.segment[i];

		HOLDS(s->filesz <= s->memsz && memmap_is_ram(in.memory, s->gpa, s->memsz));
		HOLDS(!s->filesz || inside(s->src, s->filesz, in.image, in.size) ||
		      inside(s->src, s->filesz, initrd, sizeof(initrd)) ||
		      inside(s->src, s->filesz, plan.arena, sizeof(plan.arena)));
		for (unsigned k = 0; k < i; k++)
			HOLDS(s->gpa + s->memsz <= plan.segment[k].gpa ||
			      plan.segment[k].gpa + plan.segment[k].memsz <= s->gpa || !s->memsz ||
			      !plan.segment[k].memsz);
	}
	return 0;
}
