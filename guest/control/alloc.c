/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control domain's memory (T).
 */
#include "guest/control/alloc.h"
#include "guest/lib/string.h"

/* In front of every piece; free pieces are linked in the order of their addresses. */
struct piece {
	size_t bytes; /* with this header */
	struct piece *next;
};
_Static_assert(sizeof(struct piece) == 16, "alignment of what follows");

static struct piece *first_free;
static size_t left;

void alloc_init(void *start, size_t bytes)
{
	u64 from = ALIGN_UP((u64)start, 16);

	first_free = (struct piece *)from;
	first_free->bytes = ALIGN_DOWN((u64)start + bytes - from, 16);
	first_free->next = NULL;
	left = first_free->bytes;
}

void *alloc(size_t bytes)
{
	size_t need = ALIGN_UP(bytes, 16ul) + sizeof(struct piece);

	if (need < bytes)
		return NULL;
	for (struct piece **at = &first_free; *at; at = &(*at)->next) {
		struct piece *p = *at;

		if (p->bytes < need)
			continue;
		if (p->bytes - need >= 2 * sizeof(struct piece)) {
			struct piece *rest = (struct piece *)((u8 *)p + need);

			rest->bytes = p->bytes - need;
			rest->next = p->next;
			p->bytes = need;
			*at = rest;
		} else {
			*at = p->next;
		}
		left -= p->bytes;
		return memset(p + 1, 0, p->bytes - sizeof(*p));
	}
	return NULL;
}

static bool touch(const struct piece *a, const struct piece *b)
{
	return a && b && (const u8 *)a + a->bytes == (const u8 *)b;
}

void alloc_free(void *mem)
{
	struct piece *p, *before = NULL, *after = first_free;

	if (!mem)
		return;
	p = (struct piece *)mem - 1;
	left += p->bytes;
	while (after && after < p) {
		before = after;
		after = after->next;
	}
	p->next = after;
	if (before)
		before->next = p;
	else
		first_free = p;
	if (touch(p, after)) {
		p->bytes += after->bytes;
		p->next = after->next;
	}
	if (touch(before, p)) {
		before->bytes += p->bytes;
		before->next = p->next;
	}
}

size_t alloc_left(void)
{
	return left;
}
