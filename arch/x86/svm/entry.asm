; SPDX-License-Identifier: BSD-2-Clause
; Into the guest and out again; saves, calls, restores, and decides nothing. APM volume 2, "VMRUN Instruction", "#VMEXIT",
; "Global Interrupt Flag, STGI and CLGI Instructions". Twice: without and with measures against speculation.

%include "asm-offsets.inc"
%include "arch/x86/gprs.inc"
%include "arch/x86/mitigate.inc"

bits 64

%macro LOOP 2			; with measures?, name
; void svm_loop(rdi: struct x86_vcpu *, rsi: physical address of its VMCB, rdx: that of this CPU's own)
align 16
global %2
%2:
	push rbp
	push rbx
	push r12
	push r13
	push r14
	push r15
	push rdx
	push rsi
	push rdi		; [rsp] vCPU, [rsp + 8] VMCB, [rsp + 16] the host's
%if %1
	MITIGATE_FROM_HV
%endif
align 16
.enter:
%if %1
	MITIGATE_ENTRY
%endif
	mov rax, rdi
	GPRS_LOAD
	mov rax, [rsp + 8]
	clgi
	sti			; nothing comes in before STGI; a physical interrupt ends the guest only when IF is set here
	vmload
%if %1
	MITIGATE_BUFFERS vmrun
%endif
	vmrun		; RAX and RSP of the guest are in the VMCB
	vmsave		; VMRUN restored ours
	cli
	mov rax, [rsp]
	GPRS_SAVE
	mov rdi, rax
%if %1
	MITIGATE_EXIT
%endif
	mov rax, [rsp + 16]
	vmload		; GS base and TR: without them no NMI finds its stack, no C code its CPU
	stgi
	call [rdi + VCPU_ON_EXIT]
	mov rdi, [rsp]
	test al, al
	jnz .enter
	add rsp, 24
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbx
	pop rbp
	ret
%endmacro

section .text
LOOP 0, svm_loop
LOOP 1, svm_loop_mitigated
