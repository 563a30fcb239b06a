# SPDX-License-Identifier: BSD-2-Clause
# Host tests of arch/x86's tables: what VMX can do, why an entry is refused, the guest's CPUID, MSRs and clock.
HOST_TESTS += vmx_caps mitigate check cpuid_policy msr_policy pvclock
vmx_caps_SRCS := arch/x86/vmx/caps.c arch/x86/vmx/doctor.c guest/control/fields.c guest/control/doctor.c
mitigate_SRCS := arch/x86/mitigate.c guest/control/doctor.c
check_SRCS := guest/control/check_vmx.c guest/control/check_svm.c guest/control/fields.c
cpuid_policy_SRCS := arch/x86/cpuid_policy.c
msr_policy_SRCS := arch/x86/msr_policy.c
pvclock_SRCS := arch/x86/pvclock.c
