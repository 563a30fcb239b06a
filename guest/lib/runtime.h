/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What start.asm and runtime.c give to each guest of our own, and what each gives them.
 *
 * A guest is its objects with start.o, runtime.o and string.o, linked by guest.ld. It starts in guest_main()
 * in 64-bit mode at CPL 0, interrupts off, memory mapped to itself, every exception leading to guest_trap().
 */
#ifndef GUEST_LIB_RUNTIME_H
#define GUEST_LIB_RUNTIME_H

#include "guest/lib/types.h"

/* The PVH start info (Xen's public interface, "hvm_start_info"). */
struct hvm_start_info {
	u32 magic; /* HVM_START_MAGIC */
	u32 version;
	u32 flags;
	u32 modules;
	u64 modlist;
	u64 cmdline;
	u64 rsdp;
	u64 memmap; /* version 1 on */
	u32 memmap_entries;
	u32 reserved;
};
_Static_assert(sizeof(struct hvm_start_info) == 56, "Xen: hvm_start_info");
struct hvm_memmap {
	u64 addr, size;
	u32 type; /* 1: RAM */
	u32 reserved;
};
_Static_assert(sizeof(struct hvm_memmap) == 24, "Xen: hvm_memmap_table_entry");
#define HVM_START_MAGIC 0x336ec578u

/* What trap_common of start.asm leaves on the stack. */
struct guest_trap {
	u64 rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct guest_trap) == 22 * 8, "start.asm: trap_common");

/* ---- given by the guest ---- */
int guest_main(const struct hvm_start_info *si); /* returning ends the guest with that code */

/* ---- given by runtime.c as weak functions that the guest may replace ---- */
/* Text for whoever looks: by default to the 16550 at 0x3f8. */
void guest_write(const char *text, size_t n);
/* Ends the guest: by default with its code to port 0xf4. */
void __attribute__((noreturn)) guest_exit(u32 code);
/* An exception or interrupt: true when it was handled and the guest goes on. The default says false, and then
 * the registers are printed and the guest ends with code 0x100 + vector. */
bool guest_trap(struct guest_trap *t);

/* ---- given by runtime.c ---- */
void guest_printf(const char *fmt, ...) __printf(1, 2); /* at most 512 bytes */
/* Page protection in the first 2 MiB:
 * what start.asm made of them is too strict for a test that writes code. */
#define GUEST_R 0u
#define GUEST_W 1u
#define GUEST_X 2u
void guest_protect(u64 at, u64 bytes, u32 prot);
const char *guest_cmdline(void); /* never NULL */
u64 guest_ram_end(void);	 /* end of the RAM region that starts at 1 MiB */

extern u8 guest_is_amd;
extern u64 guest_pml4, guest_pt0; /* the tables that start.asm made */
extern const struct hvm_start_info *guest_start_info;
extern u8 image_end[]; /* guest.ld: the first byte after us */

/* ---- instructions ---- */
static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (u64)hi << 32;
}
static inline void cpuid(u32 leaf, u32 sub, u32 out[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(sub));
}
static inline void outb(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}
static inline u8 inb(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline void outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}
static inline u32 inl(u16 port)
{
	u32 v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (u64)hi << 32;
}
static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

#endif
