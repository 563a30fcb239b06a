/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/doctor.h"
#include "arch/x86/regs.h"
#include "arch/x86/vmx/caps.h"
#include "hv/printf.h"

#define FIRMWARE   "switch on \"Intel Virtualization Technology (VT-x)\" in the firmware setup"
#define QEMU	   "; QEMU/KVM: -cpu host, kvm_intel nested=1"
#define SINCE_2010 "Intel cores of 2010 on have it" QEMU

/* The first that is required and missing, or NULL. */
static const char *missing(const struct vmx_caps *c)
{
	static const struct {
		u8 kind, bit;
		const char *name;
	} controls[] = {
#define ROW(kind, name, bit) { VMX_CTL_##kind, bit, "VMX control " #kind "." #name },
		VMX_BITS(ROW)
	};

	for (u32 i = 0; i < ARRAY_SIZE(controls); i++)
		if (vmx_required[controls[i].kind] & ~c->may[controls[i].kind] & BIT(controls[i].bit))
			return controls[i].name;
	return NULL;
}

void vmx_caps_doctor(const struct vmx_caps *c)
{
	const bool locked = c->feature_control & FEATURE_CONTROL_LOCK;
	const u32 must = CAISSON_DOCTOR_REQUIRED;
	const char *lacks = missing(c);
	char text[32] = "";

	doctor_feature(c->vmx, must, "VMX (CPUID.1:ECX.VMX, CR4.VMXE)", NULL, FIRMWARE QEMU);
	if (c->vmx)
		snprintf(text, sizeof(text), "%#lx, %s", c->feature_control,
			 locked ? "locked" : "not locked");
	/* unlocked: this hypervisor writes it */
	doctor_feature(c->vmx && (!locked || c->feature_control & FEATURE_CONTROL_VMX), must,
		       "IA32_FEATURE_CONTROL: VMX outside SMX", text,
		       locked ? "locked off: " FIRMWARE : FIRMWARE QEMU);
	doctor_feature(GET(VMX_BASIC_MEMTYPE, c->basic) == 6, must, "VMX structures write-back (WB)", NULL,
		       SINCE_2010);
	/* without it loads and stores of CR3 have to exit */
	doctor_feature(c->basic & VMX_BASIC_TRUE, must, "VMX TRUE control MSRs", NULL, SINCE_2010);
	doctor_feature(!lacks, must, lacks ? lacks : "VMX controls, as far as needed", NULL, SINCE_2010);
}
