/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports and device registers.  Any context.
 */
#ifndef DRIVERS_IO_H
#define DRIVERS_IO_H

#include "hv/types.h"

#define DEFINE_PORT(bits)                                                         \
	static inline u##bits in##bits(u16 port)                                  \
	{                                                                         \
		u##bits v;                                                        \
		__asm__ volatile("in %1, %0" : "=a"(v) : "Nd"(port) : "memory");  \
		return v;                                                         \
	}                                                                         \
	static inline void out##bits(u16 port, u##bits v)                         \
	{                                                                         \
		__asm__ volatile("out %0, %1" : : "a"(v), "Nd"(port) : "memory"); \
	}
DEFINE_PORT(8)
DEFINE_PORT(16)
DEFINE_PORT(32)
#undef DEFINE_PORT

#define DEFINE_MMIO(bits)                                                               \
	static inline u##bits mmio_read##bits(const volatile void *base, u32 offset)    \
	{                                                                               \
		return *(const volatile u##bits *)((const volatile u8 *)base + offset); \
	}                                                                               \
	static inline void mmio_write##bits(volatile void *base, u32 offset, u##bits v) \
	{                                                                               \
		*(volatile u##bits *)((volatile u8 *)base + offset) = v;                \
	}
DEFINE_MMIO(8)
DEFINE_MMIO(32)
#undef DEFINE_MMIO

#endif
