; SPDX-License-Identifier: BSD-2-Clause
;
; For guest tests: the way to ring 3, to 32-bit and to real mode and back, and the start of other CPUs.

extern ap_main, gdt, tables
global user_enter, user_back, user_saved_rsp
global low_call32, low_enter16, low_blob, low_blob_end, low_ap_stack, low_ap_fn, low_ap_id, low_ap_idtr

SEL_CODE64	equ 8
SEL_DATA	equ 16
SEL_CODE32	equ 40
SEL_USER_CODE	equ 48 | 3
SEL_USER_DATA	equ 56 | 3
SEL_CODE16	equ 64		; these two only in low_gdt
SEL_DATA16	equ 72
LOW		equ 0x8000	; where low_blob runs
%define AT(x)	(LOW + (x) - low_blob)

section .text
bits 64

; void user_enter(void (*fn)(void), void *stack_top)
user_enter:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov [rel user_saved_rsp], rsp
	lea rax, [rel user_end]
	sub rsi, 8
	mov [rsi], rax
	push SEL_USER_DATA
	push rsi
	push 2
	push SEL_USER_CODE
	push rdi
	iretq
; where fn returns to, at CPL 3
user_end:
	int 0x81
user_back:
	mov eax, SEL_DATA
	mov ds, eax
	mov es, eax
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret

; u32 low_call32(const void *fn32, u32 arg)
low_call32:
	mov eax, .there
	mov r8d, AT(low_down)
	jmp r8
bits 32
.there:	mov eax, esi
	call edi
	mov ecx, AT(low_up)
	jmp ecx

bits 64
; u32 low_enter16(u32 arg)
low_enter16:
	mov esi, edi
	mov eax, AT(low_to16)
	mov r8d, AT(low_down)
	jmp r8

section .data
align 8
user_saved_rsp: dq 0
low_ap_stack:	dq 0
low_ap_fn:	dq 0
low_ap_id:	dd 0
	align 8
low_ap_idtr:	dw 0
	dq 0

; ---- copied to 0x8000 ----
align 16
low_blob:
; SIPI starts a CPU here, in real mode.
bits 16
	cli
	xor ax, ax
	mov ds, ax
	o32 lgdt [AT(low_gdtr)]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword SEL_CODE32:AT(ap32)
bits 32
ap32:	mov eax, SEL_DATA
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov eax, cr4
	or eax, 1 << 5			; PAE
	mov cr4, eax
	mov eax, tables
	mov cr3, eax
	mov ecx, 0xc0000080		; IA32_EFER: LME, NXE
	rdmsr
	or eax, (1 << 8) | (1 << 11)
	wrmsr
	mov eax, 0x80010033		; PG, WP, NE, ET, MP, PE
	mov cr0, eax
	jmp SEL_CODE64:AT(ap64)
bits 64
ap64:	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov rsp, [abs low_ap_stack]
	lidt [abs low_ap_idtr]
	mov edi, [abs low_ap_id]
	mov rsi, [abs low_ap_fn]
	mov rax, ap_main
	call rax

; Leaves long mode and paging, and goes on at EAX in 32-bit mode. Changes EBX ECX EDX EBP only.
low_down:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	sidt [abs AT(low_idtr)]
	sgdt [abs AT(low_gdtr64)]
	lgdt [abs AT(low_gdtr)]
	mov ebx, eax
	push SEL_CODE32
	push AT(.compat)
	retfq
bits 32
.compat:
	mov eax, SEL_DATA
	mov ss, eax
	mov ds, eax
	mov es, eax
	mov eax, cr0
	and eax, 0x7fffffff
	mov cr0, eax
	mov ecx, 0xc0000080
	rdmsr
	and eax, ~(1 << 8)
	wrmsr
	jmp ebx

; The way up again, from flat 32-bit mode without paging; EAX is kept, and is what the caller gets.
low_up:
	mov edi, eax
	mov eax, cr4
	and eax, ~(1 << 4)		; PSE off again, PAE on
	or eax, 1 << 5
	mov cr4, eax
	mov eax, tables
	mov cr3, eax
	mov ecx, 0xc0000080
	rdmsr
	or eax, (1 << 8) | (1 << 11)
	wrmsr
	mov eax, cr0
	or eax, 1 << 31
	mov cr0, eax
	jmp SEL_CODE64:AT(.long)
bits 64
.long:	lidt [abs AT(low_idtr)]
	lgdt [abs AT(low_gdtr64)]
	mov eax, SEL_DATA
	mov ss, eax
	mov ds, eax
	mov es, eax
	mov esp, esp
	mov eax, edi
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret

bits 32
; From flat 32-bit mode to real mode, to 0x900:0 with ESI in EAX, and back.
low_to16:
	mov [AT(low_esp)], esp
	jmp SEL_CODE16:AT(.pm16)
bits 16
.pm16:	mov ax, SEL_DATA16
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov fs, ax
	mov gs, ax
	mov eax, cr0
	and al, 0xfe
	mov cr0, eax
	jmp 0:AT(.real)
.real:	xor ax, ax
	mov ds, ax
	mov es, ax
	mov fs, ax
	mov gs, ax
	mov ss, ax
	mov sp, 0x7f00
	o32 lidt [AT(low_idtr16)]
	mov eax, esi
	call 0x900:0
	mov edi, eax
	cli
	xor ax, ax
	mov ds, ax
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword SEL_CODE32:AT(.pm32)
bits 32
.pm32:	mov eax, SEL_DATA
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor ecx, ecx
	mov fs, ecx
	mov gs, ecx
	mov esp, [AT(low_esp)]
	mov eax, edi
	jmp low_up

align 8
low_gdt: dq 0
	dq 0x00af9b000000ffff		; 8: 64-bit code
	dq 0x00cf93000000ffff		; 16: data
	dq 0, 0
	dq 0x00cf9b000000ffff		; 40: 32-bit code
	dq 0x00affb000000ffff		; 48: 64-bit code of ring 3
	dq 0x00cff3000000ffff		; 56: data of ring 3
	dq 0x00009b000000ffff		; 64: 16-bit code
	dq 0x000093000000ffff		; 72: 16-bit data
low_gdt_end:
low_gdtr: dw low_gdt_end - low_gdt - 1
	dd AT(low_gdt)
	dd 0
	align 8
low_idtr16: dw 0x3ff
	dd 0
	align 8
low_idtr: dw 0
	dq 0
	align 8
low_gdtr64: dw 0
	dq 0
	align 4
low_esp: dd 0
low_blob_end:
