; SPDX-License-Identifier: BSD-2-Clause
; 32-bit code for mode_32.c: called in flat 32-bit mode without paging, EAX the address of the tables. Returns bits of what was wrong,
; and bit 31.

global paging32, paging_pae, pae_reserved, lme_alone

FIRST	equ 0xc0000000
SECOND	equ 0xc0001000
DEVICE	equ 0xfeb00020

section .text
bits 32
paging32:
	mov ecx, 0x2000			; the other directory is two pages on
	mov edx, cr4
	and edx, ~(1 << 5)		; no PAE
	or edx, 1 << 4			; PSE
	mov cr4, edx
	jmp both

paging_pae:
	mov ecx, 0x4000			; the other PDPT is four pages on
	mov edx, cr4
	or edx, 1 << 5
	mov cr4, edx

both:	push ebx
	push esi
	push edi
	push ebp
	sidt [idt_was]
	; an IDT with #PF and #GP only
	mov edx, on_pf
	mov [idt + 14 * 8], dx
	mov word [idt + 14 * 8 + 2], 40
	mov word [idt + 14 * 8 + 4], 0x8e00
	shr edx, 16
	mov [idt + 14 * 8 + 6], dx
	mov edx, on_gp
	mov [idt + 13 * 8], dx
	mov word [idt + 13 * 8 + 2], 40
	mov word [idt + 13 * 8 + 4], 0x8e00
	shr edx, 16
	mov [idt + 13 * 8 + 6], dx
	lidt [idtr]
	mov esi, eax
	lea edi, [eax + ecx]
	xor ebx, ebx			; the result
	mov dword [faults], 0
	mov cr3, esi
	mov eax, cr0
	or eax, 0x80010000		; PG, WP
	mov cr0, eax
	cmp dword [FIRST], 0x11111111
	je .1
	or ebx, 1
.1:	cmp dword [SECOND], 0x22222222
	je .2
	or ebx, 2
.2:	mov dword [SECOND], 0		; read-only: a fault, and the next instruction (10 bytes on)
	cmp dword [faults], 1
	je .3
	or ebx, 4
.3:	cmp dword [fault_cr2], SECOND
	je .4
	or ebx, 64
.4:	cmp dword [fault_error], 3
	je .5
	or ebx, 128
.5:	cmp dword [DEVICE], 0x600d
	je .6
	or ebx, 8
.6:	mov cr3, edi
	cmp dword [FIRST], 0x22222222
	je .7
	or ebx, 16
.7:	cmp dword [SECOND], 0x11111111
	je .8
	or ebx, 32
.8:	mov dword [FIRST], 0x33333333
	; an exit and an MMIO write in this mode
	xor eax, eax
	push ebx
	cpuid
	pop ebx
	inc dword [DEVICE]
	cmp dword [DEVICE], 0x600e
	je .9
	or ebx, 8
.9:	mov dword [DEVICE], 0x600d
	or ebx, 1 << 31
	jmp leave

pae_reserved:
	mov edx, cr4
	or edx, 1 << 5
	mov cr4, edx
	mov ecx, 0x4000
	push ebx
	push esi
	push edi
	push ebp
	sidt [idt_was]
	lidt [idtr]
	mov esi, eax
	lea edi, [eax + ecx]
	xor ebx, ebx
	mov dword [gp_seen], 0
	mov cr3, esi
	mov eax, cr0
	or eax, 0x80010000
	mov cr0, eax
	mov cr3, edi			; #GP, and on behind it
	mov ebx, [gp_seen]
	jmp leave

; EFER.LME without PAE and paging: exits in that state, CR4 as it was written, and no way into paging
lme_alone:
	push ebx
	push esi
	push edi
	push ebp
	sidt [idt_was]
	lidt [idtr]
	mov dword [gp_seen], 0
	mov esi, cr4
	and esi, ~(1 << 5)
	mov cr4, esi
	mov ecx, 0xc0000080
	rdmsr
	mov edi, eax
	or eax, 1 << 8
	wrmsr
	xor eax, eax
	cpuid				; an exit
	mov ecx, 0xc0000080
	rdmsr
	mov ebx, 1
	bt eax, 8
	jnc .1
	mov edx, cr4
	mov ebx, 2
	cmp edx, esi
	jne .1
	mov edx, cr0
	or edx, 0x80000000
	mov cr0, edx			; #GP, and on behind it
	mov ebx, [gp_seen]
.1:	mov eax, edi
	xor edx, edx
	mov ecx, 0xc0000080
	wrmsr
leave:	mov eax, cr0
	and eax, 0x7fffffff
	mov cr0, eax
	lidt [idt_was]
	mov eax, ebx
	pop ebp
	pop edi
	pop esi
	pop ebx
	ret

on_pf:	push eax
	mov eax, cr2
	mov [fault_cr2], eax
	mov eax, [esp + 4]
	mov [fault_error], eax
	inc dword [faults]
	pop eax
	add esp, 4
	add dword [esp], 10
	iretd
on_gp:	mov dword [gp_seen], 13
	add esp, 4
	add dword [esp], 3
	iretd

section .data
align 8
idtr:	dw 256 * 8 - 1
	dd idt
align 8
idt_was: dq 0
faults:	dd 0
fault_cr2: dd 0
fault_error: dd 0
gp_seen: dd 0
section .bss
align 8
idt:	resb 256 * 8
