/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses to devices: ports, memory without RAM, string instructions. What the hypervisor's own models
 * (local and I/O APIC) or nobody answers is finished here; the rest goes to the device model that claimed it,
 * and io_continue() goes on with the answer.
 */
#include "arch/x86/asm.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/hot.h"
#include "arch/x86/hvm.h"
#include "arch/x86/regs.h"
#include "drivers/io.h"
#include "drivers/uart.h"
#include "hv/arch.h"
#include "hv/ioreq.h"
#include "hv/rights.h"
#include "hv/string.h"

#define SERIAL2	     0x2f8u
#define SERIAL_PORTS 8u

/* How one access of an instruction went. */
enum access { ACC_DONE, ACC_WAIT, ACC_FAULT, ACC_STOP };

static u64 ones(u32 size)
{
	return size >= 8 ? ~0ull : BIT(size * 8) - 1;
}

static enum verdict io_stop(struct x86_vcpu *v, const char *why, u64 at)
{
	hvm_crash(v, 0, "%s (address %lx, rip %lx)", why, at, v->exit_rip);
	return V_STOP;
}

/* ---- ports ---- */

static enum verdict io_string(struct x86_vcpu *v);

static enum verdict port_nothing(struct x86_vcpu *v, u32 port, u32 size, bool in)
{
	struct domain *d = v->hv.domain;
	u64 value = ~0ull;

	/* The second serial line, a debugger's, is the control domain's to drive. */
	if (port - SERIAL2 < SERIAL_PORTS && size == 1 && (d->rights.machine & RIGHT_CONSOLE) &&
	    uart_port() != SERIAL2) {
		if (in)
			value = in8((u16)port);
		else
			out8((u16)port, (u8)v->regs[RAX]);
	}
	if (in)
		insn_reg_write(v->regs, RAX, size, value);
	d->nothing++;
	return V_ADVANCE;
}

static __noinline bool io_post(struct x86_vcpu *v, const struct claim *c, u64 addr, u64 data, u64 what)
{
	return ioreq_post(&v->hv, c, addr, data, what | IOREQ_VCPU(&v->hv), v->exit_rip);
}

static inline enum verdict port_ask(struct x86_vcpu *v, const struct claim *c, u32 port, u32 size, bool in,
				    u32 insn_len)
{
	u64 what = ioreq_what(CAISSON_IO_PORT, size);

	v->io.reg = RAX;
	v->io.size = (u8)size;
	v->io.insn.length = (u8)insn_len;
	if (in) {
		v->io.kind = IO_PORT_IN;
		return ioreq_submit(&v->hv, c, port, 0, what, v->exit_rip);
	}
	v->io.kind = IO_PORT_OUT;
	return ioreq_submit(&v->hv, c, port, v->regs[RAX] & ones(size), what | IOREQ_WRITE, v->exit_rip);
}

static __noinline enum verdict port_other(struct x86_vcpu *v, u32 port, u32 size, bool in, u32 insn_len)
{
	const struct claim *c = bus_search(&v->hv.domain->bus, CAISSON_IO_PORT, port, size);

	if (!c)
		return port_nothing(v, port, size, in);
	if ((c->flags & CAISSON_CLAIM_POSTED) && !in &&
	    io_post(v, c, port, v->regs[RAX] & ones(size), ioreq_what(CAISSON_IO_PORT, size)))
		return V_ADVANCE;
	return port_ask(v, c, port, size, in, insn_len);
}

enum verdict io_port(struct x86_vcpu *v, u32 port, u32 size, bool in, u32 insn_len)
{
	const struct claim *c = bus_last(&v->hv.domain->bus, CAISSON_IO_PORT, port, size);

	return likely(c && !(c->flags & CAISSON_CLAIM_POSTED)) ? port_ask(v, c, port, size, in, insn_len)
							       : port_other(v, port, size, in, insn_len);
}

enum verdict exit_io(struct x86_vcpu *v, const struct vm_exit *x)
{
	if (likely(!x->io.string))
		return io_port(v, x->io.port, x->io.size, x->io.in, x->insn_len);
	v->io.port = x->io.port;
	return io_string(v);
}

/* ---- memory operands ---- */

static void page_fault(struct x86_vcpu *v, u64 gva, u32 error)
{
	write_cr2(gva);
	hvm->inject(v, X86_PF, error);
}

/* Every vCPU's processor is told which EOIs the I/O APIC waits for. Before it is written: one that runs, and
 * is interrupted by what is written, would end that unheard. It looks when irq_lock is free again. */
static void eoi_vectors_changed(struct x86_domain *d)
{
	domain_each_vcpu(&d->hv, v) {
		if (!x86_vcpu(v)->apicv)
			continue;
		x86_vcpu(v)->eoi_due = true;
		vcpu_pend(v, PEND_ARCH, false);
	}
}

/* A device, or nothing, at gpa. ACC_DONE: *data is the answer. */
static enum access device_access(struct x86_vcpu *v, u64 gpa, u32 size, bool write, u64 *data)
{
	struct x86_domain *d = x86_domain(v->hv.domain);
	u64 what = ioreq_what(CAISSON_IO_MMIO, size);
	u32 off = (u32)(gpa & ~PAGE_MASK);
	const struct claim *c;

	if (vlapic_xapic(&v->apic) && (gpa & PAGE_MASK) == (v->apic.base & APIC_BASE_ADDR)) {
		hot_apic_begin(v);
		if (write)
			vlapic_mmio_write(&v->apic, off, size, (u32)*data), hot_apic_changed(v);
		else
			*data = vlapic_mmio_read(&v->apic, off, size);
		return ACC_DONE;
	}
	if ((gpa & PAGE_MASK) == VIOAPIC_BASE) {
		lock(&d->irq_lock);
		if (write)
			eoi_vectors_changed(d), vioapic_mmio_write(&d->ioapic, off, size, (u32)*data);
		else
			*data = vioapic_mmio_read(&d->ioapic, off, size);
		unlock(&d->irq_lock);
		return ACC_DONE;
	}
	c = bus_find(&d->hv.bus, CAISSON_IO_MMIO, gpa, size);
	if (!c) {
		if (!write)
			*data = ones(size);
		d->hv.nothing++;
		return ACC_DONE;
	}
	if (!write)
		ioreq_submit(&v->hv, c, gpa, 0, what, v->exit_rip);
	else if ((c->flags & CAISSON_CLAIM_POSTED) && io_post(v, c, gpa, *data & ones(size), what))
		return ACC_DONE;
	else
		ioreq_submit(&v->hv, c, gpa, *data & ones(size), what | IOREQ_WRITE, v->exit_rip);
	return ACC_WAIT;
}

static enum access device_or_rom(struct x86_vcpu *v, u64 gpa, u32 size, bool write, u64 *data)
{
	if (memory_is_rom(v->hv.domain, gpa)) {
		if (!write) /* the other half of an instruction that writes there: the write is what exits */
			return memory_read(v->hv.domain, gpa, data, size) ? ACC_DONE : ACC_STOP;
		return ACC_DONE; /* dropped */
	}
	return device_access(v, gpa, size, write, data);
}

/* One access of an emulated instruction, by linear address: RAM is done at once, also across two pages. */
static enum access mem_access(struct x86_vcpu *v, const struct hvm_regs *r, u64 gva, u32 size, bool write,
			      u64 *data)
{
	u32 access = (write ? PF_WRITE : 0) | (r->cpl == 3 ? PF_USER : 0), error;
	u64 gpa[2], first = MIN(size, PAGE_SIZE - (gva & ~PAGE_MASK));
	struct domain *d = v->hv.domain;

	if (!write)
		*data = 0;
	if (first == size && (gva & PAGE_MASK) == v->io.page_gva && (!write || v->io.page_write)) {
		/* The exit came from here: no walk, and no RAM. */
		gpa[0] = v->io.page_gpa | (gva & ~PAGE_MASK);
		return device_or_rom(v, gpa[0], size, write, data);
	}
	for (u32 i = 0; i < (first < size ? 2u : 1u); i++) {
		switch (walk_gva(v, r, gva + (i ? first : 0), access, &gpa[i], &error)) {
		case WALK_OK:
			break;
		case WALK_FAULT:
			page_fault(v, gva + (i ? first : 0), error);
			return ACC_FAULT;
		case WALK_NOWHERE:
			io_stop(v, "page tables lie where no RAM is", gva);
			return ACC_STOP;
		}
	}
	if (write ? memory_write(d, gpa[0], data, first) : memory_read(d, gpa[0], data, first)) {
		if (first == size)
			return ACC_DONE;
		if (write ? memory_write(d, gpa[1], (u8 *)data + first, size - first)
			  : memory_read(d, gpa[1], (u8 *)data + first, size - first))
			return ACC_DONE;
	}
	if (first < size) {
		io_stop(v, "an access to a device crosses a page", gpa[0]);
		return ACC_STOP;
	}
	return device_or_rom(v, gpa[0], size, write, data);
}

static enum verdict access_verdict(enum access a)
{
	return a == ACC_WAIT ? V_BLOCK : a == ACC_STOP ? V_STOP : V_RESUME;
}

/* Fetches and decodes what stands at RIP; false: the domain was stopped, with the bytes. */
static bool io_decode(struct x86_vcpu *v, const struct hvm_regs *r, u64 at, u8 bytes[INSN_MAX_BYTES])
{
	size_t n = walk_fetch(v, r, bytes);

	if (insn_decode(bytes, n, r->code_bits, &v->io.insn) == INSN_OK)
		return true;
	hvm_crash(
		v, 0,
		"an instruction that is not known reaches a device (address %lx, rip %lx: %zu bytes, %02x %02x %02x %02x %02x %02x)",
		at, r->rip, n, bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
	return false;
}

/* ---- INS and OUTS: one element per exit; RIP stays while they repeat ---- */

static enum verdict string_finish(struct x86_vcpu *v, const struct hvm_regs *r)
{
	bool again = insn_string_next(&v->io.insn, v->regs, r->rflags);

	v->io.kind = IO_NONE;
	hvm->set_rsp(v);
	if (!again)
		hvm->advance(v, v->io.insn.length);
	return V_RESUME;
}

static enum verdict io_string(struct x86_vcpu *v)
{
	struct io_state *io = &v->io;
	const struct claim *c;
	enum access a;
	u8 bytes[INSN_MAX_BYTES] = { 0 };
	struct hvm_regs r;
	u64 gva, gpa, data = 0;
	u32 error;

	hvm->get_regs(v, &r);
	if (!io_decode(v, &r, io->port, bytes))
		return V_STOP;
	if (io->insn.op != INSN_INS && io->insn.op != INSN_OUTS) {
		/* Another vCPU wrote over it since: what stands there now is run. */
		return V_RESUME;
	}
	if (insn_string_idle(&io->insn, v->regs)) {
		hvm->advance(v, io->insn.length);
		return V_RESUME;
	}
	io->kind = IO_STRING;
	io->page_gva = 1;
	io->size = io->insn.msize;
	gva = insn_string_ea(&io->insn, v->regs, r.seg_base, io->insn.op == INSN_INS);
	if (io->insn.op == INSN_OUTS) {
		a = mem_access(v, &r, gva, io->size, false, &data);
		if (a == ACC_WAIT)
			return io_stop(v, "OUTS reads from a device", gva);
		if (a != ACC_DONE)
			return access_verdict(a);
	} else if (walk_gva(v, &r, gva, PF_WRITE | (r.cpl == 3 ? PF_USER : 0), &gpa, &error) == WALK_FAULT) {
		/* Before the device is read: a second read would not give the same. */
		page_fault(v, gva, error);
		return V_RESUME;
	}
	c = bus_find(&v->hv.domain->bus, CAISSON_IO_PORT, io->port, io->size);
	if (c)
		return ioreq_submit(&v->hv, c, io->port, data,
				    ioreq_what(CAISSON_IO_PORT, io->size) |
					    (io->insn.op == INSN_OUTS ? IOREQ_WRITE : 0),
				    v->exit_rip);
	v->hv.io_data = ~0ull;
	v->hv.domain->nothing++;
	return io_continue(v);
}

static enum verdict string_continue(struct x86_vcpu *v)
{
	struct hvm_regs r;
	enum access a;
	u64 gva;

	hvm->get_regs(v, &r);
	if (v->io.insn.op == INSN_INS) {
		gva = insn_string_ea(&v->io.insn, v->regs, r.seg_base, true);
		a = mem_access(v, &r, gva, v->io.size, true, &v->hv.io_data);
		if (a == ACC_WAIT)
			return io_stop(v, "INS writes to a device", gva);
		if (a != ACC_DONE)
			return access_verdict(a);
	}
	return string_finish(v, &r);
}

/* ---- a MOV that was here before ---- */

static const struct claim no_claim;

/* The instruction at r->rip, decoded to v->io.insn out of `bytes`,
 * is remembered if it is one of the simple ones. */
static void mmio_learn(struct x86_vcpu *v, const struct hvm_regs *r, u64 gpa, const u8 bytes[INSN_MAX_BYTES])
{
	struct domain *d = v->hv.domain;
	const struct insn *i = &v->io.insn;
	struct mmio_known *k = &v->known[r->rip >> 2 & (MMIO_KNOWN - 1)];
	u32 reg = i->dst == INSN_MEM ? i->src : i->dst;

	k->rip = 1;
	if (i->op != INSN_MOV || !i->mem || i->lock || (reg != INSN_IMM && (reg > R15 || reg == RSP)) ||
	    i->base == RSP || i->index != INSN_NONE || i->seg >= INSN_FS || i->adsize != 8 ||
	    r->code_bits != 64)
		return;
	lock(&d->vm.lock);
	if (walk_remember(v, r, k) && !memcmp(k->bytes, bytes, i->length)) {
		k->cr3 = r->cr3;
		k->page = gpa & PAGE_MASK;
		k->zero = 0;
		k->imm = (u64)i->imm;
		k->base = (u16)((i->base <= R15 ? (u8 *)&v->regs[i->base] : (u8 *)&k->zero) - (u8 *)v);
		k->disp = i->base <= R15 ? (u64)i->disp : insn_ea(i, v->regs, r->rip, r->seg_base);
		k->from = (u16)((reg <= R15 ? (u8 *)&v->regs[reg] : (u8 *)&k->imm) - (u8 *)v);
		k->what = ioreq_what(CAISSON_IO_MMIO, i->msize) | IOREQ_VCPU(&v->hv);
		k->claim = &no_claim;
		k->reg = (u8)reg;
		k->size = i->msize;
		k->length = i->length;
		k->align = i->msize - 1u;
		k->mask = ones(i->msize);
		k->write = i->dst == INSN_MEM;
		k->device = k->page != (v->apic.base & APIC_BASE_ADDR) && k->page != VIOAPIC_BASE;
		k->rip = r->rip;
	}
	unlock(&d->vm.lock);
}

/* Frames are given back after the count has changed: if it has not, what was compared was the guest's. */
static inline bool mmio_same(const struct x86_domain *d, const struct mmio_known *k)
{
	bool same;

	_Static_assert(ARRAY_SIZE(k->pte) == 4 && ARRAY_SIZE(k->bytes) == 2, "all of them are compared");
#define SAME(n) (READ_ONCE(*k->pte[n].at) == k->pte[n].value)
	domain_open();
	same = SAME(0) && SAME(1) && SAME(2) && SAME(3) && READ_ONCE(k->code[0]) == k->bytes[0] &&
	       READ_ONCE(k->code[1]) == k->bytes[1];
	domain_close();
	return same && __atomic_load_n(&d->s2_changes, __ATOMIC_ACQUIRE) == k->changes;
}

static __noinline s64 mmio_access(struct x86_vcpu *v, struct mmio_known *k, u64 gpa, u64 data)
{
	/* A posted write behind the first one will be shorter. */
	k->claim = k->device && k->write ? bus_find(&v->hv.domain->bus, CAISSON_IO_MMIO, gpa, k->size) : NULL;
	if (!k->claim || !(k->claim->flags & CAISSON_CLAIM_POSTED))
		k->claim = &no_claim;
	if (device_access(v, gpa, k->size, k->write, &data) == ACC_WAIT) {
		v->io.kind = k->write ? IO_PORT_OUT : IO_PORT_IN;
		v->io.reg = k->reg;
		v->io.size = k->size;
		v->io.insn.length = k->length;
		return -1;
	}
	if (!k->write)
		insn_reg_write(v->regs, k->reg, k->size, data);
	return k->length;
}

s64 io_mmio_again(struct x86_vcpu *v, u64 gpa, u64 cr3, bool write)
{
	struct mmio_known *k = &v->known[v->exit_rip >> 2 & (MMIO_KNOWN - 1)];
	u64 data;

	__asm__("" : "+r"(k)); /* keep the address */
	/* One that crosses a page is not aligned: there the exit may have told the other half. */
	if (k->rip != v->exit_rip || k->cr3 != cr3 || k->write != write || (gpa & k->align) ||
	    gpa != (k->page | ((k->disp + *(u64 *)((u8 *)v + k->base)) & ~PAGE_MASK)) ||
	    !mmio_same(x86_domain(v->hv.domain), k))
		return 0;
	data = *(u64 *)((u8 *)v + k->from);
	if (gpa - k->claim->base >= k->claim->bytes ||
	    !ioreq_post(&v->hv, k->claim, gpa, data & k->mask, k->what, k->rip))
		return mmio_access(v, k, gpa, data);
	return k->length;
}

/* ---- instructions on memory without RAM ---- */

/* Steps of one: read what it reads, compute, write what it writes. */
enum { MMIO_READ, MMIO_READ_DI, MMIO_WRITE, MMIO_END };

static enum verdict mmio_commit(struct x86_vcpu *v, const struct hvm_regs *r)
{
	struct io_state *io = &v->io;
	u64 flags = r->rflags, out;
	unsigned todo = insn_emulate(&io->insn, v->regs, &flags, io->in, &out);

	io->kind = IO_NONE;
	hvm->set_rip_flags(v, r->rip, flags);
	if (!(todo & INSN_EMU_AGAIN))
		hvm->advance(v, io->insn.length);
	return V_RESUME;
}

static enum verdict mmio_step(struct x86_vcpu *v, const struct hvm_regs *r)
{
	struct io_state *io = &v->io;
	const struct insn *i = &io->insn;
	u64 copy[16], flags = r->rflags, out;
	enum access a;
	u64 ea = i->string ? insn_string_ea(i, v->regs, r->seg_base, false)
			   : insn_ea(i, v->regs, r->rip, r->seg_base);
	u64 di = i->string ? insn_string_ea(i, v->regs, r->seg_base, true) : ea;

	for (;;) {
		switch (io->step) {
		case MMIO_READ:
			a = i->access & INSN_READ ? mem_access(v, r, ea, i->msize, false, &io->in[0])
						  : ACC_DONE;
			break;
		case MMIO_READ_DI:
			a = i->access & INSN_READ_DI ? mem_access(v, r, di, i->msize, false, &io->in[1])
						     : ACC_DONE;
			break;
		case MMIO_WRITE:
			memcpy(copy, v->regs, sizeof(copy));
			a = insn_emulate(i, copy, &flags, io->in, &out) & INSN_EMU_WRITE
				    ? mem_access(v, r, di, i->msize, true, &out)
				    : ACC_DONE;
			break;
		default:
			return mmio_commit(v, r);
		}
		if (a != ACC_DONE)
			return access_verdict(a);
		io->step++;
	}
}

static enum verdict mmio_begin(struct x86_vcpu *v, const struct vm_exit *x, bool nothing)
{
	u8 bytes[INSN_MAX_BYTES] = { 0 };
	struct hvm_regs r;

	hvm->get_regs(v, &r);
	if (!io_decode(v, &r, x->npf.gpa, bytes))
		return V_STOP;
	if (nothing)
		mmio_learn(v, &r, x->npf.gpa, bytes);
	if (x->kind == EXIT_NPF)
		exit_what_NPF(v, x->npf.gpa & PAGE_MASK);
	if (!v->io.insn.access || (!v->io.insn.mem && !v->io.insn.string))
		return io_stop(v, "an instruction that cannot be carried out reaches a device", x->npf.gpa);
	if (v->io.insn.string && insn_string_idle(&v->io.insn, v->regs)) {
		hvm->advance(v, v->io.insn.length);
		return V_RESUME;
	}
	v->io.kind = IO_MMIO;
	v->io.step = MMIO_READ;
	v->io.page_gva = x->npf.gva_valid ? x->npf.gva & PAGE_MASK : 1;
	v->io.page_gpa = x->npf.gpa & PAGE_MASK;
	v->io.page_write = x->npf.write;
	v->io.in[0] = v->io.in[1] = 0;
	return mmio_step(v, &r);
}

enum verdict exit_npf(struct x86_vcpu *v, const struct vm_exit *x)
{
	enum memory_fault what = memory_fault(v->hv.domain, x->npf.gpa, x->npf.write);

	switch (what) {
	case MEM_MAPPED:
		return V_RESUME;
	case MEM_NOMEM:
		return io_stop(v, "no memory for a page that was promised", x->npf.gpa);
	case MEM_ROM:
	case MEM_NOTHING:
		break;
	}
	if (x->npf.fetch)
		return io_stop(v, "code is fetched from where no RAM is", x->npf.gpa);
	if (x->npf.walk)
		return io_stop(v, "page tables lie where no RAM is", x->npf.gpa);
	if (!x->npf.write && memory_hole(v->hv.domain, x->npf.gpa)) {
		v->hv.domain->nothing++;
		return V_RESUME;
	}
	return mmio_begin(v, x, what == MEM_NOTHING);
}

enum verdict io_continue(struct x86_vcpu *v)
{
	struct hvm_regs r;

	switch (v->io.kind) {
	case IO_NONE:
		return V_RESUME;
	case IO_PORT_IN:
		insn_reg_write(v->regs, v->io.reg, v->io.size, v->hv.io_data);
		/* fall through */
	case IO_PORT_OUT:
		v->io.kind = IO_NONE;
		hvm->advance(v, v->io.insn.length);
		return V_RESUME;
	case IO_STRING:
		return string_continue(v);
	case IO_MMIO:
		if (v->io.step < MMIO_WRITE)
			v->io.in[v->io.step] = v->hv.io_data & ones(v->io.insn.msize);
		v->io.step++;
		hvm->get_regs(v, &r);
		return mmio_step(v, &r);
	}
	return V_RESUME;
}
