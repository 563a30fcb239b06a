/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ordered tree whose least element is at hand: the one structure behind timers and run queues. Intrusive:
 * the node lives in what it orders, nothing is allocated. The tree is a treap: a node stands above those of
 * lower rank, and ranks are drawn when nodes are inserted, so it is as low as one built in random order,
 * whatever the keys are. Insert and remove are O(log n), on either end O(1); the first element is O(1).
 *
 * Keys are points on a 64-bit clock and compare by signed difference, so a clock may wrap as long as the keys
 * of one tree lie within 2^63 of each other. Equal keys keep the order of insertion.
 *
 * Context of every function: any; the caller holds whatever lock protects the tree.
 */
#ifndef HV_HEAP_H
#define HV_HEAP_H

#include "hv/types.h"

struct heap_node {
	struct heap_node *parent, *child[2];
	u64 key;
	u32 rank;    /* random; none above it has less */
	bool queued; /* in a tree */
};

struct heap {
	struct heap_node *root, *first, *last;
	u64 seed; /* of the ranks */
	u32 count;
};

static inline bool heap_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* The node with the least key; NULL: the tree is empty. */
static inline struct heap_node *heap_first(const struct heap *h)
{
	return h->first;
}

/* The node after n in order, NULL after the last. O(log n), O(1) over a whole walk. */
struct heap_node *heap_next(const struct heap_node *n);

/* Puts n into the tree under `key`. n is in no tree. */
void heap_insert(struct heap *h, struct heap_node *n, u64 key);

/* Gives n, which is in this tree, another key. Cheap when it keeps its place. */
void heap_move(struct heap *h, struct heap_node *n, u64 key);

/* The first goes out, n, which is in no tree, goes in. */
void heap_exchange(struct heap *h, struct heap_node *n, u64 key);

/* Takes n out. n is in this tree. */
void heap_remove(struct heap *h, struct heap_node *n);

#endif
