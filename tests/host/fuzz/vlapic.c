/* SPDX-License-Identifier: BSD-2-Clause */
/* Local APICs and the I/O APIC of a domain: registers in both modes, messages, acknowledgements, time. */
#include "arch/x86/vioapic.h"
#include "arch/x86/vlapic.h"
#include "tests/host/fuzz/fuzz.h"

#define N 3

static struct vlapic apic[N], *all[N];
static u32 page[N][1024] __aligned(4096);
static struct vioapic io;
static u64 now, armed[N];
static u32 depth;

/* clang-format off */
u64 vlapic_now(struct vlapic *v) { (void)v; return now; }
void vlapic_timer_arm(struct vlapic *v, u64 deadline) { armed[v->id] = deadline; }
void vlapic_timer_cancel(struct vlapic *v) { armed[v->id] = 0; }
void vlapic_kick(struct vlapic *v, u8 vector) { (void)v, (void)vector; }
bool vlapic_pv_eoi(struct vlapic *v, bool offer) { (void)v; return !offer && (now & 64); }
void vlapic_nmi(struct vlapic *v) { (void)v; }
void vlapic_extint(struct vlapic *v, u8 vector) { (void)v, (void)vector; }
void vlapic_send_ipi(struct vlapic *from, u64 icr) { vlapic_ipi(all, N, from, icr); }
bool vioapic_deliver(struct vioapic *x, const struct irq_msg *m) { (void)x; return vlapic_route(all, N, m) > 0; }
/* clang-format on */

void vlapic_eoi_broadcast(struct vlapic *v, u8 vector)
{
	(void)v;
	HOLDS(++depth < 4); /* an EOI delivers, and that ends nothing */
	vioapic_eoi(&io, vector);
	depth--;
}

void vlapic_init_sipi(struct vlapic *v, bool sipi, u8 vector)
{
	(void)vector;
	if (!sipi)
		vlapic_reset(v, true);
}

static void look(struct vlapic *v)
{
	int top = vlapic_isr_top(v), next = vlapic_pending_vector(v);

	HOLDS(top >= -1 && top < 256 && next >= -1 && next < 256);
	HOLDS(top < 0 || (v->regs[(0x100 + top / 32 * 16) / 4] >> (top % 32) & 1));
	for (int k = 255; k > top; k--)
		HOLDS(!(v->regs[(0x100 + k / 32 * 16) / 4] >> (k % 32) & 1));
	HOLDS(next < 0 || (next >= 16 && next / 16 > top / 16));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct bytes b = { data, data + size };
	u64 value;

	memset(page, 0, sizeof(page));
	memset(apic, 0, sizeof(apic));
	now = 1000;
	depth = 0;
	for (u32 i = 0; i < N; i++) {
		all[i] = &apic[i];
		armed[i] = 0;
		vlapic_init(&apic[i], page[i], i, 3000000000ull, 40);
	}
	vioapic_init(&io, 1);
	while (b.at < b.end) {
		u32 what = (u32)take(&b, 1);
		struct vlapic *v = &apic[(what >> 4) % N];
		struct irq_msg m;

		now += what;
		switch (what & 15) {
		case 0:
			if (vlapic_xapic(v))
				vlapic_mmio_write(v, (unsigned)take(&b, 2) & 0xfff, 4, (u32)take(&b, 4));
			break;
		case 1:
			(void)vlapic_mmio_read(v, (unsigned)take(&b, 2) & 0xfff, 1u << (what >> 6 & 1));
			break;
		case 2:
			value = take(&b, 1);
			(void)!vlapic_msr_write(v, 0x800 + (u32)value, take(&b, 8));
			break;
		case 3:
			(void)!vlapic_msr_read(v, 0x800 + (u32)take(&b, 1), &value);
			break;
		case 4:
			(void)!vlapic_base_msr_write(v, 0xfee00000 | (take(&b, 1) & 0xd) << 8);
			break;
		case 5:
			vlapic_tscdeadline_write(v, now + take(&b, 3));
			break;
		case 6:
			vlapic_tsc_offset_set(v, take(&b, 8));
			break;
		case 7:
			now = MAX(now, armed[v->id]);
			vlapic_timer_expired(v);
			break;
		case 8: {
			int next = vlapic_pending_vector(v);

			if (next >= 0)
				vlapic_ack(v, (u8)next);
			break;
		}
		case 9:
			vlapic_eoi(v);
			break;
		case 10:
			vioapic_mmio_write(&io, (unsigned)take(&b, 2) & 0xfff, 1u << (what >> 6 & 1),
					   (u32)take(&b, 1));
			break;
		case 11:
			vioapic_mmio_write(&io, 0, 4, 0x10 + ((u32)take(&b, 1) & 63));
			vioapic_mmio_write(&io, 16, 4, (u32)take(&b, 3));
			break;
		case 12:
			vioapic_set_line(&io, (unsigned)take(&b, 1), what & 64);
			break;
		case 13:
			value = take(&b, 3);
			if (vlapic_msi_decode(0xfee00000 | (value & 0xfffff), (u32)take(&b, 2), &m))
				vlapic_route(all, N, &m);
			break;
		case 14:
			vlapic_pv_eoi_enable(v, what & 64);
			break;
		default:
			vlapic_tpr_set(v, (u8)take(&b, 1));
		}
		look(v);
	}
	return 0;
}
