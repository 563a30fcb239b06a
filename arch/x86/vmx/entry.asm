; SPDX-License-Identifier: BSD-2-Clause
; Into the guest and out again; saves, calls, restores, and decides nothing. SDM volume 3, "VMLAUNCH/VMRESUME", "Host-State Area".

%include "asm-offsets.inc"
%include "arch/x86/gprs.inc"

bits 64
extern vmx_entry_failed

%define VMCS_HOST_RSP 0x6c14

%macro GUEST_GPRS 0		; rax: vCPU; all registers but RSP become the guest's
	GPRS_LOAD
	mov rax, [rax + VCPU_RAX]
%endmacro

section .text

; void vmx_loop(rdi: struct x86_vcpu *, sil: launched)
align 16
global vmx_loop
vmx_loop:
	push rbp
	push rbx
	push r12
	push r13
	push r14
	push r15
	push rdi		; [rsp] after an exit
	mov eax, VMCS_HOST_RSP
	vmwrite rax, rsp
	test sil, sil
	mov rax, rdi
	jnz .resume
	GUEST_GPRS
	vmlaunch
	jmp .refused
.resume:
	GUEST_GPRS
	vmresume
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
global vmx_exit_entry
vmx_exit_entry:
	push rax
	mov rax, [rsp + 8]	; the vCPU
	GPRS_SAVE
	pop rcx
	mov [rax + VCPU_RAX], rcx
	mov rdi, rax
	call [rax + VCPU_ON_EXIT]
	test al, al
	mov rax, [rsp]
	jz vmx_loop.out
	GUEST_GPRS
	vmresume
	jmp vmx_loop.refused
