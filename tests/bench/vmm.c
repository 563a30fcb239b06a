/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least VMM over /dev/kvm that the bench guest runs on, a static program for the initramfs that
 * `scripts/bench --peer kvm` makes: `vmm IMAGE.elf` runs a PVH image with 64 MiB, two vCPUs and KVM's
 * interrupt controllers, and prints what it sends to COM1; `vmm` alone makes and ends virtual machines of 1
 * MiB and says what that costs.
 *
 * RAM is there before it is measured, below 32 MiB in small pages, above in large ones; the guest's TSC is
 * the host's. See the Linux kernel's Documentation/virt/kvm/api.rst.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#define MIB	    (1ul << 20)
#define RAM	    (64 * MIB)
#define VCPUS	    2
#define START_INFO  0x7000u
#define XEN_MAGIC   0x336ec578u
#define NOTE_ENTRY  18 /* XEN_ELFNOTE_PHYS32_ENTRY */
#define CREATIONS   20
#define CHECK(call) checked((long)(call), #call)

struct vm {
	int vm, vcpu[VCPUS];
	struct kvm_run *run[VCPUS];
	size_t run_bytes;
};

static int kvm;

static int checked(long r, const char *what)
{
	if (r < 0) {
		perror(what);
		exit(1);
	}
	return (int)r;
}

static char *ram_alloc(size_t bytes)
{
	char *p = mmap(NULL, bytes + 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		CHECK(-1);
	p = (char *)(((unsigned long)p + 2 * MIB - 1) & ~(2 * MIB - 1));
	if (bytes == RAM) {
		CHECK(madvise(p, RAM / 2, MADV_NOHUGEPAGE));
		CHECK(madvise(p + RAM / 2, RAM / 2, MADV_HUGEPAGE));
	}
	memset(p, 0, bytes);
	return p;
}

static void vm_make(struct vm *m, char *ram, size_t bytes, int vcpus)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[100];
	} cpuid = { .head.nent = 100 };
	struct kvm_userspace_memory_region slot = { .memory_size = bytes,
						    .userspace_addr = (unsigned long)ram };
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	__u64 offset = 0;
	struct kvm_device_attr tsc = { .group = KVM_VCPU_TSC_CTRL,
				       .attr = KVM_VCPU_TSC_OFFSET,
				       .addr = (unsigned long)&offset };

	m->vm = CHECK(ioctl(kvm, KVM_CREATE_VM, 0));
	CHECK(ioctl(m->vm, KVM_SET_TSS_ADDR, 0xfffbd000ul));
	CHECK(ioctl(m->vm, KVM_CREATE_IRQCHIP, 0));
	CHECK(ioctl(m->vm, KVM_CREATE_PIT2, &pit));
	CHECK(ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &slot));
	CHECK(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid));
	m->run_bytes = (size_t)CHECK(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	for (int i = 0; i < vcpus; i++) {
		for (unsigned k = 0; k < cpuid.head.nent; k++)
			if (cpuid.entry[k].function ==
			    1) { /* the APIC's id; x2APIC, TSC-deadline, "a hypervisor" */
				cpuid.entry[k].ebx = (cpuid.entry[k].ebx & 0xffffff) | (unsigned)i << 24;
				cpuid.entry[k].ecx |= 1u << 21 | 1u << 24 | 1u << 31;
			} else if (cpuid.entry[k].function == 0xb || cpuid.entry[k].function == 0x1f) {
				cpuid.entry[k].edx = (unsigned)i;
			}
		m->vcpu[i] = CHECK(ioctl(m->vm, KVM_CREATE_VCPU, i));
		m->run[i] = mmap(NULL, m->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu[i], 0);
		CHECK(m->run[i] == MAP_FAILED ? -1 : 0);
		CHECK(ioctl(m->vcpu[i], KVM_SET_CPUID2, &cpuid));
		CHECK(ioctl(m->vcpu[i], KVM_SET_DEVICE_ATTR, &tsc));
	}
}

static void vm_end(struct vm *m, int vcpus)
{
	for (int i = 0; i < vcpus; i++) {
		munmap(m->run[i], m->run_bytes);
		close(m->vcpu[i]);
	}
	close(m->vm);
}

/* ---- running ---- */

static void console(char c)
{
	static char line[256];
	static size_t n;

	line[n++] = c;
	if (c == '\n' || n == sizeof(line)) {
		CHECK(write(1, line, n));
		n = 0;
	}
}

/* Until the guest writes to port 0xf4: its code. Ports and addresses that nobody claims read all ones. */
static int vcpu_loop(struct vm *m, int i)
{
	struct kvm_run *r = m->run[i];

	for (;;) {
		unsigned char *data = (unsigned char *)r + r->io.data_offset;

		if (ioctl(m->vcpu[i], KVM_RUN, 0) < 0) {
			if (errno == EAGAIN || errno == EINTR) /* out of INIT */
				continue;
			CHECK(-1);
		}
		data = (unsigned char *)r + r->io.data_offset;
		if (r->exit_reason == KVM_EXIT_IO && r->io.direction == KVM_EXIT_IO_OUT) {
			if (r->io.port == 0xf4)
				return *data;
			if (r->io.port == 0x3f8)
				console((char)*data);
		} else if (r->exit_reason == KVM_EXIT_IO) {
			memset(data, r->io.port == 0x3fd ? 0x60 : 0xff, r->io.size);
		} else if (r->exit_reason == KVM_EXIT_MMIO) {
			if (!r->mmio.is_write)
				memset(r->mmio.data, 0xff, sizeof(r->mmio.data));
		} else {
			struct kvm_regs regs = { 0 };

			ioctl(m->vcpu[i], KVM_GET_REGS, &regs);
			fprintf(stderr, "vmm: vCPU %d: exit %u, now at %llx\n", i, r->exit_reason, regs.rip);
			exit(1);
		}
	}
}

static void *second(void *m)
{
	vcpu_loop(m, 1);
	return NULL;
}

/* A PVH image and its start info: the 32-bit entry. */
static unsigned load(const char *path, char *ram)
{
	struct {
		unsigned magic, version, flags, modules;
		__u64 modlist, cmdline, rsdp, memmap;
		unsigned entries, reserved;
		struct {
			__u64 addr, size;
			unsigned type, reserved;
		} map;
	} *info = (void *)(ram + START_INFO);
	int fd = CHECK(open(path, O_RDONLY));
	off_t bytes = lseek(fd, 0, SEEK_END);
	char *file = mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	const Elf64_Ehdr *e = (void *)file;
	const Elf64_Phdr *p = (void *)(file + e->e_phoff);
	unsigned entry = 0;

	for (int i = 0; i < e->e_phnum; i++, p++) {
		const unsigned *note = (void *)(file + p->p_offset);

		if (p->p_type == PT_LOAD)
			memcpy(ram + p->p_paddr, file + p->p_offset, p->p_filesz);
		else if (p->p_type == PT_NOTE && note[2] == NOTE_ENTRY)
			entry = note[3 + (note[0] + 3) / 4];
	}
	info->magic = XEN_MAGIC;
	info->version = 1;
	info->memmap = START_INFO + offsetof(typeof(*info), map);
	info->entries = 1;
	info->map.size = RAM;
	info->map.type = 1;
	return entry;
}

static void run_image(const char *path)
{
	struct kvm_segment data = {
		.limit = ~0u, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1
	};
	struct kvm_regs regs = { .rflags = 2, .rbx = START_INFO };
	struct kvm_sregs s;
	pthread_t thread;
	struct vm m;
	char *ram = ram_alloc(RAM);

	regs.rip = load(path, ram);
	vm_make(&m, ram, RAM, VCPUS);
	CHECK(ioctl(m.vcpu[0], KVM_GET_SREGS, &s));
	s.ds = s.es = s.ss = s.fs = s.gs = s.cs = data;
	s.cs.selector = 8;
	s.cs.type = 11;
	s.tr.type = 11; /* long mode does not begin on a 16-bit TSS, which KVM's reset leaves: #GP on AMD */
	s.cr0 = 0x11;
	CHECK(ioctl(m.vcpu[0], KVM_SET_SREGS, &s));
	CHECK(ioctl(m.vcpu[0], KVM_SET_REGS, &regs));
	CHECK(-pthread_create(&thread, NULL, second, &m));
	printf("vmm: the guest ended: %d\n", vcpu_loop(&m, 0));
}

/* ---- making and ending ---- */

static void report(const char *name, __u64 *t)
{
	for (int i = 1; i < CREATIONS; i++)
		for (int k = i; k > 0 && t[k - 1] > t[k]; k--) {
			__u64 v = t[k];

			t[k] = t[k - 1];
			t[k - 1] = v;
		}
	printf("bench %s min=%llu median=%llu max=%llu mean=0 n=%d\n", name, t[0], t[CREATIONS / 2],
	       t[CREATIONS - 1], CREATIONS);
}

/* From KVM_CREATE_VM to the first instruction, a RDTSC in real mode; and the end.
 * RAM is the process's: it stays. */
static void creations(void)
{
	static const unsigned char code[] = { 0x0f, 0x31, 0xe6, 0xf4 }; /* rdtsc; out 0xf4, al */
	static __u64 create[CREATIONS], destroy[CREATIONS];
	char *ram = ram_alloc(MIB);

	memcpy(ram, code, sizeof(code));
	for (int i = 0; i < CREATIONS; i++) {
		struct kvm_regs regs = { .rflags = 2 };
		struct kvm_sregs s;
		struct vm m;
		__u64 begin = __rdtsc(), end;

		vm_make(&m, ram, MIB, 1);
		CHECK(ioctl(m.vcpu[0], KVM_GET_SREGS, &s));
		s.cs.selector = 0;
		s.cs.base = 0;
		CHECK(ioctl(m.vcpu[0], KVM_SET_SREGS, &s));
		CHECK(ioctl(m.vcpu[0], KVM_SET_REGS, &regs));
		vcpu_loop(&m, 0);
		CHECK(ioctl(m.vcpu[0], KVM_GET_REGS, &regs));
		create[i] = ((regs.rdx & 0xffffffff) << 32 | (regs.rax & 0xffffffff)) - begin;
		end = __rdtsc();
		vm_end(&m, 1);
		destroy[i] = __rdtsc() - end;
	}
	report("create_tiny", create);
	report("destroy_tiny", destroy);
}

int main(int argc, char **argv)
{
	kvm = CHECK(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	if (argc > 1)
		run_image(argv[1]);
	else
		creations();
	fflush(stdout);
	_exit(0);
}
