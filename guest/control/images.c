/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The images that domains are made from.
 */
#include "guest/control/images.h"

#include "guest/control/alloc.h"
#include "guest/control/errors.h"
#include "guest/control/layout.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

#define INITRD	   "initrd="
#define IMAGES_MAX 256u

static struct image *image[IMAGES_MAX];
static u32 images;
static u64 next_window = LAYOUT_MODULES;

/* Splits the command line: the name ends at the first blank, the arguments follow the blanks. */
static struct image *image_new(u32 index, const struct caisson_module *info)
{
	size_t n = strnlen(info->cmdline, sizeof(info->cmdline) - 1);
	struct image *m = alloc(sizeof(*m) + n + 1);
	char *s;

	if (!m)
		return NULL;
	m->index = index;
	m->bytes = info->bytes;
	m->name = s = (char *)(m + 1);
	memcpy(s, info->cmdline, n);
	while (*s && *s != ' ')
		s++;
	while (*s == ' ')
		*s++ = 0;
	m->args = s;
	if (!strncmp(m->name, INITRD, strlen(INITRD))) {
		m->is_initrd = true;
		m->name += strlen(INITRD);
	}
	return m;
}

/* All at once and side by side:
 * what a later `create` takes of the hypervisor's memory is then the domain's alone. */
static void image_map(struct image *m)
{
	u64 pages = ALIGN_UP(m->bytes, PAGE_SIZE) / PAGE_SIZE, at = next_window, done = 0;

	if (pages > (LAYOUT_MODULES_END - at) / PAGE_SIZE) {
		m->map_error = -CAISSON_ENOSPC;
		return;
	}
	next_window += pages * PAGE_SIZE;
	while (done < pages) {
		s64 r = hc_module_map(m->index, at + done * PAGE_SIZE, done, pages - done);

		if (r <= 0) {
			m->map_error = r;
			return;
		}
		done += (u64)r;
	}
	m->mapped = layout_ptr(at);
}

void images_init(void)
{
	static struct caisson_module info;

	for (u32 i = 1; images < IMAGES_MAX && !hc_module_info(i, &info); i++) {
		image[images] = image_new(i, &info);
		if (!image[images])
			break;
		image_map(image[images++]);
	}
	for (u32 i = 0; i < images; i++) {
		struct image *of = image[i]->is_initrd ? images_find(image[i]->name) : NULL;

		if (of && !of->initrd)
			of->initrd = image[i];
	}
}

u32 images_count(void)
{
	return images;
}

struct image *images_at(u32 i)
{
	return i < images ? image[i] : NULL;
}

struct image *images_find(const char *name)
{
	for (u32 i = 0; i < images; i++)
		if (!image[i]->is_initrd && !strcmp(image[i]->name, name))
			return image[i];
	return NULL;
}

const void *image_bytes(const struct image *m, char *err, size_t err_size)
{
	if (!m->mapped)
		snprintf(err, err_size, "image %s is not mapped: %s", m->name, error_name(m->map_error));
	return m->mapped;
}
