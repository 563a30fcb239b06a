; SPDX-License-Identifier: BSD-2-Clause
;
; The smallest guest: it halts for ever, and costs what a domain costs at least.
; `create tiny --memory 1`. By PVH or by multiboot it is entered in 32-bit protected mode with flat segments, without paging,
; interrupts off; EBX points to what the loader has to tell.

MULTIBOOT_MAGIC	equ 0x1badb002

section .note.pvh note alloc noexec nowrite align=4
	dd 4, 4, 18			; sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY
	db "Xen", 0
	dd start

section .multiboot exec alloc align=4
	dd MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

section .text
bits 32
global start
start:	cli				; there is no IDT: nothing may come in
.idle:	hlt
	jmp .idle
