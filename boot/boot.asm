; SPDX-License-Identifier: BSD-2-Clause
; From the boot loader's 32-bit entry to C in 64-bit mode.
; Multiboot2 specification, "OS image format" and "Machine state"; SDM volume 3, "Initializing IA-32e Mode".

%include "asm-offsets.inc"

extern x86_boot

; ---- the header ----
section .multiboot alloc noexec nowrite align=8
header:
	dd 0xe85250d6, 0, header_end - header
	dd 0x100000000 - (0xe85250d6 + (header_end - header))
	align 8
.info:	dw 1, 1			; information request, optional
	dd .info_end - .info
	dd 1, 3, 6, 14, 15	; command line, modules, memory map, RSDP old and new
.info_end:
	align 8
	dw 3, 0			; entry address
	dd 12, boot_entry
	align 8
	dw 6, 0			; modules on page boundaries
	dd 8
	align 8
	dw 4, 1			; a screen, optional: EGA text,
	dd 12, 2
	align 8
	dw 5, 1			; or any of RGB
	dd 20, 0, 0, 0
	align 8
	dw 0, 0			; end
	dd 8
header_end:

; ---- 32 bits ----
section .boot alloc exec write align=16
bits 32
global boot_entry
boot_entry:
	cli
	cld
	mov esi, eax
	rdtsc
	mov [tsc], eax
	mov [tsc + 4], edx
	mov [mbi], ebx
	mov esp, stack_top

	mov edx, no_multiboot
	cmp esi, 0x36d76289
	jne fail

	; Long mode and NX, or a message instead of a triple fault.
	mov eax, 0x80000000
	cpuid
	mov edx, no_long_mode
	cmp eax, 0x80000001
	jb fail
	mov eax, 0x80000001
	cpuid
	mov eax, edx
	mov edx, no_long_mode
	bt eax, 29
	jnc fail
	mov edx, no_nx
	bt eax, 20
	jnc fail

	; The first 4 GiB at 0 and in the direct map, the first GiB in the image's window, 2 MiB each, for the way to hostmap.c.
	mov edi, pd
	mov eax, 0x83		; present, writable, large
	xor edx, edx
	mov ecx, 4 * 512
.pde:	mov [edi], eax
	mov [edi + 4], edx
	add eax, 0x200000
	adc edx, 0
	add edi, 8
	loop .pde
	mov edi, pdpt
	mov eax, pd + 3
	mov ecx, 4
.pdpte:	mov [edi], eax
	add eax, 4096
	add edi, 8
	loop .pdpte
	mov dword [pdpt_image + 510 * 8], pd + 3
	mov dword [pml4], pdpt + 3
	mov dword [pml4 + 256 * 8], pdpt + 3
	mov dword [pml4 + 511 * 8], pdpt_image + 3

	mov eax, CR4_PAE
	mov cr4, eax
	mov eax, pml4
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME | EFER_NXE
	wrmsr
	mov eax, CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE
	mov cr0, eax
	lgdt [gdt_ptr]
	jmp SEL_CODE:.long

bits 64
.long:	mov eax, SEL_DATA
	mov ss, eax
	mov ds, eax
	mov es, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	lldt ax
	mov rsp, boot_stack_top
	mov edi, [mbi]
	mov rsi, [tsc]
	mov rax, x86_boot
	call rax
	ud2

bits 32
; EDX: what to say on the first serial port, with nothing else to stand on
fail:	mov esi, edx
	mov dx, 0x3f8 + 3
	mov al, 3		; 8N1; the speed stays the firmware's
	out dx, al
.next:	lodsb
	test al, al
	jz .end
	mov ah, al
	mov ecx, 100000
	mov dx, 0x3f8 + 5
.wait:	in al, dx
	test al, 0x20
	loopz .wait
	mov al, ah
	mov dx, 0x3f8
	out dx, al
	jmp .next
.end:	mov esi, shutdown	; emulators end here
	mov dx, 0x8900
	mov ecx, 8
	rep outsb
	hlt
	jmp .end

no_multiboot: db `Caisson: not started by a Multiboot2 loader: use GRUB's "multiboot2" command\r\n`, 0
no_long_mode: db `Caisson: this processor has no 64-bit mode (CPUID.80000001H:EDX.LM)\r\n`, 0
no_nx:	db `Caisson: no execute-disable (CPUID.80000001H:EDX.NX): switch on "XD"/"NX" in the firmware's set-up\r\n`, 0
shutdown: db "Shutdown"

	align 8
gdt:	dq 0
	dq 0x00af9b000000ffff	; SEL_CODE: 64-bit code
	dq 0x00cf93000000ffff	; SEL_DATA
gdt_end:
gdt_ptr: dw gdt_end - gdt - 1
	dq gdt
	align 8
tsc:	dq 0
mbi:	dd 0

section .boot_bss nobits alloc write align=4096
pml4:	resb 4096
pdpt:	resb 4096
pdpt_image: resb 4096
pd:	resb 4 * 4096
	resb 1024
stack_top:

; The stack of x86_boot() until the CPU's own, guarded one is mapped; afterwards that of the trap stacks it began with.
section .bss align=4096
global boot_stack
boot_stack: resb 16384
global boot_stack_top
boot_stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
