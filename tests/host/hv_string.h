/* SPDX-License-Identifier: BSD-2-Clause */
/* Included before everything:
 * hv/string.c's functions must not take the place of libc's in a sanitized program. */
#define memcmp	hv_memcmp
#define strlen	hv_strlen
#define strnlen hv_strnlen
#define strcmp	hv_strcmp
#define strncmp hv_strncmp
#define strchr	hv_strchr
