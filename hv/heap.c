/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/heap.h"

static void replace(struct heap *h, struct heap_node *old, struct heap_node *new)
{
	struct heap_node *p = old->parent;

	if (!p)
		h->root = new;
	else
		p->child[p->child[1] == old] = new;
	if (new)
		new->parent = p;
}

static void adopt(struct heap_node *p, int d, struct heap_node *c)
{
	p->child[d] = c;
	if (c)
		c->parent = p;
}

/* p leans by two to side d. Returns the subtree's new root; its height fell by one unless that root leans. */
static inline __attribute__((always_inline)) struct heap_node *level_side(struct heap *h, struct heap_node *p,
									  int d)
{
	s8 s = d ? 1 : -1;
	struct heap_node *c = p->child[d], *g;

	if (likely(c->balance != -s)) {
		replace(h, p, c);
		adopt(p, d, c->child[!d]);
		c->child[!d] = p;
		p->parent = c;
		p->balance = c->balance ? 0 : s;
		c->balance = c->balance ? 0 : -s;
		return c;
	}
	g = c->child[!d];
	replace(h, p, g);
	adopt(c, !d, g->child[d]);
	adopt(p, d, g->child[!d]);
	g->child[d] = c;
	c->parent = g;
	g->child[!d] = p;
	p->parent = g;
	p->balance = g->balance == s ? -s : 0;
	c->balance = g->balance == -s ? s : 0;
	g->balance = 0;
	return g;
}

/* Twice, so that the side is a constant in each. */
static struct heap_node *level(struct heap *h, struct heap_node *p, int d)
{
	return d ? level_side(h, p, 1) : level_side(h, p, 0);
}

struct heap_node *heap_next(const struct heap_node *n)
{
	struct heap_node *m = n->child[1];

	if (m) {
		while (m->child[0])
			m = m->child[0];
		return m;
	}
	for (m = n->parent; m && m->child[1] == n; m = m->parent)
		n = m;
	return m;
}

void heap_insert(struct heap *h, struct heap_node *n, u64 key)
{
	struct heap_node *p = h->root, *next;
	int d;

	n->child[0] = n->child[1] = NULL;
	n->key = key;
	n->balance = 0;
	n->queued = true;
	h->count++;
	if (!p) {
		n->parent = NULL;
		h->root = h->first = h->last = n;
		return;
	}
	if (!heap_before(key, h->last->key)) { /* most often: who had its turn goes to the end */
		p = h->last;
		d = 1;
		h->last = n;
	} else {
		if (heap_before(key, h->first->key))
			h->first = n;
		while ((next = p->child[d = !heap_before(key, p->key)]))
			p = next;
	}
	p->child[d] = n;
	n->parent = p;

	for (; !p->balance; d = p->child[1] == n) {
		p->balance = d ? 1 : -1;
		n = p;
		p = p->parent;
		if (!p)
			return;
	}
	if (p->balance == (d ? 1 : -1))
		level(h, p, d);
	else
		p->balance = 0;
}

/* The second in order: where nothing is on the left there is at most one node on the right. */
static struct heap_node *second(const struct heap *h)
{
	return h->first->child[1] ? h->first->child[1] : h->first->parent;
}

void heap_move(struct heap *h, struct heap_node *n, u64 key)
{
	if (h->first == n && (h->count == 1 || heap_before(key, second(h)->key))) {
		n->key = key;
	} else {
		heap_remove(h, n);
		heap_insert(h, n, key);
	}
}

/* Takes a node with two children out: the next in order has its place. *d: on which side of the result it
 * became lower. */
static struct heap_node *remove_inner(struct heap *h, struct heap_node *n, int *d)
{
	struct heap_node *m, *p;

	for (m = n->child[1]; m->child[0];)
		m = m->child[0];
	*d = m->parent == n;
	p = *d ? m : m->parent;
	if (!*d) {
		adopt(p, 0, m->child[1]);
		adopt(m, 1, n->child[1]);
	}
	adopt(m, 0, n->child[0]);
	m->balance = n->balance;
	replace(h, n, m);
	return p;
}

void heap_remove(struct heap *h, struct heap_node *n)
{
	struct heap_node *p = n->parent, *c = n->child[1];
	int d = 0;

	h->count--;
	n->queued = false;
	/* p, d: below p, side d becomes lower by one. */
	if (h->first == n) {
		h->first = c ? c : p;
		if (!p)
			h->root = c;
		else
			p->child[0] = c;
		if (c)
			c->parent = p;
		else if (!p)
			h->last = NULL;
	} else {
		if (h->last == n)
			h->last = n->child[0] ? n->child[0] : p;
		if (c && n->child[0]) {
			p = remove_inner(h, n, &d);
		} else {
			d = p && p->child[1] == n;
			replace(h, n, c ? c : n->child[0]);
		}
	}

	while (p) {
		if (p->balance == (d ? -1 : 1)) {
			p = level(h, p, !d);
			if (p->balance)
				return;
		} else if (p->balance) {
			p->balance = 0;
		} else {
			p->balance = d ? -1 : 1;
			return;
		}
		n = p;
		p = p->parent;
		d = p && p->child[1] == n;
	}
}
