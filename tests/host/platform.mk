# SPDX-License-Identifier: BSD-2-Clause
# Host tests of the platform's logic.  The hypervisor's own string functions get names beside libc's.
HV_STRING := -include tests/host/hv_string.h

HOST_TESTS += string printf log multiboot2 acpi pgtable serial screen
string_SRCS := hv/string.c
string_CFLAGS := $(HV_STRING)
printf_SRCS := hv/printf.c hv/string.c
printf_CFLAGS := $(HV_STRING) -Dsnprintf=hv_snprintf -Dvsnprintf=hv_vsnprintf
log_SRCS := hv/log.c hv/printf.c hv/string.c
log_CFLAGS := $(printf_CFLAGS)
multiboot2_SRCS := boot/multiboot2.c hv/bootinfo.c hv/string.c
multiboot2_CFLAGS := $(HV_STRING)
acpi_SRCS := drivers/acpi.c hv/string.c
acpi_CFLAGS := $(HV_STRING)
pgtable_SRCS := arch/x86/pgtable.c
serial_SRCS := drivers/serial.c drivers/pci.c drivers/uart.c hv/string.c
serial_CFLAGS := $(HV_STRING) -include tests/host/fake_io.h
screen_SRCS := drivers/screen.c
