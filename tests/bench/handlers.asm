; SPDX-License-Identifier: BSD-2-Clause
;
; The interrupt handlers of the bench guest: as short as they can be, for they are inside of what is measured.
; bench_irq_x2 is 12 instructions with its IRETQ.

global bench_irq_x2, bench_irq_silent, bench_irq_mmio, bench_irqs

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

section .data
align 8
bench_irqs: dq 0
