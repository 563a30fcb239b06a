; SPDX-License-Identifier: BSD-2-Clause
; Into the guest and out again; saves, calls, restores, and decides nothing. APM volume 2, "VMRUN Instruction", "#VMEXIT",
; "Global Interrupt Flag, STGI and CLGI Instructions".

%include "asm-offsets.inc"

bits 64
extern svm_exit

section .text

; void svm_loop(rdi: struct x86_vcpu *, rsi: physical address of its VMCB, rdx: that of this CPU's own)
align 16
global svm_loop
svm_loop:
	push rbp
	push rbx
	push r12
	push r13
	push r14
	push r15
	push rdx
	push rsi
	push rdi		; [rsp] vCPU, [rsp + 8] VMCB, [rsp + 16] the host's
align 16
.enter:
	mov rax, rdi
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
	mov rax, [rsp + 8]
	clgi
	sti			; nothing comes in before STGI; a physical interrupt ends the guest only when IF is set here
	vmload
	vmrun		; RAX and RSP of the guest are in the VMCB
	vmsave		; VMRUN restored ours
	cli
	mov rax, [rsp]
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
	mov rdi, rax
	mov rax, [rsp + 16]
	vmload		; GS base and TR: without them no NMI finds its stack, no C code its CPU
	stgi
	call svm_exit
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
