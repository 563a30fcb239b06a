/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From an image to a domain that runs: what `create` and every reset do. The plan is complete, or an error,
 * before the hypervisor is asked for anything; after that each failure ends in one place that gives
 * everything back.
 */
#include "guest/control/build.h"

#include "guest/control/acpi.h"
#include "guest/control/builder/image.h"
#include "guest/control/cmd_trace.h"
#include "guest/control/errors.h"
#include "guest/control/images.h"
#include "guest/control/memmap.h"
#include "guest/control/ports.h"
#include "guest/control/pump.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

/* One build at a time: the shell has one thread, and the pump builds nothing. */
static struct load_plan plan;
static u8 tables[MEMMAP_TABLES_SIZE] __attribute__((aligned(16)));
static size_t tables_used;

static bool fail(char err[DOMAIN_ERR], const char *what, s64 r)
{
	snprintf(err, DOMAIN_ERR, "%s: %s", what, error_name(r));
	return false;
}

/* ---- the plan ---- */

static bool plan_make(struct image *m, const char *args, u64 memory, u32 vcpus, char err[DOMAIN_ERR])
{
	struct load_input in = { .size = m->bytes, .name = m->name, .cmdline = args, .memory = memory };
	char why[LOAD_ERR_SIZE];

	in.image = image_bytes(m, err, DOMAIN_ERR);
	if (!in.image)
		return false;
	if (m->initrd) {
		in.initrd = image_bytes(m->initrd, err, DOMAIN_ERR);
		if (!in.initrd)
			return false;
		in.initrd_size = m->initrd->bytes;
		in.initrd_name = m->initrd->args;
	}
	in.rsdp = acpi_build(tables, vcpus, &tables_used);
	if (image_load(&in, &plan, why))
		return true;
	snprintf(err, DOMAIN_ERR, "image %s: %s", m->name, why);
	return false;
}

/* ---- memory ---- */

static bool populate(struct dom *d, u64 start, u64 size, u32 flags, char err[DOMAIN_ERR])
{
	u64 pages = size / PAGE_SIZE, done = 0;

	while (done < pages) {
		s64 r = hc_populate(d->id, start + done * PAGE_SIZE, pages - done, flags);

		if (r <= 0) {
			snprintf(err, DOMAIN_ERR, "giving it RAM at 0x%llx: %s",
				 (unsigned long long)(start + done * PAGE_SIZE), error_name(r));
			return false;
		}
		done += (u64)r;
		pump_poll();
	}
	return true;
}

static bool populate_all(struct dom *d, char err[DOMAIN_ERR])
{
	struct memmap_range range[MEMMAP_RANGES_MAX];
	u32 n = memmap_ranges(d->memory, range);

	for (u32 i = 0; i < n; i++) {
		bool rom = range[i].type != MEMMAP_RAM;
		u32 flags = rom ? CAISSON_POP_ROM : d->flags & DOM_LAZY ? CAISSON_POP_LAZY : 0;

		if (!populate(d, range[i].start, range[i].size, flags, err))
			return false;
	}
	return true;
}

static bool write_all(struct dom *d, const char *what, u64 gpa, const void *from, u64 bytes,
		      char err[DOMAIN_ERR])
{
	u64 done = 0;

	while (done < bytes) {
		s64 r = hc_mem_write(d->id, gpa + done, (const u8 *)from + done, bytes - done);

		if (r <= 0) {
			snprintf(err, DOMAIN_ERR, "writing its %s at 0x%llx: %s", what,
				 (unsigned long long)(gpa + done), error_name(r));
			return false;
		}
		done += (u64)r;
		pump_poll();
	}
	return true;
}

/*
 * What a guest finds where PCs have the BIOS's entry: it asks for a reset. Linux comes here in real mode when
 * its firmware is hardware-reduced ACPI without UEFI: it then tries neither the ACPI reset register nor the
 * keyboard controller.
 */
#define RESET_VECTOR 0xffff0ull
static const u8 reset_code[] = {
	0xb0,
	RESET_VALUE, /* mov al, 6 */
	0xba,
	PORT_RESET & 0xff,
	PORT_RESET >> 8, /* mov dx, 0xcf9 */
	0xee,		 /* out dx, al */
	0xf4,		 /* hlt */
	0xeb,
	0xfd, /* jmp to the hlt */
};

static bool write_image(struct dom *d, char err[DOMAIN_ERR])
{
	for (u32 i = 0; i < plan.nsegments; i++) {
		const struct load_segment *s = &plan.segment[i];

		/* The rest up to memsz is zero already: the hypervisor gives no other memory. */
		if (!write_all(d, s->what, s->gpa, s->src, s->filesz, err))
			return false;
	}
	return write_all(d, "ACPI tables", MEMMAP_TABLES_START, tables, tables_used, err) &&
	       write_all(d, "reset vector", RESET_VECTOR, reset_code, sizeof(reset_code), err);
}

/* ---- the first vCPU ---- */

/* VMX "access rights" of segments, without the bit for unusable ones; SDM: "Guest Register State" */
#define ATTR_CODE32 0xc09b
#define ATTR_CODE64 0xa09b
#define ATTR_DATA   0xc093
#define ATTR_TSS    0x008b
#define LIMIT_4G    0xffffffffu
#define LIMIT_TSS   0x67

#define CR0_PE	 0x1ull
#define CR0_ET	 0x10ull
#define CR0_NE	 0x20ull
#define CR0_PG	 0x80000000ull
#define CR4_PAE	 0x20ull
#define EFER_LME 0x100ull
#define EFER_LMA 0x400ull
#define RFLAGS_1 0x2ull
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

static void segments_set(struct caisson_vcpu_context *c, u16 cs, u16 ds, u16 code)
{
	struct caisson_segment data = { .limit = LIMIT_4G, .selector = ds, .attr = ATTR_DATA };

	c->cs = (struct caisson_segment){ .limit = LIMIT_4G, .selector = cs, .attr = code };
	c->ss = c->ds = c->es = c->fs = c->gs = data;
	c->ldtr = (struct caisson_segment){ 0 };
	c->tr = (struct caisson_segment){ .limit = LIMIT_TSS, .attr = ATTR_TSS };
}

static bool start_set(struct dom *d, char err[DOMAIN_ERR])
{
	struct caisson_vcpu_context c;
	s64 r = hc_vcpu_get(d->id, 0, &c);

	if (r < 0)
		return fail(err, "reading its vCPU", r);
	memset(c.gpr, 0, sizeof(c.gpr));
	c.gpr[RAX] = plan.rax;
	c.gpr[RBX] = plan.rbx;
	c.gpr[RSI] = plan.rsi;
	c.rip = plan.entry;
	c.rflags = RFLAGS_1;
	c.idtr_base = c.gdtr_base = 0;
	c.idtr_limit = c.gdtr_limit = 0;
	c.activity = CAISSON_ACT_RUN;
	if (plan.kind == LOAD_ENTRY_LINUX64) {
		segments_set(&c, LOAD_LINUX64_CS, LOAD_LINUX64_DS, ATTR_CODE64);
		c.gdtr_base = plan.gdt;
		c.gdtr_limit = plan.gdt_limit;
		c.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
		c.cr3 = plan.cr3;
		c.cr4 = CR4_PAE;
		c.efer = EFER_LME | EFER_LMA;
	} else {
		segments_set(&c, 0x8, 0x10, ATTR_CODE32);
		c.cr0 = CR0_PE | CR0_ET;
		c.cr3 = c.cr4 = c.efer = 0;
	}
	r = hc_vcpu_set(d->id, 0, &c);
	return r < 0 ? fail(err, "setting its vCPU", r) : true;
}

/* ---- all of it ---- */

static bool connect(struct dom *d, char err[DOMAIN_ERR])
{
	const char *what = "";
	s64 r = domain_connect(d);

	if (r < 0)
		return fail(err, "mapping its request page", r);
	if (!devices_init(d, d->memory, d->vcpus, d->flags & DOM_TESTDEV)) {
		snprintf(err, DOMAIN_ERR, "not enough memory in the control domain for its devices");
		return false;
	}
	r = devices_claim(d, &what);
	if (r < 0) {
		snprintf(err, DOMAIN_ERR, "claiming %s: %s", what, error_name(r));
		return false;
	}
	devices_keep(d);
	r = domain_connect_ring(d);
	return r < 0 ? fail(err, "mapping its ring of posted writes", r) : true;
}

static bool fill(struct dom *d, char err[DOMAIN_ERR])
{
	return connect(d, err) && populate_all(d, err) && write_image(d, err) && start_set(d, err);
}

/* The image's, or the image's with a number that goes on where it was:
 * not a search through all that there are. */
static void default_name(struct image *m, char name[CAISSON_NAME])
{
	struct dom *d;

	snprintf(name, CAISSON_NAME, "%.25s", m->name);
	while ((d = domain_find(name)) && d->flags & DOM_LIVE)
		snprintf(name, CAISSON_NAME, "%.25s-%u", m->name, ++m->copies + 1);
}

static bool name_free(const char *name, char err[DOMAIN_ERR])
{
	struct dom *d = domain_find(name);

	if (!domain_name_ok(name)) {
		snprintf(err, DOMAIN_ERR,
			 "name \"%.40s\": 1 to %u letters, digits, '-', '_' or '.', and not digits alone",
			 name, CAISSON_NAME - 1);
		return false;
	}
	if (d && d->flags & DOM_LIVE) {
		snprintf(err, DOMAIN_ERR, "the name %s is taken by domain %u", name, d->id);
		return false;
	}
	return true;
}

static s64 hv_create(const struct build *b, const char *name, const char *args, char err[DOMAIN_ERR])
{
	static struct caisson_create c;
	s64 id;

	memset(&c, 0, sizeof(c));
	c.abi_version = CAISSON_ABI_VERSION;
	c.vcpus = b->vcpus;
	c.pages = b->memory / PAGE_SIZE; /* a little more than the RAM, which has a hole */
	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.origin, sizeof(c.origin), "%s", b->image->name);
	snprintf(c.args, sizeof(c.args), "%s", args);
	id = hc_domain_create(&c);
	if (id == -CAISSON_ENOMEM)
		snprintf(err, DOMAIN_ERR, "not enough memory: the machine has no %llu MiB free (try: info)",
			 (unsigned long long)(b->memory >> 20));
	else if (id < 0)
		fail(err, "creating the domain", id);
	else
		trace_created((u32)id);
	return id;
}

struct dom *domain_build(const struct build *b, char err[DOMAIN_ERR])
{
	const char *args = b->args ? b->args : b->image->args;
	char name[CAISSON_NAME];
	struct dom *d;
	s64 r;

	if (b->name) {
		if (!name_free(b->name, err))
			return NULL;
		snprintf(name, sizeof(name), "%s", b->name);
	} else {
		default_name(b->image, name);
	}
	if (!plan_make(b->image, args, b->memory, b->vcpus, err))
		return NULL;
	r = hv_create(b, name, args, err);
	if (r < 0)
		return NULL;
	d = domain_record((u32)r, args);
	if (!d) {
		snprintf(err, DOMAIN_ERR, "not enough memory in the control domain for its record");
		while (hc_domain_destroy((u32)r) == -CAISSON_EAGAIN)
			;
		return NULL;
	}
	d->flags = b->flags | DOM_LIVE;
	d->memory = b->memory;
	d->vcpus = b->vcpus;
	d->image = b->image;
	domain_name(d, name);
	conlog_init(&d->log);
	for (u32 i = 0; i < b->vcpus; i++) {
		r = hc_vcpu_create(d->id, i);
		if (r < 0) {
			snprintf(err, DOMAIN_ERR, "making its vCPU %u: %s", i, error_name(r));
			goto undo;
		}
	}
	if (!fill(d, err))
		goto undo;
	if (!(b->flags & DOM_PAUSED)) {
		r = hc_domain_unpause(d->id);
		if (r < 0) {
			fail(err, "starting it", r);
			goto undo;
		}
	}
	return d;
undo:
	domain_remove(d);
	return NULL;
}

bool domain_rebuild(struct dom *d, char err[DOMAIN_ERR])
{
	s64 r;

	d->flags &= ~DOM_REBUILD;
	if (!d->image) {
		snprintf(err, DOMAIN_ERR, "its image is unknown");
		return false;
	}
	if (!plan_make(d->image, d->args, d->memory, d->vcpus, err))
		return false;
	domain_disconnect(d);
	while ((r = hc_domain_reset(d->id)) == -CAISSON_EAGAIN)
		pump_poll();
	if (r < 0)
		return fail(err, "resetting it", r);
	d->end = CAISSON_END_NONE;
	d->code = 0;
	d->why[0] = 0;
	d->rebuilds++;
	if (!fill(d, err))
		return false;
	r = hc_domain_unpause(d->id);
	return r < 0 ? fail(err, "starting it", r) : true;
}

/* ---- after a crash of the control domain ---- */

static bool adopt(const struct caisson_domain *info)
{
	struct dom *d = domain_record(info->id, info->args);
	u32 flags;

	if (!d)
		return false;
	d->flags = DOM_LIVE;
	d->memory = info->pages * PAGE_SIZE;
	d->vcpus = info->max_vcpus;
	d->image = images_find(info->origin);
	domain_name(d, info->name);
	conlog_init(&d->log);
	if (domain_connect(d) < 0 || !devices_kept(d, &flags) ||
	    !devices_init(d, d->memory, d->vcpus, flags & DOM_TESTDEV) || domain_connect_ring(d) < 0) {
		domain_disconnect(d);
		domain_forget(d);
		return false;
	}
	d->flags |= flags & (DOM_LAZY | DOM_TESTDEV | DOM_NO_REBOOT | DOM_PAUSED);
	devices_adopt(d);
	hc_debug(d->id, 0, CAISSON_DEBUG_RESUME, NULL);
	if (info->state == CAISSON_STATE_ENDED)
		domain_note_end(d, info);
	return true;
}

u32 domain_adopt(void)
{
	static struct caisson_domain info;
	u32 n = 0;

	for (u32 id = CAISSON_CONTROL + 1; !hc_domain_next(id, &info); id = info.id + 1) {
		if (info.state == CAISSON_STATE_DYING)
			while (hc_domain_destroy(info.id) == -CAISSON_EAGAIN)
				;
		else
			n += adopt(&info);
	}
	return n;
}
