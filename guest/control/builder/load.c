/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the loaders share (T): the plan and places in the domain's RAM.
 */
#include "guest/control/builder/load.h"

#include "guest/control/memmap.h"
#include "guest/lib/string.h"

/*
 * Low memory for the arena. The first pages are left alone as long as there is anything else: guests put
 * their real-mode vectors and AP trampolines there while they still read what the loader gave them.
 */
#define ARENA_FROM  0x9000ull
#define ARENA_FLOOR 0x1000ull

bool load_fail(char err[LOAD_ERR_SIZE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, LOAD_ERR_SIZE, fmt, ap);
	va_end(ap);
	return false;
}

/* The segment that [gpa, gpa + size) touches, or NULL. Neither end wraps: the callers have checked RAM. */
static const struct load_segment *touches(const struct load_plan *plan, u64 gpa, u64 size)
{
	for (unsigned i = 0; i < plan->nsegments; i++) {
		const struct load_segment *s = &plan->segment[i];

		if (gpa < s->gpa + s->memsz && s->gpa < gpa + size)
			return s;
	}
	return NULL;
}

bool load_add(const struct load_input *in, struct load_plan *plan, const struct load_segment *seg,
	      char err[LOAD_ERR_SIZE])
{
	const struct load_segment *other;

	if (seg->memsz == 0)
		return true;
	if (seg->filesz > seg->memsz)
		return load_fail(err, "%s: %llu bytes of file for %llu bytes of memory", seg->what,
				 (unsigned long long)seg->filesz, (unsigned long long)seg->memsz);
	if (!memmap_is_ram(in->memory, seg->gpa, seg->memsz))
		return load_fail(err,
				 "%s needs 0x%llx bytes at 0x%llx, which is not RAM of a domain of %llu KiB",
				 seg->what, (unsigned long long)seg->memsz, (unsigned long long)seg->gpa,
				 (unsigned long long)(in->memory / 1024));
	other = touches(plan, seg->gpa, seg->memsz);
	if (other)
		return load_fail(err, "%s at 0x%llx overlaps %s at 0x%llx", seg->what,
				 (unsigned long long)seg->gpa, other->what, (unsigned long long)other->gpa);
	if (plan->nsegments == LOAD_SEGMENTS_MAX)
		return load_fail(err, "more than %d segments to load", LOAD_SEGMENTS_MAX);
	plan->segment[plan->nsegments++] = *seg;
	return true;
}

/* Inside one range of RAM: walks from the chosen end and steps over each segment that is in the way. */
static bool find_in_range(const struct load_plan *plan, u64 size, u64 align, u64 from, u64 to, bool highest,
			  u64 *gpa)
{
	const struct load_segment *s;
	u64 at;

	if (from >= to || to - from < size)
		return false;
	at = highest ? ALIGN_DOWN(to - size, align) : ALIGN_UP(from, align);
	for (;;) {
		if (at < from || at > to - size)
			return false;
		s = touches(plan, at, size);
		if (!s)
			break;
		if (highest) {
			if (s->gpa < size)
				return false;
			at = ALIGN_DOWN(s->gpa - size, align);
		} else {
			at = ALIGN_UP(s->gpa + s->memsz, align);
		}
	}
	*gpa = at;
	return true;
}

bool load_find(const struct load_input *in, const struct load_plan *plan, u64 size, u64 align, u64 from,
	       u64 to, bool highest, u64 *gpa)
{
	struct memmap_range range[MEMMAP_RANGES_MAX];
	unsigned n = memmap_ranges(in->memory, range);

	for (unsigned i = 0; i < n; i++) {
		const struct memmap_range *r = &range[highest ? n - 1 - i : i];

		if (r->type == MEMMAP_RAM && find_in_range(plan, size, align, MAX(from, r->start),
							   MIN(to, r->start + r->size), highest, gpa))
			return true;
	}
	return false;
}

bool load_arena_place(const struct load_input *in, struct load_plan *plan, size_t size,
		      char err[LOAD_ERR_SIZE])
{
	size = ALIGN_UP(size, (size_t)PAGE_SIZE);
	if (size > sizeof(plan->arena))
		return load_fail(err, "start information of %zu bytes, at most %zu fit", size,
				 sizeof(plan->arena));
	if (!load_find(in, plan, size, PAGE_SIZE, ARENA_FROM, MEMMAP_LOW_END, false, &plan->arena_gpa) &&
	    !load_find(in, plan, size, PAGE_SIZE, ARENA_FLOOR, MEMMAP_LOW_END, false, &plan->arena_gpa))
		return load_fail(err, "the image leaves no %zu bytes of low memory for its start information",
				 size);
	plan->arena_size = size;
	plan->arena_used = 0;
	return true;
}

void *load_arena_take(struct load_plan *plan, size_t size, size_t align, u64 *gpa)
{
	size_t at = ALIGN_UP(plan->arena_used, align);

	*gpa = plan->arena_gpa + at;
	plan->arena_used = at + size;
	memset(plan->arena + at, 0, size);
	return plan->arena + at;
}

u64 load_arena_string(struct load_plan *plan, const char *s)
{
	size_t n = strlen(s) + 1;
	u64 gpa;

	memcpy(load_arena_take(plan, n, 1, &gpa), s, n);
	return gpa;
}

bool load_arena_add(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE])
{
	return load_add(in, plan,
			&(struct load_segment){ .what = "start information",
						.gpa = plan->arena_gpa,
						.src = plan->arena,
						.filesz = plan->arena_used,
						.memsz = plan->arena_size },
			err);
}

bool load_add_initrd(const struct load_input *in, struct load_plan *plan, u64 gpa, char err[LOAD_ERR_SIZE])
{
	return load_add(in, plan,
			&(struct load_segment){ .what = "initrd",
						.gpa = gpa,
						.src = in->initrd,
						.filesz = in->initrd_size,
						.memsz = ALIGN_UP((u64)in->initrd_size, PAGE_SIZE) },
			err);
}
