; SPDX-License-Identifier: BSD-2-Clause
; Into the guest and out again; saves, calls, restores, and decides nothing. SDM volume 3, "VMLAUNCH/VMRESUME", "Host-State Area".

%include "asm-offsets.inc"
%include "arch/x86/gprs.inc"

bits 64
%define VMCS_HOST_RSP 0x6c14

section .text

; bool vmx_loop(rdi: struct x86_vcpu *, sil: launched)
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
	call .load
	vmlaunch
	jmp .refused
.resume:
	call .load
	vmresume
.refused:			; RIP comes here only when the entry failed
	xor eax, eax
.out:
	add rsp, 8
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbx
	pop rbp
	ret

.load:				; rax: vCPU; all registers but RSP become the guest's
	GPRS_LOAD
	mov rax, [rax + VCPU_RAX]
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
	jz .leave
	GPRS_LOAD
	mov rax, [rax + VCPU_RAX]
	vmresume
	jmp vmx_loop.refused
.leave:
	mov eax, 1
	jmp vmx_loop.out
