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

/* The child on side d takes its parent's place. */
static void rotate(struct heap *h, struct heap_node *p, int d)
{
	struct heap_node *c = p->child[d];

	replace(h, p, c);
	p->child[d] = c->child[!d];
	if (p->child[d])
		p->child[d]->parent = p;
	c->child[!d] = p;
	p->parent = c;
}

/* p leans by two. Returns the subtree's new root; its height fell by one unless that root leans. */
static struct heap_node *level(struct heap *h, struct heap_node *p)
{
	int d = p->balance > 0;
	s8 s = d ? 1 : -1;
	struct heap_node *c = p->child[d], *g;

	if (c->balance != -s) {
		rotate(h, p, d);
		p->balance = c->balance ? 0 : s;
		c->balance = c->balance ? 0 : -s;
		return c;
	}
	g = c->child[!d];
	rotate(h, c, !d);
	rotate(h, p, d);
	p->balance = g->balance == s ? -s : 0;
	c->balance = g->balance == -s ? s : 0;
	g->balance = 0;
	return g;
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
		h->root = h->first = n;
		return;
	}
	if (heap_before(key, h->first->key))
		h->first = n;
	while ((next = p->child[d = !heap_before(key, p->key)]))
		p = next;
	p->child[d] = n;
	n->parent = p;

	for (;;) {
		p->balance += d ? 1 : -1;
		if (!p->balance)
			return;
		if (unlikely(p->balance == 2 || p->balance == -2)) {
			level(h, p);
			return;
		}
		n = p;
		p = p->parent;
		if (!p)
			return;
		d = p->child[1] == n;
	}
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

void heap_remove(struct heap *h, struct heap_node *n)
{
	struct heap_node *p, *m;
	int d;

	if (h->first == n)
		h->first = second(h);
	h->count--;
	n->queued = false;

	/* p, d: below p, side d becomes lower by one. */
	if (n->child[0] && n->child[1]) {
		for (m = n->child[1]; m->child[0];)
			m = m->child[0];
		d = m->parent == n;
		p = d ? m : m->parent;
		if (!d) {
			p->child[0] = m->child[1];
			if (m->child[1])
				m->child[1]->parent = p;
			m->child[1] = n->child[1];
			m->child[1]->parent = m;
		}
		m->child[0] = n->child[0];
		m->child[0]->parent = m;
		m->balance = n->balance;
		replace(h, n, m);
	} else {
		p = n->parent;
		d = p && p->child[1] == n;
		replace(h, n, n->child[n->child[1] != NULL]);
	}

	while (p) {
		p->balance += d ? -1 : 1;
		if (p->balance == 2 || p->balance == -2)
			p = level(h, p);
		if (p->balance)
			return;
		d = p->parent && p->parent->child[1] == p;
		p = p->parent;
	}
}
