/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between the RAM of a domain and the hypervisor's (read, write), what holds a frame (pin), copies
 * between two domains or within one, out of such frames (copy), and the calls of which an argument tells the
 * length (args). For all addresses, up to the last of 64 bits, all lengths up to two pages (copy: all, of
 * which it does two), two regions, and while other CPUs change regions and second stage whenever the lock is
 * free: each byte goes once, in sequence, between its place in the buffer and its place in the frame that the
 * second stage named for its address, while the lock is held or the frame pinned; it is written only where
 * that may be; what is refused was not there; each lock, window and pin is given back. Of a copy the ranges
 * are asked, no bytes are moved. memory_fault() says anything.
 * with: hv/memory.c: enum memory_fault memory_fault(struct domain *d, u64 gpa, bool write) => enum memory_fault real_fault(struct domain *d, u64 gpa, bool write)
 * with: hv/memory.c: hpa_t memory_pin(struct domain *d, u64 gpa, bool write, bool rom) => hpa_t real_pin(struct domain *d, u64 gpa, bool write, bool rom)
 * with: hv/memory.c: #define TRIES 100000u => #define TRIES 2u
 * with: hv/domain.h: #define MEMORY_COPY 65536u => #define MEMORY_COPY 8192u
 * with: hv/domain.h: #define DOMAIN_REGIONS 8 => #define DOMAIN_REGIONS 2
 * with: hv/domain.h: struct vcpu *vcpu[CAISSON_MAX_VCPUS]; => struct vcpu *vcpu[1];
 * with: hv/domain.h: char origin[CAISSON_ORIGIN]; => char unused_0;
 * with: hv/domain.h: char args[CAISSON_ARGS]; => char unused_1;
 * with: hv/domain.h: char why[160]; => char unused_2;
 * with: hv/bus.h: struct claim claim[2][BUS_CLAIMS]; => struct claim claim[2][1];
 * cases: read write pin copy args
 * fault read.PAGE_CROSSED: hv/memory.c: n = MIN(bytes, PAGE_SIZE - (gpa & ~PAGE_MASK)); => n = MIN(bytes, PAGE_SIZE);
 * fault read.SHORT_WAY: hv/memory.c: if (likely((gpa & ~PAGE_MASK) + bytes <= PAGE_SIZE) && => if (
 * fault read.WORD: hv/memory.c: else if (n == sizeof(u64)) => else if (n <= sizeof(u64))
 * fault write.ROM_WRITTEN: hv/memory.c: && (!write || (prot & CAISSON_PROT_WRITE)); => && (!write || (prot & CAISSON_PROT_READ));
 * fault write.SAME_BYTES: hv/memory.c: bytes -= n, gpa += n, buf += n) => bytes -= n, gpa += n)
 * fault write.NOT_TRIED: hv/memory.c: try == 0 || !piece(d, gpa, buf, n, write); try++) => try == 0; try++)
 * fault copy.ONE_OFFSET: hv/memory.c: MIN(PAGE_SIZE - (t & ~PAGE_MASK), PAGE_SIZE - (f & ~PAGE_MASK))); => PAGE_SIZE - (t & ~PAGE_MASK));
 * fault pin.NOT_HELD: hv/memory.c: if (ok && frame_owner(pa) != FRAME_NO_OWNER) => if (ok && !write && frame_owner(pa) != FRAME_NO_OWNER)
 * fault pin.ANY_ROM: hv/memory.c: ok = rom && memory_is_rom(d, gpa) && => ok = rom &&
 * fault pin.OTHERS_ROM: hv/memory.c: ok = rom && memory_is_rom(d, gpa) && frame_owner(pa) == d->id; => ok = rom && memory_is_rom(d, gpa);
 * fault pin.REQUESTS: hv/memory.c: ok = there && frame_owner(pa) != FRAME_OWNER_HV; => ok = there;
 * fault copy.OVERLAP: hv/memory.c: if (dst.v == src.v) => if (dst.v != src.v)
 * fault copy.UNBOUNDED: hv/memory.c: for (bytes = MIN(bytes, MEMORY_COPY); done < bytes; done += n) { => for (; done < bytes; done += n) {
 * fault args.TEXT: hv/hypercall.c: u64 n = MIN(c->arg[1], TEXT_MAX); => u64 n = MIN(c->arg[1], TEXT_MAX + 1);
 * fault args.HEAD: hv/hypercall.c: if (c->arg[2] < sizeof(out.head)) => if (!c->arg[2])
 * fault args.UNFILLED: hv/hypercall.c: &out, sizeof(out.head) + n) ? (s64)n => &out, sizeof(out)) ? (s64)n
 * cbmc: --unwind 6 --unwindset lock.0:1,region_at.0:3,is_rom.0:3 --slice-formula
 */
#define memcpy	proof_copy
#define memmove proof_move
#include "hv/string.h"
#define __builtin_memcpy proof_copy
#include "hv/memory.c"

u64 nondet_u64(void);
u32 nondet_u32(void);
bool nondet_bool(void);
struct region nondet_region(void);

#define BITS  46u
#define LIMIT (2 * PAGE_SIZE)

static struct domain one, two;
static char window[2][PAGE_SIZE], buffer[LIMIT];
static bool copying, writing, rom; /* the call under way: between domains; into RAM; also into ROM */
static bool open, lacked, holding, pinned[2]; /* holding: the call is pin */
static u64 asked, moved;		      /* bytes */
static struct domain *side[2];		      /* of a copy: from, to; else [1] alone */
static u64 start[2];
/* What the second stage said of each: at `at` is the frame `pa`. */
static struct {
	u64 at;
	hpa_t pa;
	bool write;
} named[2];

static bool locked(const struct domain *d)
{
	return d->vm.lock.next != d->vm.lock.owner;
}

static bool is_rom(const struct domain *d, u64 at)
{
	for (u32 i = 0; i < d->vm.regions; i++)
		if (at >= d->vm.region[i].base &&
		    at - d->vm.region[i].base < d->vm.region[i].pages * PAGE_SIZE)
			return d->vm.region[i].flags & CAISSON_POP_ROM;
	return false;
}

/* Others had the lock. */
static void others(struct domain *d)
{
	struct region *a = d->vm.region, *b = a + 1;

	d->ended = nondet_u32();
	d->vm.regions = nondet_u32();
	*a = nondet_region();
	*b = nondet_region();
	__CPROVER_assume(d->vm.regions <= 2);
	__CPROVER_assume(!(a->base & ~PAGE_MASK) && a->base < BIT(BITS) && a->pages <= BIT(BITS) / PAGE_SIZE);
	__CPROVER_assume(!(b->base & ~PAGE_MASK) && b->base < BIT(BITS) && b->pages <= BIT(BITS) / PAGE_SIZE);
	__CPROVER_assume(a->base + a->pages * PAGE_SIZE <= b->base ||
			 b->base + b->pages * PAGE_SIZE <= a->base);
}

/* Bit 12 of an address: a frame with a record. Those of modules are not written. */
static bool recorded(hpa_t pa)
{
	return pa.v & BIT(12);
}

/* Bits 14:13: whose a frame with a record is. */
u16 frame_owner(hpa_t pa)
{
	static const u16 owner[4] = { 0, 1, 2, FRAME_OWNER_HV };

	return recorded(pa) ? owner[pa.v >> 13 & 3] : FRAME_NO_OWNER;
}

static bool stays(u32 k, hpa_t pa)
{
	return (pa.v & PAGE_MASK) == named[k].pa.v &&
	       (pinned[k] || (!copying && locked(&one)) || !recorded(pa));
}

static bool nothing_held(void)
{
	return !open && !locked(&one) && !locked(&two) && !pinned[0] && !pinned[1];
}

/* What side k has at `at` now; false: nothing. */
static bool name(u32 k, u64 at)
{
	if (at >> 48 || nondet_bool()) {
		lacked = true;
		return false;
	}
	named[k].at = at & PAGE_MASK;
	named[k].pa = HPA(nondet_u64() & MASK(BITS - 1, 12));
	return true;
}

/* ---- what is called ---- */

bool arch_s2_lookup(struct domain *d, gpa_t at, hpa_t *pa, u64 *size, u32 *prot)
{
	__CPROVER_assert(d == &one && locked(d) && !open && !pinned[1], "locked, nothing forgotten");
	others(d);
	*size = PAGE_SIZE;
	if (!name(1, at.v))
		return false;
	pa->v = named[1].pa.v | (at.v & ~PAGE_MASK);
	*prot = CAISSON_PROT_READ | (recorded(*pa) && nondet_bool() ? CAISSON_PROT_WRITE : 0);
	named[1].write = *prot & CAISSON_PROT_WRITE || (rom && is_rom(d, at.v) && frame_owner(*pa) == d->id);
	if ((writing && !named[1].write) || (holding && frame_owner(*pa) == FRAME_OWNER_HV))
		lacked = true;
	return true;
}

enum memory_fault memory_fault(struct domain *d, u64 gpa, bool write)
{
	__CPROVER_assert(d == &one && nothing_held() && (!write || writing),
			 "of that kind, and nothing is held");
	(void)gpa;
	return nondet_bool() ? MEM_MAPPED : MEM_NOTHING;
}

void frame_ref(hpa_t pa)
{
	__CPROVER_assert(locked(&one) && pa.v == named[1].pa.v && recorded(pa) && !pinned[1],
			 "the frame just named");
	pinned[1] = true;
}

void frame_unref(hpa_t pa)
{
	u32 k = pinned[1] && pa.v == named[1].pa.v;

	__CPROVER_assert(!open && pinned[k] && pa.v == named[k].pa.v, "pinned");
	pinned[k] = false;
}

/* As proved by `pin`. */
hpa_t memory_pin(struct domain *d, u64 gpa, bool write, bool also_rom)
{
	__CPROVER_assert(copying && !open && !pinned[write] && d == side[write] && write == also_rom,
			 "the source is read, ROM may be written");
	if (!name(write, gpa))
		return FRAME_NONE;
	pinned[write] = recorded(named[write].pa);
	named[write].write = write;
	return named[write].pa;
}

void arch_irq_window(void)
{
	__CPROVER_assert(nothing_held(), "nothing is held");
}

void *frame_map(hpa_t pa, u16 owner)
{
	__CPROVER_assert(copying && !open && owner == frame_owner(pa) && !(pa.v & ~PAGE_MASK) && stays(1, pa),
			 "pinned");
	open = true;
	return window[1];
}

void *arch_domain_map(hpa_t pa)
{
	if (copying) {
		__CPROVER_assert(open && !(pa.v & ~PAGE_MASK) && stays(0, pa), "pinned, in the same window");
		return window[pa.v == named[1].pa.v];
	}
	__CPROVER_assert(!open && stays(1, pa), "under the lock");
	open = true;
	return window[1] + (pa.v & ~PAGE_MASK);
}

void arch_domain_unmap(void)
{
	__CPROVER_assert(open, "opened");
	open = false;
}

void frame_unmap(void)
{
	arch_domain_unmap();
}

/* [p, p + n) is where byte `moved` of side k is, and those behind it. */
static bool in_frame(u32 k, const char *frame, const void *p, u64 n)
{
	u64 at = start[k] + moved, off = at & ~PAGE_MASK;

	return p == frame + off && n <= PAGE_SIZE - off && named[k].at == at - off && at >= start[k];
}

static void ranges(const void *to, const void *from, u64 n)
{
	const void *other = writing ? from : to;

	__CPROVER_assert(open && n <= asked - moved, "the window is open, so much was asked for");
	if (copying)
		__CPROVER_assert(in_frame(0, window[named[0].pa.v == named[1].pa.v], other, n),
				 "the source's frame");
	else
		__CPROVER_assert(other == buffer + moved, "the buffer");
	__CPROVER_assert(in_frame(1, window[1], writing ? to : from, n), "the frame");
	__CPROVER_assert(!writing || named[1].write, "only where it may be written");
	moved += n;
}

void *proof_copy(void *to, const void *from, size_t n)
{
	__CPROVER_assert(!copying || named[0].pa.v != named[1].pa.v, "they do not overlap");
	ranges(to, from, n);
	return to;
}

void *proof_move(void *to, const void *from, size_t n)
{
	ranges(to, from, n);
	return to;
}

/* ---- copies ---- */

static void begin(struct domain *from, bool write)
{
	copying = from;
	writing = write;
	side[0] = from;
	side[1] = &one;
	start[0] = nondet_u64();
	start[1] = nondet_u64();
	asked = nondet_u64();
	others(&one);
}

static void end(bool all)
{
	__CPROVER_assert(nothing_held(), "nothing is held");
	__CPROVER_assert(moved == asked ? all : !all && moved < asked && lacked,
			 "all of it, or what was not there");
	for (u32 k = 0; k < 2; k++)
		__CPROVER_assert(moved == 0 || (k == 0 && !copying) || start[k] + (moved - 1) >= start[k],
				 "no wrap");
}

void prove_read(void)
{
	begin(NULL, false);
	__CPROVER_assume(asked <= LIMIT);
	end(memory_read(&one, start[1], buffer, asked));
}

void prove_write(void)
{
	begin(NULL, true);
	__CPROVER_assume(asked <= LIMIT);
	end(memory_write(&one, start[1], buffer, asked));
}

void prove_pin(void)
{
	u64 gpa = nondet_u64();
	hpa_t pa;

	begin(NULL, nondet_bool());
	holding = true;
	rom = nondet_bool();
	pa = real_pin(&one, gpa, writing, rom);
	__CPROVER_assert(!open && !locked(&one), "nothing is held but the frame");
	if (frame_ok(pa))
		__CPROVER_assert(pa.v == named[1].pa.v && named[1].at == (gpa & PAGE_MASK) &&
					 pinned[1] == recorded(pa) && (!writing || named[1].write) &&
					 frame_owner(pa) != FRAME_OWNER_HV,
				 "the frame that is there, and stays");
	else
		__CPROVER_assert(lacked && !pinned[1], "it was not there");
}

void prove_copy(void)
{
	struct domain *from = nondet_bool() ? &one : &two;
	s64 n;

	begin(from, true);
	n = memory_copy(&one, start[1], from, start[0], asked);
	asked = MIN(asked, MEMORY_COPY);
	__CPROVER_assert(n < 0 ? n == -CAISSON_EFAULT && !moved && asked : (u64)n == moved,
			 "as much as it says");
	end(n == (s64)asked);
}

/* ---- arguments: from here on memory_read() and memory_write() are what was proved above ---- */
bool proof_read(struct domain *d, u64 gpa, void *to, u64 bytes);
bool proof_write(struct domain *d, u64 gpa, const void *from, u64 bytes);
#define memory_read  proof_read
#define memory_write proof_write
#include "hv/hypercall.c"

static u64 filled; /* bytes of what goes out that somebody wrote */

bool proof_read(struct domain *d, u64 gpa, void *to, u64 bytes)
{
	(void)gpa;
	__CPROVER_assert(d == &one && __CPROVER_w_ok(to, bytes), "into what is there");
	return nondet_bool();
}

bool proof_write(struct domain *d, u64 gpa, const void *from, u64 bytes)
{
	(void)gpa;
	__CPROVER_assert(d == &one && __CPROVER_r_ok(from, bytes) && bytes <= filled && bytes <= asked,
			 "of what is there, and was asked for");
	return nondet_bool();
}

static u64 fill(const void *to, u64 n)
{
	u64 some = nondet_u64();

	__CPROVER_assert(__CPROVER_w_ok(to, n), "there is room");
	__CPROVER_assume(some <= n);
	filled += some;
	return some;
}

size_t console_write(const void *buf, size_t n)
{
	__CPROVER_assert(__CPROVER_r_ok(buf, n), "no more than was read");
	return n;
}

size_t console_read(void *buf, size_t n)
{
	return fill(buf, n);
}

size_t log_read(u64 pos, char *buf, size_t n, u64 *first, u64 *next)
{
	*first = *next = pos;
	filled = 2 * sizeof(u64);
	return fill(buf, n);
}

s64 trace_read(u32 cpu, u64 pos, struct caisson_trace_head *head, struct caisson_trace_record *to, u32 n)
{
	(void)cpu, (void)pos;
	__CPROVER_assert(__CPROVER_w_ok(to, n * sizeof(*to)), "there is room");
	if (nondet_bool())
		return -CAISSON_ENOENT;
	n = (u32)(fill(to, n * sizeof(*to)) / sizeof(*to));
	*head = (struct caisson_trace_head){ 0 };
	filled = sizeof(*head) + n * sizeof(*to);
	return n;
}

void prove_args(void)
{
	u64 arg[6] = { nondet_u64(), nondet_u64(), nondet_u64(), nondet_u64(), nondet_u64(), nondet_u64() };
	struct call c = { .self = &one, .arg = arg };
	u32 which = nondet_u32();
	s64 r;

	__CPROVER_assume(which < 4);
	asked = which == 2 ? arg[2] : which == 3 ? arg[3] : arg[1];
	r = which == 0	 ? call_console_write(&c)
	    : which == 1 ? call_console_read(&c)
	    : which == 2 ? call_log_read(&c)
			 : call_trace_read(&c);
	__CPROVER_assert(r < 0 || (u64)r <= asked, "as much as was asked for, or an error");
}
