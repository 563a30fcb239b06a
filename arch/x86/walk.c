/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's own page tables, walked in software. SDM volume 3, "Paging". */
#include "arch/x86/hostmap.h"
#include "arch/x86/hvm.h"
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/string.h"

#define PTE_P	 BIT(0)
#define PTE_W	 BIT(1)
#define PTE_U	 BIT(2)
#define PTE_A	 BIT(5)
#define PTE_D	 BIT(6)
#define PTE_PS	 BIT(7)
#define PTE_NX	 BIT(63)
#define PTE_ADDR MASK(51, 12)

static enum walk_result fault(u32 access, bool present, u32 *error)
{
	*error = (access & ~1u) | (present ? PF_PRESENT : 0);
	return WALK_FAULT;
}

/* SDM: "Determination of Access Rights". rights: the AND of W and U, the OR of NX, over all levels. */
static bool allowed(const struct hvm_regs *r, u64 rights, u32 access)
{
	bool user = access & PF_USER;

	if (user && !(rights & PTE_U))
		return false;
	if ((access & PF_WRITE) && !(rights & PTE_W) && (user || (r->cr0 & CR0_WP)))
		return false;
	if ((access & PF_FETCH) && (rights & PTE_NX) && (r->efer & EFER_NXE))
		return false;
	if (!user && (rights & PTE_U) &&
	    (access & PF_FETCH ? r->cr4 & CR4_SMEP : r->cr4 & CR4_SMAP && !(r->rflags & RFLAGS_AC)))
		return false;
	return true;
}

/* Sets accessed and, for a write, dirty in an entry, as the processor would: one locked OR. */
static void mark(struct domain *d, u64 gpa, u64 bits)
{
	hpa_t pa = memory_pin(d, gpa, true, false);

	if (!frame_ok(pa))
		return;
	__atomic_or_fetch((u8 *)frame_map(pa, frame_owner(pa)) + (gpa & ~PAGE_MASK), (u8)bits,
			  __ATOMIC_RELAXED);
	frame_unmap();
	memory_unpin(pa);
}

enum walk_result walk_gva(struct x86_vcpu *v, const struct hvm_regs *r, u64 gva, u32 access, u64 *gpa,
			  u32 *error)
{
	bool pae = r->cr4 & CR4_PAE, lma = r->efer & EFER_LMA;
	u32 bits = pae ? 9 : 10, width = pae ? 8 : 4, level = lma ? 4 : pae ? 3 : 2;
	u64 table = lma || !pae ? r->cr3 & PTE_ADDR : r->cr3 & 0xffffffe0, rights = PTE_W | PTE_U;

	if (!lma)
		gva = (u32)gva;
	if (!(r->cr0 & CR0_PG)) {
		*gpa = gva;
		return WALK_OK;
	}
	for (;; level--) {
		u32 shift = 12 + (level - 1) * bits;
		u64 entry = 0,
		    at = table + ((gva >> shift) & (BIT(pae && !lma && level == 3 ? 2 : bits) - 1)) * width;

		if (!memory_read(v->hv.domain, at, &entry, width))
			return WALK_NOWHERE;
		if (!(entry & PTE_P))
			return fault(access, false, error);
		if (pae && !lma && level == 3) { /* a PDPTE has no rights */
			table = entry & PTE_ADDR;
			continue;
		}
		rights = (rights & (entry | PTE_NX)) | (entry & PTE_NX);
		if (level == 1 || ((entry & PTE_PS) && level <= 3 && (pae || (r->cr4 & CR4_PSE)))) {
			u64 mask = BIT(shift) - 1, base = entry & PTE_ADDR;

			if (!allowed(r, rights, access))
				return fault(access, true, error);
			if (~entry & (PTE_A | (access & PF_WRITE ? PTE_D : 0)))
				mark(v->hv.domain, at, PTE_A | (access & PF_WRITE ? PTE_D : 0));
			if (!pae && level == 2) /* PSE-36 */
				base |= GET(MASK(20, 13), entry) << 32;
			*gpa = (base & ~mask) | (gva & mask);
			return WALK_OK;
		}
		table = entry & PTE_ADDR;
	}
}

bool walk_remember(struct x86_vcpu *v, const struct hvm_regs *r, struct mmio_known *k)
{
	struct domain *d = v->hv.domain;
	u64 table = r->cr3 & PTE_ADDR, size, at;
	u32 prot, shift;
	hpa_t pa;

	k->changes = READ_ONCE(x86_domain(d)->s2_changes);
	for (u32 n = 0; n < 4; n++) {
		shift = 39 - 9 * n;
		at = table + (r->rip >> shift & 511) * 8;
		if (!arch_s2_lookup(d, GPA(at), &pa, &size, &prot))
			return false;
		k->pte[n].at = domain_ptr(pa);
		domain_open();
		k->pte[n].value = READ_ONCE(*k->pte[n].at);
		domain_close();
		table = k->pte[n].value & PTE_ADDR;
		if (!(k->pte[n].value & PTE_P))
			return false;
		if (n && (k->pte[n].value & PTE_PS)) { /* in the last it is PAT */
			for (u32 m = n + 1; m < 4; m++)
				k->pte[m] = k->pte[n];
			break;
		}
	}
	at = (table & ~(BIT(shift) - 1)) | (r->rip & (BIT(shift) - 1));
	if ((r->rip & ~PAGE_MASK) > PAGE_SIZE - sizeof(k->bytes) ||
	    !arch_s2_lookup(d, GPA(at), &pa, &size, &prot))
		return false;
	k->code = domain_ptr(pa);
	domain_open();
	memcpy(k->bytes, k->code, sizeof(k->bytes));
	domain_close();
	return true;
}

size_t walk_fetch(struct x86_vcpu *v, const struct hvm_regs *r, u8 out[INSN_MAX_BYTES])
{
	u64 gva = r->rip + (r->code_bits == 64 ? 0 : r->seg_base[INSN_CS]), gpa;
	u32 access = PF_FETCH | (r->cpl == 3 ? PF_USER : 0), error;
	size_t done = 0, n;

	for (; done < INSN_MAX_BYTES; done += n, gva += n) {
		n = MIN(INSN_MAX_BYTES - done, PAGE_SIZE - (gva & ~PAGE_MASK));
		if (walk_gva(v, r, r->code_bits == 64 ? gva : (u32)gva, access, &gpa, &error) != WALK_OK ||
		    !memory_read(v->hv.domain, gpa, out + done, n))
			break;
	}
	return done;
}
