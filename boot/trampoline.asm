; SPDX-License-Identifier: BSD-2-Clause
; Where a start-up IPI lands: copied to a page below 1 MiB, runs there from real mode to 64-bit mode and leaves for C.
; smp.c fills in struct ap_start, at AP_START_OFFSET; the processor takes what that offers, or stays here.
; SDM volume 3, "Initializing IA-32e Mode", "MP Initialization Example".

%include "asm-offsets.inc"

section .rodata
global trampoline
global trampoline_prot
global trampoline_long
global trampoline_end
align 16
trampoline:
bits 16
	cli
	cld
	xor ebx, ebx
	mov bx, cs
	mov ds, bx
	shl ebx, 4		; EBX: the page's address
	o32 lgdt [AP_START_OFFSET + AP_GDT]
	mov eax, CR0_PE | CR0_ET	; after INIT the caches are off: now on
	mov cr0, eax
	jmp dword far [AP_START_OFFSET + AP_PROT]
bits 32
trampoline_prot:
	mov eax, SEL_DATA
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov eax, CR4_PAE
	mov cr4, eax
	mov eax, [ebx + AP_START_OFFSET + AP_CR3]
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME | EFER_NXE
	wrmsr
	mov eax, CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE
	mov cr0, eax
	jmp far [ebx + AP_START_OFFSET + AP_LONG]
bits 64
trampoline_long:
	mov ebx, ebx		; the upper half is undefined up to here
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov rdx, [rbx + AP_START_OFFSET + AP_OFFER]
	xchg [rdx], rax		; taken: who else comes finds nothing
	test rax, rax
	jz .park
	mov rsp, [rax + PCPU_STACK_TOP]
	mov rdi, rax
	xor ebp, ebp
	push 0
	jmp [rbx + AP_START_OFFSET + AP_ENTRY]
.park:	cli
	hlt
	jmp .park
trampoline_end:

section .note.GNU-stack noalloc noexec nowrite progbits
