/* SPDX-License-Identifier: BSD-2-Clause */
/* Accesses to devices, instruction by instruction:
 * who is asked what, what becomes of the answer, and of what cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "hv/ioreq.h"
#include "hv/rights.h"
#include "tests/host/fake_asm.h"
#include "tests/host/guest_cpu.h"

#define P    PAGE_SIZE
#define CODE 0x8000ull
/* Addresses of the guest's, by 2 MiB:
 * RAM, the APIC, the I/O APIC, a device, nothing, no page, tables that are nowhere. */
#define APIC	0x200000ull
#define IOAPIC	0x400000ull
#define DEV	0x600000ull
#define VOID_	0x800000ull
#define ABSENT	0xa00000ull
#define LOST	0xc00000ull
#define DEV_AT	0x10000000ull
#define VOID_AT 0x20000000ull

static struct domain model;
static struct caisson_ring ring;
static u8 port_read, port_written;
static u32 port_reads, port_writes;

u8 in8(u16 port)
{
	assert_in_range(port, 0x2f8, 0x2ff);
	port_reads++;
	return port_read;
}

void out8(u16 port, u8 v)
{
	assert_in_range(port, 0x2f8, 0x2ff);
	port_writes++;
	port_written = v;
}

static int setup(void **state)
{
	(void)state;
	guest_reset();
	memset(&ring, 0, sizeof(ring));
	memset(&model, 0, sizeof(model));
	port_reads = port_writes = 0;
	guest.cr[3] = 0x1000;
	guest_put(0x1000, 0x2007, 8);
	guest_put(0x2000, 0x3007, 8);
	guest_put(0x3000, 0x87, 8);
	guest_put(0x3008, 0xfee00087, 8);
	guest_put(0x3010, 0xfec00087, 8);
	guest_put(0x3018, DEV_AT | 0x87, 8);
	guest_put(0x3020, VOID_AT | 0x87, 8);
	guest_put(0x3030, 0x50000007, 8);
	dom->hv.posted.ring = &ring;
	assert_int_equal(bus_claim(&dom->hv.bus, CAISSON_IO_MMIO, DEV_AT, P, &model, 0), 0);
	assert_int_equal(
		bus_claim(&dom->hv.bus, CAISSON_IO_MMIO, DEV_AT + P, P, &model, CAISSON_CLAIM_POSTED), 0);
	assert_int_equal(bus_claim(&dom->hv.bus, CAISSON_IO_PORT, 0x3f8, 8, &model, 0), 0);
	assert_int_equal(bus_claim(&dom->hv.bus, CAISSON_IO_PORT, 0x500, 8, &model, CAISSON_CLAIM_POSTED), 0);
	return 0;
}

static void code(const char *bytes, u32 n)
{
	memcpy(guest.ram + CODE, bytes, n);
	guest.rip = vcpu->exit_rip = CODE;
	guest.advanced = 0;
	guest.injected = -1;
	guest.asked = 0;
	vcpu->hv.pending = 0;
}

/* An instruction's access to gva, which exited at gpa: does the vCPU go on at once? */
#define INSN(bytes, gva, gpa, w) insn(bytes, sizeof(bytes) - 1, gva, gpa, w)
static bool insn(const char *bytes, u32 n, u64 gva, u64 gpa, bool write)
{
	code(bytes, n);
	return exit_handle(
		vcpu,
		&(struct vm_exit){ .kind = EXIT_NPF,
				   .npf = { .gpa = gpa, .gva = gva, .gva_valid = true, .write = write } });
}

static bool answer(u64 data)
{
	vcpu->hv.io_data = data;
	vcpu->hv.pending |= PEND_IO;
	guest.asked = 0;
	return exit_pending(vcpu);
}

static bool port(u16 number, u8 size, bool in)
{
	code("\x90", 1);
	return exit_handle(vcpu, &(struct vm_exit){ .kind = EXIT_IO,
						    .insn_len = 1,
						    .io = { .port = number, .size = size, .in = in } });
}

static void ports(void **state)
{
	(void)state;
	/* nobody: ones, into as much of RAX as was asked for */
	for (u32 size = 1; size <= 4; size *= 2) {
		vcpu->regs[RAX] = 0x1122334455667700;
		assert_true(port(0x80, (u8)size, true));
		assert_int_equal(vcpu->regs[RAX], size == 4   ? 0xffffffff
						  : size == 2 ? 0x112233445566ffff
							      : 0x11223344556677ff);
		assert_true(port(0x80, (u8)size, false));
	}
	assert_int_equal(dom->hv.nothing, 6);
	assert_int_equal(guest.advanced, 1);
	/* a device model is asked, and its answer is put there */
	vcpu->regs[RAX] = 0x1122334455667700;
	assert_false(port(0x3fa, 1, true));
	assert_int_equal(guest.asked, 1);
	assert_int_equal(guest.addr, 0x3fa);
	assert_int_equal(guest.data, 0);
	assert_int_equal(guest.what, ioreq_what(CAISSON_IO_PORT, 1));
	assert_int_equal(guest.advanced, 0);
	assert_true(answer(0xabcd));
	assert_int_equal(vcpu->regs[RAX], 0x11223344556677cd);
	assert_int_equal(guest.advanced, 1);
	vcpu->regs[RAX] = 0x1122334455667788;
	assert_false(port(0x3f8, 2, false));
	assert_int_equal(guest.data, 0x7788);
	assert_int_equal(guest.what, ioreq_what(CAISSON_IO_PORT, 2) | IOREQ_WRITE);
	assert_true(answer(0));
	assert_int_equal(vcpu->regs[RAX], 0x1122334455667788);
	/* posted: goes on at once, while there is room; a read waits */
	for (u32 i = 0; i < CAISSON_RING; i++)
		assert_true(port(0x500, 1, false));
	assert_int_equal(ring.head, CAISSON_RING);
	assert_int_equal(ring.entry[0].data, 0x88);
	assert_int_equal(guest.posted, 1);
	assert_false(port(0x500, 1, false));
	assert_true(answer(0));
	assert_false(port(0x500, 1, true));
	/* the second serial line is who drives the machine's */
	for (u32 right = 0; right < 2; right++) {
		dom->hv.rights.machine = right ? RIGHT_CONSOLE : 0;
		port_read = 0x5a;
		vcpu->regs[RAX] = 0x77;
		assert_true(port(0x2f8, 1, false));
		assert_true(port(0x2ff, 1, true));
		assert_int_equal(vcpu->regs[RAX], right ? 0x5a : 0xff);
		assert_true(port(0x2f8, 2, true));
		assert_true(port(0x300, 1, true));
		assert_int_equal(port_reads, right);
		assert_int_equal(port_writes, right);
	}
	assert_int_equal(port_written, 0x77);
}

static void moves(void **state)
{
	(void)state;
	vcpu->regs[RBX] = DEV + 0x10;
	vcpu->regs[RAX] = 0x1122334455667788;
	assert_false(INSN("\x8b\x03", DEV + 0x10, DEV_AT + 0x10, false)); /* mov eax, [rbx] */
	assert_int_equal(guest.asked, 1);
	assert_int_equal(guest.addr, DEV_AT + 0x10);
	assert_int_equal(guest.what, ioreq_what(CAISSON_IO_MMIO, 4));
	assert_true(answer(0xffffffffdeadbeef));
	assert_int_equal(vcpu->regs[RAX], 0xdeadbeef);
	assert_int_equal(guest.advanced, 2);
	assert_false(INSN("\x48\x89\x03", DEV + 0x10, DEV_AT + 0x10, true)); /* mov [rbx], rax */
	assert_int_equal(guest.data, 0xdeadbeef);
	assert_int_equal(guest.what, ioreq_what(CAISSON_IO_MMIO, 8) | IOREQ_WRITE);
	assert_true(answer(0));
	/* or dword [rbx], 1: a read, then a write of what was read */
	assert_false(INSN("\x83\x0b\x01", DEV + 0x10, DEV_AT + 0x10, true));
	assert_int_equal(guest.what, ioreq_what(CAISSON_IO_MMIO, 4));
	assert_false(answer(0x40));
	assert_int_equal(guest.asked, 1);
	assert_int_equal(guest.data, 0x41);
	assert_int_equal(guest.what, ioreq_what(CAISSON_IO_MMIO, 4) | IOREQ_WRITE);
	assert_int_equal(guest.advanced, 0);
	assert_true(answer(0));
	assert_int_equal(guest.advanced, 3);
	/* posted, until the ring is full */
	vcpu->regs[RBX] = DEV + P;
	assert_true(INSN("\x88\x03", DEV + P, DEV_AT + P, true));
	assert_int_equal(ring.entry[0].addr, DEV_AT + P);
	assert_int_equal(ring.entry[0].size, 1);
	assert_int_equal(ring.entry[0].rip, CODE);
	ring.tail = ring.head - CAISSON_RING;
	assert_false(INSN("\x88\x03", DEV + P, DEV_AT + P, true));
	assert_true(answer(0));
	/* nothing: ones, and writes drop */
	vcpu->regs[RBX] = VOID_;
	dom->hv.nothing = 0;
	assert_true(INSN("\x48\x8b\x03", VOID_, VOID_AT, false));
	assert_int_equal(vcpu->regs[RAX], ~0ull);
	assert_true(INSN("\x88\x03", VOID_, VOID_AT, true));
	assert_int_equal(dom->hv.nothing, 2);
	assert_int_equal(guest.asked, 0);
	/* without the access's own address the tables are walked */
	code("\x8b\x03", 2);
	assert_true(exit_handle(vcpu, &(struct vm_exit){ .kind = EXIT_NPF, .npf = { .gpa = VOID_AT } }));
	assert_int_equal(vcpu->regs[RAX], 0xffffffff);
}

static void the_controllers(void **state)
{
	(void)state;
	vcpu->regs[RBX] = APIC + 0x80;
	vcpu->regs[RAX] = 0x50;
	assert_true(INSN("\x89\x03", APIC + 0x80, 0xfee00080, true));
	assert_int_equal(vlapic_tpr(&vcpu->apic), 0x50);
	vcpu->regs[RAX] = 0;
	assert_true(INSN("\x8b\x03", APIC + 0x80, 0xfee00080, false));
	assert_int_equal(vcpu->regs[RAX], 0x50);
	vcpu->regs[RBX] = IOAPIC;
	vcpu->regs[RAX] = 1; /* the version */
	vcpu->apicv = true;
	assert_true(INSN("\x89\x03", IOAPIC, 0xfec00000, true));
	assert_true(vcpu->eoi_due); /* the processor is told what it waits for */
	assert_int_equal(vcpu->hv.pending & PEND_ARCH, PEND_ARCH);
	/* before an interrupt comes of it, on whatever CPU */
	vioapic_set_line(&dom->ioapic, 3, true);
	vcpu->eoi_due = false;
	vcpu->regs[RAX] = 0x16;
	assert_true(INSN("\x89\x03", IOAPIC, 0xfec00000, true));
	vcpu->eoi_due = false;
	vcpu->regs[RBX] = IOAPIC + 0x10;
	vcpu->regs[RAX] = BIT(15) | 0x41;
	assert_true(INSN("\x89\x03", IOAPIC + 0x10, 0xfec00010, true));
	assert_true(guest.told);
	vcpu->regs[RBX] = IOAPIC;
	vcpu->regs[RAX] = 1;
	assert_true(INSN("\x89\x03", IOAPIC, 0xfec00000, true));
	vcpu->apicv = vcpu->eoi_due = false;
	vcpu->regs[RBX] = IOAPIC + 0x10;
	assert_true(INSN("\x8b\x03", IOAPIC + 0x10, 0xfec00010, false));
	assert_int_equal(vcpu->regs[RAX] >> 16, 23);
	vcpu->regs[RBX] = IOAPIC;
	assert_true(INSN("\x89\x03", IOAPIC, 0xfec00000, true));
	assert_false(vcpu->eoi_due);
	assert_int_equal(guest.asked, 0);
}

/* ROM: reads are done, writes are dropped; also the two halves of one instruction. */
static void rom(void **state)
{
	(void)state;
	guest.page[0x20] = ROM;
	guest_put(0x20010, 0x1234, 4);
	vcpu->regs[RBX] = 0x20010;
	vcpu->regs[RAX] = 7;
	assert_true(INSN("\x89\x03", 0x20010, 0x20010, true));
	assert_int_equal(guest_get(0x20010, 4), 0x1234);
	assert_int_equal(guest.advanced, 2);
	assert_true(INSN("\x83\x0b\x01", 0x20010, 0x20010, true));
	assert_int_equal(guest_get(0x20010, 4), 0x1234);
	assert_int_equal(guest.advanced, 3);
}

static void strings_of_memory(void **state)
{
	(void)state;
	/* rep movsb from a device into RAM, an element an exit */
	vcpu->regs[RSI] = DEV;
	vcpu->regs[RDI] = 0x20000;
	vcpu->regs[RCX] = 2;
	assert_false(INSN("\xf3\xa4", DEV, DEV_AT, false));
	assert_true(answer(0x41));
	assert_int_equal(guest_get(0x20000, 1), 0x41);
	assert_int_equal(vcpu->regs[RCX], 1);
	assert_int_equal(vcpu->regs[RSI], DEV + 1);
	assert_int_equal(guest.advanced, 0); /* it comes again */
	assert_false(INSN("\xf3\xa4", DEV + 1, DEV_AT + 1, false));
	assert_true(answer(0x42));
	assert_int_equal(guest_get(0x20000, 2), 0x4241);
	assert_int_equal(guest.advanced, 2);
	assert_true(INSN("\xf3\xa4", DEV + 1, DEV_AT + 1, false)); /* RCX is 0: nothing to do */
	assert_int_equal(guest.advanced, 2);
	assert_int_equal(guest.asked, 0);
	/* from one device to another; into RAM across two pages; compared */
	vcpu->regs[RSI] = DEV;
	vcpu->regs[RDI] = DEV + 0x20;
	assert_false(INSN("\xa5", DEV, DEV_AT, false));
	assert_false(answer(0x11223344));
	assert_int_equal(guest.addr, DEV_AT + 0x20);
	assert_int_equal(guest.data, 0x11223344);
	assert_true(answer(0));
	vcpu->regs[RSI] = DEV;
	vcpu->regs[RDI] = 0x20ffe;
	assert_false(INSN("\xa5", DEV, DEV_AT, false));
	assert_true(answer(0x55667788));
	assert_int_equal(guest_get(0x20ffe, 4), 0x55667788);
	vcpu->regs[RSI] = 0x20ffe;
	vcpu->regs[RDI] = DEV;
	assert_false(INSN("\xa7", DEV, DEV_AT, false)); /* cmpsd */
	assert_true(answer(0x55667788));
	assert_true(guest.rflags & BIT(6)); /* equal */
	/* stosd */
	vcpu->regs[RAX] = 0x99;
	vcpu->regs[RDI] = DEV;
	assert_false(INSN("\xab", DEV, DEV_AT, true));
	assert_int_equal(guest.data, 0x99);
	assert_true(answer(0));
	/* where it cannot be written: #PF, from where it stands */
	vcpu->regs[RSI] = DEV;
	vcpu->regs[RDI] = ABSENT;
	guest.cpl = 3;
	assert_false(INSN("\xa4", DEV, DEV_AT, false));
	assert_true(answer(1));
	assert_int_equal(guest.injected, X86_PF);
	assert_int_equal(guest.error, PF_WRITE | PF_USER);
	assert_int_equal(fake_cr2, ABSENT);
	assert_int_equal(guest.advanced, 0);
	guest.cpl = 0;
	/* the second half of one that crosses into such a page */
	vcpu->regs[RSI] = DEV;
	vcpu->regs[RDI] = ABSENT - 2;
	guest_put(0x3020, 0x87, 8); /* RAM there, seen again */
	vcpu->regs[RDI] = 0xa00000 - 2;
	assert_false(INSN("\xa5", DEV, DEV_AT, false));
	assert_true(answer(1));
	assert_int_equal(guest.injected, X86_PF);
	assert_int_equal(fake_cr2, 0xa00000);
}

/* What cannot be carried out ends the domain with a sentence, not with a guess. */
static void ends(void **state)
{
	static const struct {
		const char *bytes;
		u32 n;
		u64 gva, gpa;
		bool fetch, walk, no_memory, write;
		const char *why;
	} t[] = {
		{ "\x8b\x03", 2, VOID_, VOID_AT, true, false, false, false,
		  "code is fetched from where no RAM is" },
		{ "\x8b\x03", 2, VOID_, VOID_AT, false, true, false, false,
		  "page tables lie where no RAM is" },
		{ "\x8b\x03", 2, VOID_, VOID_AT, false, false, true, false,
		  "no memory for a page that was promised" },
		{ "\x06\x03", 2, DEV, DEV_AT, false, false, false, false,
		  "an instruction that is not known reaches a device" },
		{ "\x90", 1, DEV, DEV_AT, false, false, false, false,
		  "an instruction that cannot be carried out" },
		{ "\x48\x8b\x03", 3, DEV + P - 4, DEV_AT + P - 4, false, false, false, false,
		  "crosses a page" },
		{ "\x48\x89\x03", 3, DEV + P - 4, DEV_AT + P - 4, false, false, false, true,
		  "crosses a page" },
		{ "\xa4", 1, DEV, DEV_AT, false, false, false, false, NULL }, /* its tables are nowhere */
	};

	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		setup(state);
		vcpu->regs[RBX] = t[i].gva;
		vcpu->regs[RSI] = t[i].gva;
		vcpu->regs[RDI] = LOST;
		guest.no_memory = t[i].no_memory;
		code(t[i].bytes, t[i].n);
		assert_false(exit_handle(vcpu, &(struct vm_exit){ .kind = EXIT_NPF,
								  .npf = { .gpa = t[i].gpa,
									   .gva = t[i].gva,
									   .gva_valid = true,
									   .write = t[i].write,
									   .fetch = t[i].fetch,
									   .walk = t[i].walk } }));
		if (!t[i].why) {
			assert_int_equal(dom->hv.ended, 0);
			assert_false(answer(1));
		}
		assert_int_equal(dom->hv.ended, CAISSON_END_CRASH);
		assert_non_null(strstr(guest.why, t[i].why ? t[i].why : "page tables lie where no RAM is"));
		assert_int_equal(guest.advanced, 0);
	}
	/* but the hole of PCs reads as nothing, once for a page */
	setup(state);
	guest.hole = true;
	assert_true(INSN("\x8b\x03", VOID_, VOID_AT, false));
	assert_int_equal(guest.advanced, 0); /* it is read again, from the page */
	assert_int_equal(dom->hv.nothing, 1);
	/* and RAM that is there by now is no device */
	assert_true(INSN("\x8b\x03", 0x9000, 0x9000, false));
	assert_int_equal(guest.advanced, 0);
}

static bool string_io(const char *bytes, u32 n, u16 number)
{
	code(bytes, n);
	return exit_handle(vcpu,
			   &(struct vm_exit){ .kind = EXIT_IO, .io = { .port = number, .string = true } });
}

static void strings_of_ports(void **state)
{
	(void)state;
	/* rep outsb: an element each */
	memcpy(guest.ram + 0x20000, "hi", 2);
	vcpu->regs[RSI] = 0x20000;
	vcpu->regs[RCX] = 2;
	vcpu->regs[RDX] = 0x3f8;
	assert_false(string_io("\xf3\x6e", 2, 0x3f8));
	assert_int_equal(guest.data, 'h');
	assert_int_equal(guest.what, ioreq_what(CAISSON_IO_PORT, 1) | IOREQ_WRITE);
	assert_true(answer(0));
	assert_int_equal(vcpu->regs[RSI], 0x20001);
	assert_int_equal(guest.advanced, 0);
	assert_false(string_io("\xf3\x6e", 2, 0x3f8));
	assert_int_equal(guest.data, 'i');
	assert_true(answer(0));
	assert_int_equal(guest.advanced, 2);
	assert_true(string_io("\xf3\x6e", 2, 0x3f8)); /* RCX is 0 */
	assert_int_equal(guest.advanced, 2);
	assert_int_equal(guest.asked, 0);
	/* insd, from a device and from nowhere */
	vcpu->regs[RDI] = 0x20100;
	assert_false(string_io("\x6d", 1, 0x3f8));
	assert_true(answer(0x11223344));
	assert_int_equal(guest_get(0x20100, 4), 0x11223344);
	assert_int_equal(vcpu->regs[RDI], 0x20104);
	assert_true(string_io("\x6d", 1, 0x80));
	assert_int_equal(guest_get(0x20104, 4), 0xffffffff);
	assert_int_equal(guest.advanced, 1);
	/* #PF comes before the device is read, which might not give the same again */
	vcpu->regs[RDI] = ABSENT;
	assert_true(string_io("\x6c", 1, 0x3f8));
	assert_int_equal(guest.injected, X86_PF);
	assert_int_equal(guest.error, PF_WRITE);
	assert_int_equal(guest.asked, 0);
	guest.cpl = 3;
	vcpu->regs[RSI] = ABSENT;
	assert_true(string_io("\x6e", 1, 0x3f8));
	assert_int_equal(guest.injected, X86_PF);
	assert_int_equal(guest.error, PF_USER);
	assert_int_equal(guest.asked, 0);
	guest.cpl = 0;
	/* somebody has written over the instruction: what stands there now is run */
	assert_true(string_io("\x90", 1, 0x3f8));
	assert_int_equal(guest.advanced, 0);
	/* the page goes while the device is asked */
	vcpu->regs[RDI] = 0x20200;
	assert_false(string_io("\x6c", 1, 0x3f8));
	guest_put(0x3000, 0x86, 8);
	assert_true(answer(1));
	assert_int_equal(guest.injected, X86_PF);
	guest_put(0x3000, 0x87, 8);
	/* between two devices: not at all */
	vcpu->regs[RDI] = DEV;
	assert_false(string_io("\x6c", 1, 0x3f8));
	assert_false(answer(1));
	assert_non_null(strstr(guest.why, "INS writes to a device"));
	setup(state);
	vcpu->regs[RSI] = DEV;
	assert_false(string_io("\x6e", 1, 0x3f8));
	assert_non_null(strstr(guest.why, "OUTS reads from a device"));
	setup(state);
	assert_false(string_io("\x06", 1, 0x3f8));
	assert_non_null(strstr(guest.why, "an instruction that is not known"));
}

static int again(u64 gpa, bool write)
{
	vcpu->exit_rip = CODE;
	guest.asked = 0;
	return io_mmio_again(vcpu, gpa, 0x1000, write);
}

/* A plain MOV that was here before goes the short way,
 * as long as everything that it was known by is as it was. */
static void known_again(void **state)
{
	static const struct {
		const char *bytes;
		u32 n;
		bool write, known;
	} t[] = {
		{ "\x8b\x03", 2, false, true },
		{ "\x89\x03", 2, true, true },
		{ "\xc7\x03\x78\x56\x34\x12", 6, true, true }, /* mov dword [rbx], imm */
		{ "\x8b\x04\x8b", 3, false, false },	       /* an index */
		{ "\x0f\xb6\x03", 3, false, false },	       /* movzx */
		{ "\x64\x8b\x03", 3, false, false },	       /* by FS */
		{ "\x67\x8b\x03", 3, false, false },	       /* a 32-bit address */
		{ "\x89\x23", 2, true, false },		       /* of ESP */
		{ "\x83\x0b\x01", 3, true, false },
	};

	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		setup(state);
		vcpu->regs[RBX] = DEV + 0x10;
		insn(t[i].bytes, t[i].n, DEV + 0x10, DEV_AT + 0x10, t[i].write);
		while (guest.asked)
			answer(0);
		assert_int_equal(again(DEV_AT + 0x10, t[i].write) != 0, t[i].known);
	}
	setup(state);
	vcpu->regs[RBX] = DEV + 0x10;
	INSN("\x89\x03", DEV + 0x10, DEV_AT + 0x10, true);
	answer(0);
	/* to another register of the device: asked, with what is written now */
	vcpu->regs[RBX] = DEV + 0x20;
	vcpu->regs[RAX] = 0xffffffff00000042;
	assert_int_equal(again(DEV_AT + 0x20, true), -1);
	assert_int_equal(guest.data, 0x42);
	assert_int_equal(guest.addr, DEV_AT + 0x20);
	guest.advanced = 0;
	assert_true(answer(0));
	assert_int_equal(guest.advanced, 2);
	/* not: another address than the register says, not aligned,
	 * the other direction, another table, another RIP */
	assert_int_equal(again(DEV_AT + 0x24, true), 0);
	vcpu->regs[RBX] = DEV + 0x22;
	assert_int_equal(again(DEV_AT + 0x22, true), 0);
	vcpu->regs[RBX] = DEV + 0x20;
	assert_int_equal(again(DEV_AT + 0x20, false), 0);
	assert_int_equal(io_mmio_again(vcpu, DEV_AT + 0x20, 0x2000, true), 0);
	vcpu->exit_rip = CODE + 64;
	assert_int_equal(io_mmio_again(vcpu, DEV_AT + 0x20, 0x1000, true), 0);
	/* nor when its tables, its bytes or the second stage have changed */
	for (u32 level = 0; level < 3; level++) {
		guest_put(0x1000 + level * 0x1000, guest_get(0x1000 + level * 0x1000, 8) ^ BIT(11), 8);
		assert_int_equal(again(DEV_AT + 0x20, true), 0);
		guest_put(0x1000 + level * 0x1000, guest_get(0x1000 + level * 0x1000, 8) ^ BIT(11), 8);
	}
	for (u32 at = 0; at < 16; at += 8) {
		guest.ram[CODE + at] ^= 1;
		assert_int_equal(again(DEV_AT + 0x20, true), 0);
		guest.ram[CODE + at] ^= 1;
	}
	dom->s2_changes++;
	assert_int_equal(again(DEV_AT + 0x20, true), 0);
	dom->s2_changes--;
	assert_int_equal(again(DEV_AT + 0x20, true), -1);
	answer(0);
	/* posted: done at once, the second time shorter; a full ring asks */
	vcpu->regs[RBX] = DEV + P;
	INSN("\x89\x03", DEV + P, DEV_AT + P, true);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(again(DEV_AT + P, true), 2);
	assert_int_equal(ring.head, 4);
	assert_int_equal(guest.asked, 0);
	ring.tail = ring.head - CAISSON_RING;
	assert_int_equal(again(DEV_AT + P, true), -1);
	answer(0);
	/* reads: of nothing, and of the APIC */
	vcpu->regs[RBX] = VOID_;
	INSN("\x8b\x03", VOID_, VOID_AT, false);
	vcpu->regs[RAX] = 0;
	assert_int_equal(again(VOID_AT, false), 2);
	assert_int_equal(vcpu->regs[RAX], 0xffffffff);
	vcpu->regs[RBX] = APIC + 0x30;
	INSN("\x8b\x03", APIC + 0x30, 0xfee00030, false);
	vcpu->regs[RAX] = 0;
	assert_int_equal(again(0xfee00030, false), 2);
	assert_true(vcpu->regs[RAX]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(ports),
		TEST(moves),
		TEST(the_controllers),
		TEST(rom),
		TEST(strings_of_memory),
		TEST(ends),
		TEST(strings_of_ports),
		TEST(known_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
