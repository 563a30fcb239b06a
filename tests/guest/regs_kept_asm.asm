; SPDX-License-Identifier: BSD-2-Clause
; Exits that need no register, with a pattern and its number in each but RSP.

global regs_exits, regs_full, regs_seen

%define PATTERN 0x5ec4e75ec4e70000

%macro ALL 1			; in the order of their numbers
	%1 rax, 0
	%1 rcx, 1
	%1 rdx, 2
	%1 rbx, 3
	%1 rbp, 5
	%1 rsi, 6
	%1 rdi, 7
	%assign n 8
%rep 8
	%1 r %+ n, n
	%assign n n + 1
%endrep
%endmacro

%macro FILL 2
	mov %1, PATTERN + %2
%endmacro
%macro SEE 2
	mov [rel regs_seen + 8 * %2], %1
%endmacro

section .text
bits 64
; void regs_exits(void)
regs_exits:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	ALL FILL
regs_full:
	wbinvd
	out 0x80, al
	ALL SEE
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret

section .bss
regs_seen:
	resq 16
