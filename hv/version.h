/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HV_VERSION_H
#define HV_VERSION_H

#define CAISSON_VERSION "Caisson 0.1"

#endif
