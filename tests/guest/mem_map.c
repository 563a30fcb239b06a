/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map of the start info: sorted, apart, as much as was asked for, and every page of it is there,
 * zero, and its own. */
/* create: --memory 96 */
#include "tests/guest/common/memory.h"

void test_main(void)
{
	memory_test(96);
}
