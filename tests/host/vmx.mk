# SPDX-License-Identifier: BSD-2-Clause
# Host tests of arch/x86's tables: what VMX can do, why an entry is refused, the guest's CPUID, MSRs and clock.
HOST_TESTS += vmx_caps vmx_check cpuid_policy msr_policy pvclock
vmx_caps_SRCS := arch/x86/vmx/caps.c
vmx_check_SRCS := arch/x86/vmx/check.c
cpuid_policy_SRCS := arch/x86/cpuid_policy.c
msr_policy_SRCS := arch/x86/msr_policy.c
pvclock_SRCS := arch/x86/pvclock.c
