# SPDX-License-Identifier: BSD-2-Clause
# make            build/caisson.elf, build/control.elf
# make guests     every guest image; make demos: those that are no tests
# make iso        build/caisson.iso
# make install    the hypervisor and a generator of its menu entry, for update-grub (DESTDIR, prefix)
# make run-host-tests
# make format-check
# make bench      scripts/bench --check: what things cost, against what they cost when it was recorded
#
# COUNTERS=empty builds build/empty/caisson.elf, whose exits are not counted, COUNTERS=kinds build/kinds/caisson.elf, which counts
# kinds of exits but not what they are about: scripts/bench counters shows what either costs.
# V=1 shows the commands; DEBUG=1 builds build/debug/caisson.elf, which checks itself, DEBUG=lean build/lean/caisson.elf, without UBSan
# (docs/testing.md).

ifeq ($(origin CC),default)
CC    := gcc
endif
LD    := ld
NASM  := nasm

B := build
H := $(B)$(if $(DEBUG),/$(patsubst 1,debug,$(DEBUG)))$(if $(COUNTERS),/$(COUNTERS))
Q := $(if $(V),,@)

# ---- what the hypervisor is made of: each room lists its objects ----
BOOT_OBJS   := boot/boot.o boot/trampoline.o boot/multiboot2.o
ARCH_OBJS   := arch/x86/cet.o arch/x86/cpu.o arch/x86/doctor.o arch/x86/hostmap.o arch/x86/init.o arch/x86/irq.o arch/x86/lapic.o \
	arch/x86/percpu.o arch/x86/pgtable.o arch/x86/power.o arch/x86/smp.o arch/x86/traps.o arch/x86/stubs.o arch/x86/tsc.o \
	arch/x86/cpuid_policy.o arch/x86/exit.o arch/x86/insn_decode.o arch/x86/io.o arch/x86/mitigate.o arch/x86/msr.o arch/x86/msr_policy.o \
	arch/x86/pv.o arch/x86/pvclock.o arch/x86/s2.o arch/x86/vcpu.o arch/x86/vioapic.o arch/x86/vlapic.o arch/x86/walk.o arch/x86/watch.o
VMX_OBJS    := arch/x86/vmx/apicv.o arch/x86/vmx/caps.o arch/x86/vmx/doctor.o arch/x86/vmx/entry.o arch/x86/vmx/run.o arch/x86/vmx/vmcs.o \
	arch/x86/vmx/vmx.o
SVM_OBJS    := arch/x86/svm/caps.o arch/x86/svm/entry.o arch/x86/svm/run.o arch/x86/svm/svm.o \
	arch/x86/svm/vmcb.o
HV_OBJS     := hv/bootinfo.o hv/bus.o hv/console.o hv/control.o hv/domain.o hv/event.o hv/frame.o hv/heap.o hv/hypercall.o \
	hv/ioreq.o hv/log.o hv/main.o hv/memory.o hv/panic.o hv/printf.o hv/rights.o hv/run.o hv/sched.o hv/share.o \
	hv/stats.o hv/string.o hv/timer.o hv/trace.o hv/watchdog.o $(if $(DEBUG),hv/debug.o)
# no canary: on the way of exits, and on that of a panic, which a canary ends in
HOT_OBJS    := $(addprefix hv/,bus.o event.o frame.o heap.o ioreq.o memory.o run.o sched.o timer.o) \
	$(addprefix hv/,console.o log.o panic.o printf.o) $(addprefix drivers/,screen.o uart.o)
DRIVER_OBJS := drivers/acpi.o drivers/clocks.o drivers/ioapic.o drivers/pci.o drivers/screen.o drivers/serial.o drivers/uart.o

OBJS := $(addprefix $(H)/hv/,$(BOOT_OBJS) $(ARCH_OBJS) $(VMX_OBJS) $(SVM_OBJS) $(HV_OBJS) $(DRIVER_OBJS))

CHECKS := -DCAISSON_DEBUG -DCAISSON_CHECKS \
	$(if $(filter-out lean,$(DEBUG)),-fsanitize=undefined -fsanitize-undefined-trap-on-error -fno-sanitize=alignment)
WARN   := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-common -fno-stack-protector -mstack-protector-guard=global -fno-asynchronous-unwind-tables \
	-fno-strict-aliasing -fcf-protection=branch -mmanual-endbr -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -mpreferred-stack-boundary=3 \
	-fno-tree-loop-distribute-patterns $(WARN) -I. $(if $(DEBUG),$(CHECKS)) \
	$(if $(COUNTERS),-DCAISSON_NO_WHATS) $(if $(filter empty,$(COUNTERS)),-DCAISSON_NO_COUNTERS)
LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments --build-id=none

.PHONY: all guests demos iso install testable host-tests run-host-tests format-check bench clean
.DELETE_ON_ERROR:
all: $(H)/caisson.elf

$(H)/caisson.elf: $(OBJS) linker.ld
	$(Q)$(LD) $(LDFLAGS) -T linker.ld -o $@ $(OBJS)

# A canary under the return address of every function with a buffer, but for those whose instructions are counted.
$(addprefix $(H)/hv/,boot/multiboot2.o $(filter-out $(HOT_OBJS),$(HV_OBJS) $(DRIVER_OBJS))): CFLAGS += \
	-fstack-protector-strong

$(H)/hv/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# Without the labels of macros: what stands behind one is of the function before it, also for a backtrace. (nasm's -MD leaves out
# what is included: 2.16.)
$(H)/hv/%.o: %.asm $(H)/asm-offsets.inc $(wildcard arch/x86/*.inc)
	@mkdir -p $(@D)
	$(Q)$(NASM) -f elf64 -g -F dwarf -I$(H)/ -o $@ $<
	$(Q)objcopy -w -N '..@*' $@

# What assembly knows of C's structures: the compiler says it, nobody types it.
$(H)/asm-offsets.inc: arch/x86/asm-offsets.c
	@mkdir -p $(H)/hv/arch/x86
	$(Q)$(CC) $(CFLAGS) -MMD -MP -MT $@ -MF $(H)/hv/asm-offsets.d -S -o $(H)/hv/asm-offsets.s $<
	$(Q)sed -n 's/^->\(.*\) \$$/\1 /p' $(H)/hv/asm-offsets.s >$@

-include $(OBJS:.o=.d) $(H)/hv/asm-offsets.d

# ---- guests: their own rules; all and guests get their images ----
-include guest/files.mk
ifneq ($(wildcard guest/files.mk),)
all: $(B)/control.elf
endif
guests: $(GUEST_IMAGES)
demos: $(filter-out $(B)/guest/test_%,$(GUEST_IMAGES))

iso: all demos
	scripts/mkiso --video --default-images $(B)/caisson.iso

# prefix is empty on a machine that starts Caisson itself: GRUB wants its files in /boot and /etc/grub.d.
prefix ?=
install: all
	install -d $(DESTDIR)$(prefix)/boot/caisson $(DESTDIR)$(prefix)/etc/grub.d
	install -m 644 $(H)/caisson.elf $(B)/control.elf $(DESTDIR)$(prefix)/boot/caisson
	sed 's,@BOOT@,$(prefix)/boot,g; s,@ETC@,$(prefix)/etc,g' scripts/20_caisson >$(B)/20_caisson
	install -m 755 $(B)/20_caisson $(DESTDIR)$(prefix)/etc/grub.d/20_caisson

# ---- tests of pure logic, on the host: tests/host/*.mk say HOST_TESTS += name, name_SRCS := files, name_CFLAGS ----
# (T): what needs no processor of its own and so links here. scripts/test --coverage wants 90 % of its branches taken.
TESTABLE := boot/multiboot2.c \
	$(addprefix arch/x86/,cpuid_policy.c exit.c insn_decode.c io.c msr.c msr_policy.c pgtable.c pv.c pvclock.c vioapic.c vlapic.c walk.c svm/caps.c vmx/caps.c vmx/doctor.c) \
	$(addprefix drivers/,acpi.c pci.c screen.c serial.c uart.c) \
	$(addprefix hv/,bootinfo.c bus.c domain.c event.c frame.c heap.c hypercall.c ioreq.c log.c memory.c printf.c rights.c run.c sched.c \
	share.c stats.c string.c timer.c trace.c) \
	guest/lib/string.c $(filter guest/%,$(filter-out guest/control/main.c guest/control/serial2.c,$(CONTROL_SRCS)))
HOST_TESTS :=
-include $(wildcard tests/host/*.mk) tests/host/fuzz/files.mk
HOST_CFLAGS := -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-Wall -Wextra -Werror -I.

define host_test_rule
$(B)/host/$(1)_test: tests/host/$(1)_test.c $$($(1)_SRCS)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(HOST_CFLAGS) $$($(1)_CFLAGS) -MMD -MP -MF $$@.d -MT $$@ -o $$@ $$(filter %.c,$$^) -lcmocka
-include $(B)/host/$(1)_test.d
endef
$(foreach t,$(HOST_TESTS),$(eval $(call host_test_rule,$(t))))

testable:
	@echo $(TESTABLE)

host-tests: $(HOST_TESTS:%=$(B)/host/%_test)

run-host-tests: host-tests
	@for t in $(HOST_TESTS); do $(B)/host/$${t}_test >$(B)/host/$$t.log 2>&1 || { cat $(B)/host/$$t.log; echo "FAILED: $$t"; exit 1; }; done; \
	echo "$(words $(HOST_TESTS)) host tests passed"

bench:
	scripts/bench --check --inside

format-check:
	clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')

clean:
	rm -rf $(B)/hv $(B)/debug $(B)/lean $(B)/empty $(B)/kinds $(B)/host $(B)/guest $(B)/asm-offsets.inc $(B)/*.elf $(B)/*.iso
