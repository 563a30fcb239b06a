/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few keys of QEMU's firmware configuration device that test kernels read (T).
 */
#include "guest/control/dev/fwcfg.h"

#include "guest/lib/string.h"

#define KEY_SIGNATURE 0x00
#define KEY_ID	      0x01
#define KEY_RAM_SIZE  0x03
#define KEY_NB_CPUS   0x05
#define KEY_MAX_CPUS  0x0f
#define KEY_MAX_RAM   0x11 /* of kvm-unit-tests: 0 is no limit */

#define ID_TRADITIONAL 1 /* bit 1 would be the DMA interface */

void fwcfg_init(struct fwcfg *f, u64 memory, unsigned vcpus)
{
	*f = (struct fwcfg){ .memory = memory, .vcpus = (u16)vcpus };
}

/* Byte `at` of the selected item;
 * behind its end, and for keys that are not there, 0, as the device's text says. */
static u8 item_byte(const struct fwcfg *f)
{
	u64 v = 0;

	switch (f->selector) {
	case KEY_SIGNATURE:
		return f->at < 4 ? (u8) "QEMU"[f->at] : 0;
	case KEY_ID:
		v = ID_TRADITIONAL;
		break;
	case KEY_RAM_SIZE:
		v = f->memory;
		break;
	case KEY_NB_CPUS:
	case KEY_MAX_CPUS:
		v = f->vcpus;
		break;
	case KEY_MAX_RAM:
	default:
		break;
	}
	return f->at < 8 ? (u8)(v >> 8 * f->at) : 0;
}

u32 fwcfg_read(struct fwcfg *f, unsigned offset, unsigned size)
{
	u32 v;

	if (offset != 1)
		return (u32)dev_mask(size);
	v = ((u32)dev_mask(size) & ~0xffu) | item_byte(f);
	if (f->at < UINT32_MAX)
		f->at++;
	return v;
}

void fwcfg_write(struct fwcfg *f, unsigned offset, unsigned size, u32 value)
{
	if (offset == 0 && size == 2) {
		f->selector = (u16)value;
		f->at = 0;
	}
}
