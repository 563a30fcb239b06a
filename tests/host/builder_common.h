/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the loaders' tests share: images built here, and checks that hold for every plan.
 */
#ifndef TESTS_BUILDER_COMMON_H
#define TESTS_BUILDER_COMMON_H

#include "tests/host/control_common.h"

#include "guest/control/builder/image.h"
#include "guest/control/memmap.h"

#define MIB (1ull << 20)

/* A file on the heap, exactly as long as it is: the sanitizer sees each byte read behind its end. */
static inline u8 *heap_copy(const void *from, size_t n)
{
	u8 *p = malloc(n ? n : 1);

	assert_non_null(p);
	memcpy(p, from, n);
	return p;
}

static inline bool inside(const void *p, u64 n, const void *area, u64 size)
{
	uintptr_t a = (uintptr_t)p, b = (uintptr_t)area;

	return a >= b && a - b <= size && n <= size - (a - b);
}

/* RAM only, no overlap, sources inside their buffers, entry inside a segment. */
static inline void check_plan(const struct load_input *in, const struct load_plan *p)
{
	bool entry = false;

	assert_true(p->nsegments >= 2 && p->nsegments <= LOAD_SEGMENTS_MAX);
	for (unsigned i = 0; i < p->nsegments; i++) {
		const struct load_segment *s = &p->segment[i];

		assert_true(s->memsz > 0 && s->filesz <= s->memsz);
		assert_true(memmap_is_ram(in->memory, s->gpa, s->memsz));
		assert_true(s->filesz == 0 || inside(s->src, s->filesz, in->image, in->size) ||
			    (in->initrd && inside(s->src, s->filesz, in->initrd, in->initrd_size)) ||
			    inside(s->src, s->filesz, p->arena, sizeof(p->arena)));
		for (unsigned j = 0; j < i; j++)
			assert_true(s->gpa >= p->segment[j].gpa + p->segment[j].memsz ||
				    p->segment[j].gpa >= s->gpa + s->memsz);
		entry |= p->entry >= s->gpa && p->entry < s->gpa + s->memsz;
	}
	assert_true(entry);
	assert_true(p->arena_used <= p->arena_size && p->arena_size <= sizeof(p->arena));
}

/* What the plan puts at gpa: `n` bytes of one segment's file part. */
static inline const void *planned(const struct load_plan *p, u64 gpa, size_t n)
{
	for (unsigned i = 0; i < p->nsegments; i++) {
		const struct load_segment *s = &p->segment[i];

		if (gpa >= s->gpa && gpa - s->gpa <= s->filesz && n <= s->filesz - (gpa - s->gpa))
			return (const u8 *)s->src + (gpa - s->gpa);
	}
	fail_msg("nothing planned at 0x%llx", (unsigned long long)gpa);
	return NULL;
}

static inline const struct load_segment *planned_segment(const struct load_plan *p, const char *what)
{
	for (unsigned i = 0; i < p->nsegments; i++)
		if (strcmp(p->segment[i].what, what) == 0)
			return &p->segment[i];
	return NULL;
}

static inline void expect_load(const struct load_input *in, struct load_plan *p)
{
	char err[LOAD_ERR_SIZE];

	if (!image_load(in, p, err))
		fail_msg("refused: %s", err);
	check_plan(in, p);
}

/* Refused, with a message that has `part` in it. */
static inline void expect_refusal(const struct load_input *in, const char *part)
{
	static struct load_plan p;
	char err[LOAD_ERR_SIZE] = "";

	if (image_load(in, &p, err))
		fail_msg("loaded, but expected: %s", part);
	if (!strstr(err, part))
		fail_msg("message '%s' does not have '%s'", err, part);
}

/* Each shorter file is refused with a message, or loads something that holds the checks when `may_load`. */
static inline void check_truncations(struct load_input in, bool may_load)
{
	static struct load_plan p;
	const void *whole = in.image;
	size_t size = in.size;

	for (size_t n = 0; n < size; n++) {
		char err[LOAD_ERR_SIZE] = "";
		u8 *part = heap_copy(whole, n);

		in.image = part;
		in.size = n;
		if (image_load(&in, &p, err)) {
			assert_true(may_load);
			check_plan(&in, &p);
		} else {
			assert_true(err[0] != 0 && strlen(err) < LOAD_ERR_SIZE);
		}
		free(part);
	}
}

/* Random damage: whatever comes out is refused with words or holds the checks. */
static inline void check_damage(struct load_input in, size_t header, unsigned rounds)
{
	static const u64 nasty[] = { 0,	    1,	     0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffffffff000,
				     ~0ull, 0xa0000, 0x1000 };
	static struct load_plan p;
	const void *whole = in.image;
	u64 seed = 88172645463325252ull;
	unsigned loaded = 0, refused = 0;

	for (unsigned r = 0; r < rounds; r++) {
		char err[LOAD_ERR_SIZE] = "";
		u8 *copy = heap_copy(whole, in.size);

		for (u64 k = fake_random(&seed) % 3 + 1; k; k--) {
			size_t at = fake_random(&seed) % MIN(header, in.size);
			u64 v = fake_random(&seed) % 2 ? nasty[fake_random(&seed) % ARRAY_SIZE(nasty)]
						       : fake_random(&seed);
			size_t n = (size_t)1 << fake_random(&seed) % 4;

			memcpy(copy + at, &v, MIN(n, in.size - at));
		}
		in.image = copy;
		if (image_load(&in, &p, err)) {
			check_plan(&in, &p);
			loaded++;
		} else {
			assert_true(err[0] != 0 && strlen(err) < LOAD_ERR_SIZE);
			refused++;
		}
		free(copy);
	}
	assert_true(loaded && refused);
}

/* --- images --- */

static inline void poke16(u8 *p, u16 v)
{
	load_put16(p, v);
}

static inline void poke32(u8 *p, u32 v)
{
	load_put32(p, v);
}

static inline void poke64(u8 *p, u64 v)
{
	load_put64(p, v);
}

struct test_elf {
	u8 file[8192];
	size_t size;
	bool is64;
	unsigned phnum;
	unsigned machine_at, phdr_at;
};

/* An executable for x86 without segments; phdrs follow the header, data starts at 0x400. */
static inline void elf_start(struct test_elf *t, bool is64, u64 entry)
{
	memset(t, 0, sizeof(*t));
	t->is64 = is64;
	t->size = 0x400;
	t->phdr_at = is64 ? 64 : 52;
	memcpy(t->file, "\177ELF", 4);
	t->file[4] = is64 ? 2 : 1;
	t->file[5] = 1;
	t->file[6] = 1;
	poke16(t->file + 16, 2);
	poke16(t->file + 18, is64 ? 62 : 3);
	poke32(t->file + 20, 1);
	if (is64) {
		poke64(t->file + 24, entry);
		poke64(t->file + 32, t->phdr_at);
		poke16(t->file + 52, 64);
		poke16(t->file + 54, 56);
	} else {
		poke32(t->file + 24, (u32)entry);
		poke32(t->file + 28, t->phdr_at);
		poke16(t->file + 40, 52);
		poke16(t->file + 42, 32);
	}
}

/* A segment with `filesz` bytes at the end of the file; returns where they are. */
static inline u8 *elf_add(struct test_elf *t, u32 type, u64 vaddr, u64 paddr, u64 filesz, u64 memsz,
			  u64 align)
{
	u8 *ph = t->file + t->phdr_at + t->phnum * (t->is64 ? 56 : 32), *data = t->file + t->size;

	poke32(ph, type);
	if (t->is64) {
		poke64(ph + 8, t->size);
		poke64(ph + 16, vaddr);
		poke64(ph + 24, paddr);
		poke64(ph + 32, filesz);
		poke64(ph + 40, memsz);
		poke64(ph + 48, align);
	} else {
		poke32(ph + 4, (u32)t->size);
		poke32(ph + 8, (u32)vaddr);
		poke32(ph + 12, (u32)paddr);
		poke32(ph + 16, (u32)filesz);
		poke32(ph + 20, (u32)memsz);
		poke32(ph + 28, (u32)align);
	}
	t->phnum++;
	poke16(t->file + (t->is64 ? 56 : 44), (u16)t->phnum);
	for (u64 i = 0; i < filesz; i++)
		data[i] = (u8)(i * 7 + t->phnum);
	t->size += filesz;
	return data;
}

/* The PVH note, behind another one of another owner. */
static inline void elf_add_pvh_note(struct test_elf *t, u64 entry, bool wide)
{
	size_t n = 12 + 8 + 4 + 12 + 4 + (wide ? 8 : 4);
	u8 *d = elf_add(t, 4, 0, 0, n, n, 4);

	memset(d, 0, n);
	poke32(d, 6);
	poke32(d + 4, 3); /* padded to 4 */
	poke32(d + 8, 18);
	memcpy(d + 12, "Other", 6);
	d += 24;
	poke32(d, 4);
	poke32(d + 4, wide ? 8 : 4);
	poke32(d + 8, 18);
	memcpy(d + 12, "Xen", 4);
	if (wide)
		poke64(d + 16, entry);
	else
		poke32(d + 16, (u32)entry);
}

#endif
