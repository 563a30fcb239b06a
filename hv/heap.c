/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/heap.h"

/* Who stood below p, or at the root, where `old` was: now `new`. */
static void replace(struct heap *h, struct heap_node *p, struct heap_node *old, struct heap_node *new)
{
	if (!p)
		h->root = new;
	else
		p->child[p->child[1] == old] = new;
	if (new)
		new->parent = p;
}

/* n and its parent change places; the order stays. */
static void rotate(struct heap *h, struct heap_node *n)
{
	struct heap_node *p = n->parent;
	int d = p->child[1] == n;

	replace(h, p->parent, p, n);
	replace(h, p, n, n->child[!d]);
	n->child[!d] = p;
	p->parent = n;
}

/* The next on side d in order. */
static struct heap_node *neighbour(const struct heap_node *n, int d)
{
	struct heap_node *m = n->child[d];

	if (m) {
		while (m->child[!d])
			m = m->child[!d];
		return m;
	}
	for (m = n->parent; m && m->child[d] == n; m = m->parent)
		n = m;
	return m;
}

struct heap_node *heap_next(const struct heap_node *n)
{
	return neighbour(n, 1);
}

void heap_insert(struct heap *h, struct heap_node *n, u64 key)
{
	struct heap_node *p = h->last, *next = h->root;

	h->seed = h->seed * 6364136223846793005ull + 1442695040888963407ull;
	*n = (struct heap_node){ .key = key, .rank = (u32)(h->seed >> 32), .queued = true };
	h->count++;
	if (p && heap_before(key, p->key)) {
		for (; next; next = p->child[!heap_before(key, p->key)])
			p = next;
		n->parent = p;
		p->child[!heap_before(key, p->key)] = n;
	} else { /* most often: who had its turn goes to the end */
		n->parent = p;
		if (p)
			p->child[1] = n;
		else
			h->root = n;
		h->last = n;
	}
	if (!h->first || heap_before(key, h->first->key))
		h->first = n;
	while (n->parent && n->parent->rank < n->rank)
		rotate(h, n);
}

void heap_move(struct heap *h, struct heap_node *n, u64 key)
{
	struct heap_node *prev = h->first == n ? NULL : neighbour(n, 0),
			 *next = h->last == n ? NULL : neighbour(n, 1);

	if ((!prev || !heap_before(key, prev->key)) && (!next || heap_before(key, next->key))) {
		n->key = key;
	} else {
		heap_remove(h, n);
		heap_insert(h, n, key);
	}
}

void heap_remove(struct heap *h, struct heap_node *n)
{
	h->count--;
	n->queued = false;
	if (h->first == n)
		h->first = neighbour(n, 1);
	if (h->last == n)
		h->last = neighbour(n, 0);
	while (n->child[0] && n->child[1])
		rotate(h, n->child[n->child[1]->rank > n->child[0]->rank]);
	replace(h, n->parent, n, n->child[0] ? n->child[0] : n->child[1]);
}

void heap_exchange(struct heap *h, struct heap_node *n, u64 key)
{
	struct heap_node *first = h->first;

	if (likely(h->count == 1)) {				       /* two that take turns */
		*n = (struct heap_node){ .key = key, .queued = true }; /* alone, its rank is any */
		first->queued = false;
		h->root = h->first = h->last = n;
		return;
	}
	heap_remove(h, first);
	heap_insert(h, n, key);
}
