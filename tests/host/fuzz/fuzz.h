/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz targets: each file of this folder but main.c is one, LLVMFuzzerTestOneInput() of libFuzzer. With clang
 * scripts/fuzz links them to libFuzzer; the suite links them to main.c, which feeds them the corpus.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "hv/types.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif
