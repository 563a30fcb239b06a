/* SPDX-License-Identifier: BSD-2-Clause */
/* The ordered tree against a plain list: order, first, next, height, ties, clocks that wrap. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "hv/heap.h"

static u32 seen;

/* Height of a subtree; checks parents, ranks and order inside it. */
static int check(const struct heap_node *n, const struct heap_node *parent)
{
	int l, r;

	if (!n)
		return 0;
	seen++;
	assert_ptr_equal(n->parent, parent);
	assert_true(n->queued);
	if (n->child[0])
		assert_false(heap_before(n->key, n->child[0]->key));
	if (n->child[1])
		assert_false(heap_before(n->child[1]->key, n->key));
	l = check(n->child[0], n);
	r = check(n->child[1], n);
	assert_true(!parent || parent->rank >= n->rank);
	return 1 + (l > r ? l : r);
}

static int check_all(const struct heap *h)
{
	const struct heap_node *n, *last = NULL;
	int height;
	u32 count = 0;

	seen = 0;
	height = check(h->root, NULL);
	assert_int_equal(seen, h->count);
	for (n = heap_first(h); n; n = heap_next(n)) {
		assert_true(!last || !heap_before(n->key, last->key));
		last = n;
		count++;
	}
	assert_int_equal(count, h->count);
	assert_ptr_equal(h->count ? h->last : NULL, last);
	return height;
}

static void random_against_model(void **state)
{
	enum { N = 300 };
	static struct heap_node node[N];
	struct heap h = { 0 };
	u64 base = 0xfffffffffffff000; /* wraps in the middle */

	(void)state;
	srand(1);
	for (int i = 0; i < N; i++)
		node[i] = (struct heap_node){ 0 };
	for (int step = 0; step < 60000; step++) {
		int i = rand() % N;
		u64 least = 0;
		bool any = false;

		if (node[i].queued && rand() % 2)
			heap_move(&h, rand() % 4 ? &node[i] : heap_first(&h), base + (u64)(rand() % 8192));
		else if (node[i].queued)
			heap_remove(&h, &node[i]);
		else
			heap_insert(&h, &node[i], base + (u64)(rand() % 8192));
		for (int k = 0; k < N; k++)
			if (node[k].queued && (!any || heap_before(node[k].key, least))) {
				least = node[k].key;
				any = true;
			}
		assert_int_equal(any, heap_first(&h) != NULL);
		if (any)
			assert_int_equal(heap_first(&h)->key, least);
		if (step % 16 == 0)
			check_all(&h);
	}
}

static void sorted_input_stays_low(void **state)
{
	enum { N = 1023 };
	static struct heap_node node[N];
	struct heap h = { 0 };

	(void)state;
	for (int i = 0; i < N; i++)
		heap_insert(&h, &node[i], (u64)i);
	assert_in_range(check_all(&h), 10, 30); /* log2 is 10; expected about 20 */
	for (int i = 0; i < N; i++) {
		assert_ptr_equal(heap_first(&h), &node[i]);
		heap_remove(&h, &node[i]);
		assert_false(node[i].queued);
	}
	assert_null(heap_first(&h));
	assert_null(h.root);
}

static void ties_keep_their_order(void **state)
{
	static struct heap_node node[64];
	struct heap h = { 0 };

	(void)state;
	for (int i = 0; i < 64; i++)
		heap_insert(&h, &node[i], (u64)(i % 2));
	for (int i = 0; i < 64; i++) {
		int want = i < 32 ? 2 * i : 2 * (i - 32) + 1;

		assert_ptr_equal(heap_first(&h), &node[want]);
		heap_remove(&h, &node[want]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_against_model),
		cmocka_unit_test(sorted_input_stays_low),
		cmocka_unit_test(ties_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
