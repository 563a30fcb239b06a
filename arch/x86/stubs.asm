; SPDX-License-Identifier: BSD-2-Clause
; Entry points of all 256 vectors; SDM volume 3, "Stack Frame", "Exceptions and interrupts with an error code".

%include "asm-offsets.inc"

bits 64
extern trap_handle

section .text
align 16
global trap_stubs
trap_stubs:
%assign v 0
%rep 256
	align 16
	endbr64
%if !(v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 || v == 29 || v == 30)
	push 0			; no error code: the frame has one all the same
%endif
	push v
	jmp near trap_common
%assign v v + 1
%endrep

%define REGISTERS rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15

%macro push_all 1-*
%rep %0
	push %1
%rotate 1
%endrep
%endmacro

%macro pop_all 1-*
%rep %0
%rotate -1
	pop %1
%endrep
%endmacro

trap_common:
	push_all REGISTERS
	cld
.clac:	clac			; a window on domains' frames is not the handler's; IRET opens it again
	mov rdi, rsp
	mov rbx, rsp
	and rsp, -16
	xor esi, esi
	rdsspq rsi		; 0 where there is no shadow stack
	call trap_handle
	mov rsp, rbx
	pop_all REGISTERS
	add rsp, 16
	iretq

; stack_switch(rdi: stack top, rsi: function, rdx: its argument)
global stack_switch
stack_switch:
	mov rsp, rdi
	xor ebp, ebp
	mov rdi, rdx
	push 0			; as after a call; and where a walk over return addresses ends
	jmp rsi

; cet_enter(rdi: IA32_S_CET): on this CPU's shadow stack; it is empty, so we return by a jump.
global cet_enter
cet_enter:
	pop rsi
	mov ecx, MSR_S_CET
	mov eax, edi
	xor edx, edx
	wrmsr
	test edi, S_CET_SH_STK_EN
	jz .out
	setssbsy
.out:	db 0x3e		; NOTRACK
	jmp rsi

; memcpy, memmove, memset: the string instructions are the fastest there is on every processor with fast short REP, and
; cost one tick per eight bytes in an emulator.
global memcpy
memcpy:
	mov rax, rdi
	mov rcx, rdx
	shr rcx, 3
	rep movsq
	mov ecx, edx
	and ecx, 7
	rep movsb
	ret

global memmove
memmove:
	mov rax, rdi
	sub rax, rsi
	cmp rax, rdx		; destination inside the source: from the end
	jae memcpy
	mov rax, rdi
	mov rcx, rdx
	lea rdi, [rdi + rdx - 1]
	lea rsi, [rsi + rdx - 1]
	std
	rep movsb
	cld
	ret

global memset
memset:
	mov r8, rdi
	movzx eax, sil
	mov rcx, 0x0101010101010101
	imul rax, rcx
	mov rcx, rdx
	shr rcx, 3
	rep stosq
	mov ecx, edx
	and ecx, 7
	rep stosb
	mov rax, r8
	ret

section .smap alloc noexec nowrite progbits align=8
	dq trap_common.clac	; as of stac() and clac()

section .note.GNU-stack noalloc noexec nowrite progbits
