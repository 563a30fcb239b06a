; SPDX-License-Identifier: BSD-2-Clause
; Where a start-up IPI lands: copied to a page below 1 MiB, runs there from real mode to 64-bit mode and leaves for C.
; All processors may pass at the same time: nothing here is written.  smp.c fills in struct ap_start, at AP_START_OFFSET.
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
	mov esi, ebx		; CPUID takes EBX
	xor eax, eax
	mov fs, eax
	mov gs, eax
	cpuid
	cmp eax, 0xb
	jb .old
	mov eax, 0xb
	xor ecx, ecx
	cpuid			; EDX: the x2APIC id
	test ebx, ebx
	jnz .search
.old:	mov eax, 1
	cpuid
	shr ebx, 24
	mov edx, ebx

.search: mov rdi, [rsi + AP_START_OFFSET + AP_CPUS]
	mov rcx, [rsi + AP_START_OFFSET + AP_COUNT]
.next:	sub rcx, 1
	jb .park
	mov r8, [rdi]
	add rdi, 8
	cmp [r8 + PCPU_APIC_ID], edx
	jne .next
	; Called, and not given up meanwhile?
	mov eax, CPU_CALLED
	mov ecx, CPU_ANSWERED
	lock cmpxchg [r8 + PCPU_STATE], ecx
	jne .park
	mov rsp, [r8 + PCPU_STACK_TOP]
	mov rdi, r8
	xor ebp, ebp
	push 0
	jmp [rsi + AP_START_OFFSET + AP_ENTRY]
.park:	cli
	hlt
	jmp .park
trampoline_end:

section .note.GNU-stack noalloc noexec nowrite progbits
