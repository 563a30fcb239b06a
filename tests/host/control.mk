# SPDX-License-Identifier: BSD-2-Clause
# Host tests of the parts of guest/ that touch no port and make no hypercall.
BUILDER_SRCS := guest/control/memmap.c $(addprefix guest/control/builder/,image.c load.c elf.c bzimage.c pvh.c multiboot.c)

HOST_TESTS += guest_string
guest_string_SRCS :=

HOST_TESTS += control_memmap
control_memmap_SRCS := guest/control/memmap.c

HOST_TESTS += builder_elf builder_bzimage builder_pvh builder_multiboot
builder_elf_SRCS := $(BUILDER_SRCS)
builder_bzimage_SRCS := $(BUILDER_SRCS)
builder_pvh_SRCS := $(BUILDER_SRCS)
builder_multiboot_SRCS := $(BUILDER_SRCS)

HOST_TESTS += control_acpi
control_acpi_SRCS := guest/control/acpi.c

HOST_TESTS += dev_uart dev_rtc dev_pmtimer dev_exitport dev_fwcfg dev_testdev dev_power
dev_uart_SRCS := guest/control/dev/uart.c
dev_rtc_SRCS := guest/control/dev/rtc.c guest/control/memmap.c
dev_pmtimer_SRCS := guest/control/dev/pmtimer.c
dev_exitport_SRCS := guest/control/dev/exitport.c
dev_fwcfg_SRCS := guest/control/dev/fwcfg.c
dev_testdev_SRCS := guest/control/dev/testdev.c
dev_power_SRCS := guest/control/dev/power.c

HOST_TESTS += control_lineedit control_args control_conlog control_gdb
control_gdb_SRCS := guest/control/gdb_regs.c
control_lineedit_SRCS := guest/control/lineedit.c
control_args_SRCS := guest/control/args.c
control_conlog_SRCS := guest/control/conlog.c
