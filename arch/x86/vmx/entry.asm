; SPDX-License-Identifier: BSD-2-Clause
; Into the guest and out again; saves, calls, restores, and decides nothing. SDM volume 3, "VMLAUNCH/VMRESUME", "Host-State Area".
; Twice: without and with measures against speculation, so that who needs none does not even ask.

%include "asm-offsets.inc"
%include "arch/x86/gprs.inc"
%include "arch/x86/mitigate.inc"

bits 64
extern vmx_entry_failed

%define VMCS_HOST_RSP 0x6c14

%macro ENTER 2			; rax: vCPU; all registers but RSP become the guest's
	GPRS_LOAD
	mov rax, [rax + VCPU_RAX]
%if %1
	MITIGATE_BUFFERS %2
%endif
	%2
%endmacro

%macro BOTH_WAYS 3		; with measures?, names of the loop and of the exit's entry point
; void vmx_loop(rdi: struct x86_vcpu *, sil: launched)
align 16
global %2
%2:
	push rbp
	push rbx
	push r12
	push r13
	push r14
	push r15
	push rdi		; [rsp] after an exit
%if %1
	mov ebp, esi
	MITIGATE_FROM_HV
	MITIGATE_ENTRY
	mov esi, ebp
%endif
	mov eax, VMCS_HOST_RSP
	vmwrite rax, rsp
	test sil, sil
	mov rax, rdi
	jnz .resume
	ENTER %1, vmlaunch
	jmp .refused
.resume:
	ENTER %1, vmresume
.refused:			; RIP comes here only when the entry failed
	mov rdi, [rsp]
	call vmx_entry_failed
.out:
	add rsp, 8
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbx
	pop rbp
	ret

; HOST_RIP
align 16
global %3
%3:
	push rax
	mov rax, [rsp + 8]	; the vCPU
	GPRS_SAVE
	pop rcx
	mov [rax + VCPU_RAX], rcx
	mov rdi, rax
%if %1
	MITIGATE_EXIT
%endif
	call [rdi + VCPU_ON_EXIT]
	test al, al
%if %1
	jz %2.out
	MITIGATE_ENTRY
	mov rax, [rsp]
%else
	mov rax, [rsp]
	jz %2.out
%endif
	ENTER %1, vmresume
	jmp %2.refused
%endmacro

section .text
BOTH_WAYS 0, vmx_loop, vmx_exit_entry
BOTH_WAYS 1, vmx_loop_mitigated, vmx_exit_mitigated
