# SPDX-License-Identifier: BSD-2-Clause
# Host tests of the SVM backend's pure parts: what a processor can do, what becomes of each exit.
HOST_TESTS += svm
svm_SRCS := arch/x86/svm/caps.c guest/control/doctor.c
