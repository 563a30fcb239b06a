/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The images that domains are made from: the boot modules. A module's command line is its name and its
 * default arguments; one whose name is `initrd=NAME` is the initrd of image NAME. Module 0 is ourselves.
 */
#ifndef CONTROL_IMAGES_H
#define CONTROL_IMAGES_H

#include "guest/lib/types.h"

struct image {
	u32 index; /* of the module */
	u64 bytes;
	char *name;
	const char *args; /* behind the name */
	struct image *initrd;
	bool is_initrd;
	u32 copies;	    /* domains named after it with a number */
	const void *mapped; /* NULL: the hypervisor refused ... */
	s64 map_error;	    /* ... and this is why */
};

void images_init(void);
u32 images_count(void); /* initrds too */
struct image *images_at(u32 i);
/* By name; initrds are not found. */
struct image *images_find(const char *name);
/* The bytes; NULL with a line in err when they could not be mapped. */
const void *image_bytes(const struct image *m, char *err, size_t err_size);

#endif
