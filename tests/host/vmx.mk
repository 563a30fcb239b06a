# Host tests of arch/x86's tables: built as build/host/<name>_test from tests/host/<name>_test.c and <name>_SRCS.
HOST_TESTS += vmx_caps
vmx_caps_SRCS := arch/x86/vmx/caps.c
HOST_TESTS += cpuid_policy
cpuid_policy_SRCS := arch/x86/cpuid_policy.c
HOST_TESTS += msr_policy pvclock
msr_policy_SRCS := arch/x86/msr_policy.c
pvclock_SRCS := arch/x86/pvclock.c
