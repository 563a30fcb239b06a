; SPDX-License-Identifier: BSD-2-Clause
;
; The interrupt handlers of the bench guest: as short as they can be, for they are inside of what is measured.
; bench_irq_x2 is 12 instructions with its IRETQ.

global bench_irq_x2, bench_irq_silent, bench_irq_mmio, bench_irqs, bench_ap, bench_ap_end

section .text
bits 64

; counts, EOI by x2APIC MSR
bench_irq_x2:
	push rax
	push rcx
	push rdx
	inc qword [rel bench_irqs]
	mov ecx, 0x80b
	xor eax, eax
	xor edx, edx
	wrmsr
	pop rdx
	pop rcx
	pop rax
	iretq

; counts only
bench_irq_silent:
	inc qword [rel bench_irqs]
	iretq

; counts, EOI by MMIO
bench_irq_mmio:
	push rax
	inc qword [rel bench_irqs]
	mov eax, 0xfee000b0
	mov dword [rax], 0
	pop rax
	iretq

; The second vCPU, in real mode at 0x8000: sleeps, and answers vector 0x45 by 0x46 to vCPU 0; 0x47 it only ends.
bits 16
align 16
bench_ap:
	xor ax, ax
	mov ds, ax
	mov ss, ax
	mov sp, 0x8000
	mov dword [4 * 0x45], 0x8000 + .answer - bench_ap
	mov dword [4 * 0x47], 0x8000 + .eoi - bench_ap
	mov ecx, 0x1b
	rdmsr
	or eax, 0xc00
	wrmsr
	mov ecx, 0x80f
	mov eax, 0x1ff
	xor edx, edx
	wrmsr
	mov ecx, 0x830
	mov eax, 0x46		; it is there
	wrmsr
.sleep:	sti
	hlt
	jmp .sleep
.answer:
	mov ecx, 0x80b
	xor eax, eax
	xor edx, edx
	wrmsr
	mov ecx, 0x830
	mov eax, 0x46
	wrmsr
	iret
.eoi:
	mov ecx, 0x80b
	xor eax, eax
	xor edx, edx
	wrmsr
	iret
bench_ap_end:

section .data
align 8
bench_irqs: dq 0
