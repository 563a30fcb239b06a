; SPDX-License-Identifier: BSD-2-Clause
; Runs in real mode at 0x900:0, DS ES SS 0, EAX the argument. Results at 0xa000.

global real_code, real_code_end

R	equ 0xa000
section .data
bits 16
real_code:
	mov [R + 36], eax
	mov ebp, eax
	; the vector table: 0x60 and 3 to .int, 13 to .gp
	mov word [0x60 * 4], .int - real_code
	mov word [0x60 * 4 + 2], cs
	mov word [3 * 4], .int - real_code
	mov word [3 * 4 + 2], cs
	mov word [13 * 4], .gp - real_code
	mov word [13 * 4 + 2], cs
	; 1 + ... + 100 by words at 0x1234:0x100
	mov ax, 0x1234
	mov es, ax
	mov di, 0x100
	mov cx, 100
	mov ax, 1
	cld
.fill:	stosw
	inc ax
	loop .fill
	push ds
	push es
	pop ds
	mov si, 0x100
	mov cx, 100
	xor ebx, ebx
	xor eax, eax
.add:	lodsw
	add ebx, eax
	loop .add
	pop ds
	mov [R], ebx
	xor eax, eax
	xor ecx, ecx
	cpuid
	mov [R + 4], ebx
	xor eax, eax
	in al, 0x80
	mov [R + 8], eax
	int 0x60
	int3
	int 0x60
	; beyond the limit of 64 KiB: #GP, whose handler steps over the instruction of 4 bytes
	mov ax, 0
	mov gs, ax
	mov ebx, 0x10000
	mov [gs:ebx], al		
	; a 4 GiB segment ("unreal"): protected mode for a moment
	push ds
	mov eax, cr0
	or al, 1
	mov cr0, eax
	mov bx, 16
	mov fs, bx
	and al, 0xfe
	mov cr0, eax
	mov ebx, 0xfeb00010
	mov dword [fs:ebx], 0xabcd0000
	or dword [fs:ebx], 0x0123
	mov eax, [fs:ebx]
	pop ds
	mov [R + 20], eax
	; the segment's base is what its selector was last loaded with: back to 64 KiB by protected mode's 72
	mov eax, cr0
	or al, 1
	mov cr0, eax
	mov bx, 72
	mov fs, bx
	and al, 0xfe
	mov cr0, eax
	xor bx, bx
	mov fs, bx
	; a string of port writes from real mode, and a read of what they left
	mov dword [0xb000], 0x01000100
	mov dword [0xb004], 0x01010001
	mov si, 0xb000
	mov cx, 8
	mov dx, 0x2009
	rep outsb
	xor eax, eax
	in al, dx
	mov [R + 32], eax
	mov al, 0
	out dx, al
	pushf
	pop ax
	movzx eax, ax
	mov [R + 24], eax
	mov eax, ebp
	and eax, 0xffff
	or eax, 0xcafe0000
	retf

.int:	inc dword [R + 12]
	iret
.gp:	inc dword [R + 16]
	push bp
	mov bp, sp
	add word [bp + 2], 4
	pop bp
	iret
real_code_end:
