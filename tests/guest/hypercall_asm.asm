; SPDX-License-Identifier: BSD-2-Clause
; A hypercall in 32-bit mode: number and result in EAX.

extern guest_is_amd
global code32

section .text
bits 32
code32:	cmp byte [guest_is_amd], 0
	jne .amd
	vmcall
	ret
.amd:	vmmcall
	ret
