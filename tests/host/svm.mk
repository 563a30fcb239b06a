# SPDX-License-Identifier: BSD-2-Clause
# Host tests of the SVM backend's pure parts: what a processor can do, why a VMCB is refused, what becomes of each exit.
HOST_TESTS += svm
svm_SRCS := arch/x86/svm/caps.c arch/x86/svm/check.c
