/* SPDX-License-Identifier: BSD-2-Clause */
/* The same with memory that is given at first touch. */
/* create: --lazy --memory 96 */
#include "tests/guest/common/memory.h"

void test_main(void)
{
	memory_test(96);
}
