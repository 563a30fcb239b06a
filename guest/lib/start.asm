; SPDX-License-Identifier: BSD-2-Clause
;
; The start of our own guests. The PVH entry leaves us in 32-bit protected mode without paging, flat segments, interrupts
; off, EBX = hvm_start_info. We go to long mode on page tables of our own and call guest_start() of runtime.c.
;
; The tables lie after .bss where guest.ld reserves them: PML4, PDPT, one PT for the first 2 MiB and map_gib PDs. They map
; the first map_gib GiB to themselves: the first 2 MiB, where our code is, in 4 KiB pages with what each section needs (the
; guard page under the stack not at all), everything else in 2 MiB pages, writable and not executable. 1 GiB pages would be
; shorter but not every processor has them.

extern guest_start, guest_trap_entry
extern map_gib, tables, text_start, text_end, rodata_start, rodata_end, stack_guard, stack_top
global pvh_entry, gdt, gdt_tss, trap_stubs, guest_pml4, guest_pt0, guest_start_info

PTE_P	equ 1
PTE_W	equ 2
PTE_PS	equ 0x80
NX_HIGH	equ 0x80000000		; bit 63, in an entry's upper half

; The note by which a PVH loader finds the entry: name "Xen", type 18 (XEN_ELFNOTE_PHYS32_ENTRY).
section .note.pvh note alloc noexec nowrite align=4
	dd 4, 4, 18
	db "Xen", 0
	dd pvh_entry

section .text.start exec
bits 32
pvh_entry:
	cld
	mov esp, stack_top
	mov ebp, ebx

	; PML4[0] -> PDPT, PDPT[i] -> PD i
	mov edi, tables
	lea eax, [edi + 0x1000 + (PTE_P | PTE_W)]
	mov [edi], eax
	add edi, 0x1000
	lea eax, [edi + 0x2000 + (PTE_P | PTE_W)]
	mov ecx, map_gib
.pdpt:	mov [edi], eax
	add edi, 8
	add eax, 0x1000
	dec ecx
	jnz .pdpt

	; the PDs, one row of 2 MiB entries
	mov edi, tables + 0x3000
	mov eax, PTE_P | PTE_W | PTE_PS
	mov edx, NX_HIGH
	mov ecx, map_gib
	shl ecx, 9
.pd:	mov [edi], eax
	mov [edi + 4], edx
	add edi, 8
	add eax, 0x200000
	adc edx, 0
	dec ecx
	jnz .pd

	; PD 0's first entry -> PT; its pages by section
	mov eax, tables + 0x2000
	mov edi, eax
	or eax, PTE_P | PTE_W
	mov [tables + 0x3000], eax
	mov dword [tables + 0x3004], 0
	xor eax, eax
.pt:	mov esi, PTE_P | PTE_W
	mov edx, NX_HIGH
	cmp eax, stack_guard
	je .none
	cmp eax, text_start
	jb .put
	cmp eax, text_end
	jb .text
	cmp eax, rodata_start
	jb .put
	cmp eax, rodata_end
	jae .put
	mov esi, PTE_P			; rodata: neither written nor run
	jmp .put
.none:	xor esi, esi
	jmp .put
.text:	mov esi, PTE_P
	xor edx, edx
.put:	or esi, eax
	mov [edi], esi
	mov [edi + 4], edx
	add edi, 8
	add eax, 0x1000
	cmp eax, 0x200000
	jb .pt

	mov eax, cr4
	or eax, 1 << 5			; PAE
	mov cr4, eax
	mov eax, tables
	mov cr3, eax
	mov ecx, 0xc0000080		; IA32_EFER: LME, NXE
	rdmsr
	or eax, (1 << 8) | (1 << 11)
	wrmsr
	mov eax, cr0
	or eax, (1 << 31) | (1 << 16) | (1 << 5)	; PG, WP (read-only is read-only for us too), NE
	mov cr0, eax
	lgdt [gdt_ptr]
	jmp 8:.long

bits 64
.long:	mov eax, 16
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov rsp, stack_top
	mov edi, ebp
	mov [rel guest_start_info], rdi
	xor ebp, ebp			; the end of a back-trace
	call guest_start
.stop:	hlt
	jmp .stop

; One stub per vector, 16 bytes apart: the error code (or 0) and the vector on the stack, then the common part.
section .text
align 16
trap_stubs:
%assign v 0
%rep 256
	align 16
	%if v != 8 && (v < 10 || v > 14) && v != 17 && v != 21 && v != 29 && v != 30
	push 0
	%endif
	push v
	jmp strict near trap_common
	%assign v v + 1
%endrep

align 16
; struct guest_trap of runtime.h, from its end to its start
trap_common:
	push r15
	push r14
	push r13
	push r12
	push r11
	push r10
	push r9
	push r8
	push rdi
	push rsi
	push rbp
	push rbx
	push rdx
	push rcx
	push rax
	cld
	mov rdi, rsp
	mov rbx, rsp
	and rsp, -16
	call guest_trap_entry
	mov rsp, rbx
	pop rax
	pop rcx
	pop rdx
	pop rbx
	pop rbp
	pop rsi
	pop rdi
	pop r8
	pop r9
	pop r10
	pop r11
	pop r12
	pop r13
	pop r14
	pop r15
	add rsp, 16
	iretq

section .data
align 8
gdt:	dq 0
	dq 0x00af9b000000ffff		; 8: 64-bit code
	dq 0x00cf93000000ffff		; 16: data
gdt_tss: dq 0, 0			; 24: filled in by runtime.c
	dq 0x00cf9b000000ffff		; 40: 32-bit code, for tests that leave long mode
	dq 0x00affb000000ffff		; 48: 64-bit code of ring 3
	dq 0x00cff3000000ffff		; 56: data of ring 3
gdt_end:
gdt_ptr: dw gdt_end - gdt - 1
	dq gdt
guest_pml4: dq tables
guest_pt0: dq tables + 0x2000
guest_start_info: dq 0
