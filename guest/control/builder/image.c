/* SPDX-License-Identifier: BSD-2-Clause */
/* Which loader an image is for (T). */
#include "guest/control/builder/image.h"

#include "guest/control/builder/bzimage.h"
#include "guest/control/builder/elf.h"
#include "guest/control/builder/multiboot.h"
#include "guest/control/builder/pvh.h"
#include "guest/control/memmap.h"
#include "guest/lib/string.h"

/* Says what a foreign file is, as far as its first bytes tell. */
static const char *foreign_kind(const u8 *b, size_t n)
{
	if (n >= 3 && b[0] == 0x1f && b[1] == 0x8b)
		return "a gzip file (unpack it first)";
	if (n >= 6 && b[0] == 0xfd && memcmp(b + 1, "7zXZ", 4) == 0)
		return "an xz file (unpack it first)";
	if (n >= 4 && load_u32(b) == 0xfd2fb528)
		return "a zstd file (unpack it first)";
	if (n >= 6 && memcmp(b, "07070", 5) == 0)
		return "a cpio archive (an initrd, not a kernel)";
	if (n >= 2 && b[0] == '#' && b[1] == '!')
		return "a script";
	if (n >= 2 && b[0] == 'M' && b[1] == 'Z')
		return "an EFI or DOS program without a Linux setup header";
	return NULL;
}

static bool input_is_sane(const struct load_input *in, char err[LOAD_ERR_SIZE])
{
	if (!memmap_valid(in->memory))
		return load_fail(err, "memory of %llu bytes: it must be whole pages, 1 MiB to 1 TiB",
				 (unsigned long long)in->memory);
	if (!in->image || in->size == 0)
		return load_fail(err, "the image is empty");
	if (in->cmdline && strnlen(in->cmdline, LOAD_CMDLINE_MAX) >= LOAD_CMDLINE_MAX)
		return load_fail(err, "the command line is longer than %d bytes", LOAD_CMDLINE_MAX - 1);
	if (!in->initrd != !in->initrd_size)
		return load_fail(err, "the initrd is empty");
	if (in->initrd_size > in->memory)
		return load_fail(err, "an initrd of %zu bytes is more than the domain's %llu KiB",
				 in->initrd_size, (unsigned long long)(in->memory / 1024));
	return true;
}

bool image_load(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE])
{
	const char *kind;

	*err = 0;
	plan->nsegments = 0;
	plan->rax = plan->rbx = plan->rsi = plan->cr3 = plan->gdt = 0;
	plan->gdt_limit = 0;
	if (!input_is_sane(in, err))
		return false;

	if (bzimage_is(in->image, in->size))
		return bzimage_load(in, plan, err);
	if (elf_is(in->image, in->size)) {
		if (pvh_is(in->image, in->size))
			return pvh_load(in, plan, err);
		if (multiboot_is(in->image, in->size))
			return multiboot_load(in, plan, err);
		return elf_describe(in->image, in->size, err);
	}
	if (multiboot_is(in->image, in->size))
		return multiboot_load(in, plan, err);

	kind = foreign_kind(in->image, in->size);
	if (kind)
		return load_fail(err, "this is %s", kind);
	return load_fail(err,
			 "unknown format: no Linux setup header, no ELF, no multiboot header (%zu bytes)",
			 in->size);
}
