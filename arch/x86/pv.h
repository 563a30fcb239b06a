/* SPDX-License-Identifier: BSD-2-Clause */
/* What Linux uses of KVM beyond the clock.
 * Interface: Linux Documentation/virt/kvm/x86/cpuid.rst, msr.rst, hypercalls.rst. */
#ifndef ARCH_X86_PV_H
#define ARCH_X86_PV_H

#include "arch/x86/pvclock.h"
#include "arch/x86/vcpu.h"

u32 pv_features(void); /* CPUID leaf 40000001H: EAX */

/* Everything of KVM's MSRs and calls is off. v is loaded nowhere, or here (INIT). */
void pv_reset(struct x86_vcpu *v);

/* On v's CPU. A call of KVM's numbers from CPL 0; wide: in 64-bit mode. The result. */
s64 pv_call(struct x86_vcpu *v, u64 nr, bool wide);
/* False: #GP. */
bool pv_set_steal_time(struct x86_vcpu *v, u64 value);
bool pv_set_eoi(struct x86_vcpu *v, u64 value);

/* By arch_vcpu_load() and arch_vcpu_put() of one that has asked for its steal time:
 * what it waited, and that it is off its CPU. */
void pv_load(struct x86_vcpu *v);
void pv_put(struct x86_vcpu *v);

#endif
