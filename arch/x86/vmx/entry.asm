; SPDX-License-Identifier: BSD-2-Clause
; Into the guest and out again; saves, calls, restores, and decides nothing. SDM volume 3, "VMLAUNCH/VMRESUME", "Host-State Area".

%include "asm-offsets.inc"

bits 64
extern vmx_exit

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
	mov rcx, [rax + VCPU_RCX]
	mov rdx, [rax + VCPU_RDX]
	mov rbx, [rax + VCPU_RBX]
	mov rbp, [rax + VCPU_RBP]
	mov rsi, [rax + VCPU_RSI]
	mov rdi, [rax + VCPU_RDI]
	mov r8, [rax + VCPU_R8]
	mov r9, [rax + VCPU_R9]
	mov r10, [rax + VCPU_R10]
	mov r11, [rax + VCPU_R11]
	mov r12, [rax + VCPU_R12]
	mov r13, [rax + VCPU_R13]
	mov r14, [rax + VCPU_R14]
	mov r15, [rax + VCPU_R15]
	mov rax, [rax + VCPU_RAX]
	ret

; HOST_RIP
align 16
global vmx_exit_entry
vmx_exit_entry:
	push rax
	mov rax, [rsp + 8]	; the vCPU
	mov [rax + VCPU_RCX], rcx
	mov [rax + VCPU_RDX], rdx
	mov [rax + VCPU_RBX], rbx
	mov [rax + VCPU_RBP], rbp
	mov [rax + VCPU_RSI], rsi
	mov [rax + VCPU_RDI], rdi
	mov [rax + VCPU_R8], r8
	mov [rax + VCPU_R9], r9
	mov [rax + VCPU_R10], r10
	mov [rax + VCPU_R11], r11
	mov [rax + VCPU_R12], r12
	mov [rax + VCPU_R13], r13
	mov [rax + VCPU_R14], r14
	mov [rax + VCPU_R15], r15
	pop rcx
	mov [rax + VCPU_RAX], rcx
	mov rdi, rax
	call vmx_exit
	test al, al
	mov rax, [rsp]
	jz .leave
	mov rcx, [rax + VCPU_RCX]
	mov rdx, [rax + VCPU_RDX]
	mov rbx, [rax + VCPU_RBX]
	mov rbp, [rax + VCPU_RBP]
	mov rsi, [rax + VCPU_RSI]
	mov rdi, [rax + VCPU_RDI]
	mov r8, [rax + VCPU_R8]
	mov r9, [rax + VCPU_R9]
	mov r10, [rax + VCPU_R10]
	mov r11, [rax + VCPU_R11]
	mov r12, [rax + VCPU_R12]
	mov r13, [rax + VCPU_R13]
	mov r14, [rax + VCPU_R14]
	mov r15, [rax + VCPU_R15]
	mov rax, [rax + VCPU_RAX]
	vmresume
	jmp vmx_loop.refused
.leave:
	mov eax, 1
	jmp vmx_loop.out
