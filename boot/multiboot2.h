/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot loader's information, Multiboot2 specification, "Boot information format". (T)
 */
#ifndef BOOT_MULTIBOOT2_H
#define BOOT_MULTIBOOT2_H

#include "hv/bootinfo.h"

/* Fills *bi (zeroed but for tsc) from the structure at mbi, of which `readable` bytes may be looked at. NULL,
 * or a sentence that says what is wrong with it. Copies everything; keeps no pointer. */
const char *multiboot2_parse(const void *mbi, size_t readable, struct bootinfo *bi);

#endif
