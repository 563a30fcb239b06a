/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON to the console, one value after the other; commas and quotes are seen to here. A key is NULL inside an
 * array.
 */
#ifndef CONTROL_JSON_H
#define CONTROL_JSON_H

#include "guest/lib/types.h"

void json_open(const char *key, char bracket); /* '{' or '[' */
void json_close(char bracket);		       /* the outermost ends the line */
void json_string(const char *key, const char *s);
void json_number(const char *key, u64 n);
void json_hex(const char *key, u64 n); /* a string: JSON's numbers hold no 64 bits */
/* Something was since this was asked last. */
bool json_printed(void);
void json_bool(const char *key, bool b);

#endif
