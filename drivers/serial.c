/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/pci.h"
#include "drivers/serial.h"
#include "hv/string.h"

#define COM1 0x3f8
#define BAUD 115200

/* Hexadecimal digits up to `end`, a value of at most max. */
static bool hex(const char **s, char end, u32 max, u32 *out)
{
	u32 v = 0, n = 0;

	for (; n < 2; n++, (*s)++) {
		char c = **s | 0x20;

		if (**s >= '0' && **s <= '9')
			v = v << 4 | (u32)(**s - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (u32)(c - 'a' + 10);
		else
			break;
	}
	*out = v;
	if (n == 0 || v > max || (end && *(*s)++ != end))
		return false;
	return true;
}

static bool parse_pci(const char **s, struct serial_choice *out)
{
	u32 bus, dev, fn;

	out->kind = SERIAL_PCI_FIRST;
	if (**s != ':')
		return true;
	out->kind = SERIAL_PCI;
	(*s)++;
	if (!hex(s, ':', 255, &bus) || !hex(s, '.', 31, &dev) || !hex(s, 0, 7, &fn))
		return false;
	out->where = PCI_BDF(bus, dev, fn);
	return true;
}

bool serial_parse(const char *s, struct serial_choice *out)
{
	u64 v;

	*out = (struct serial_choice){ SERIAL_AUTO, COM1, BAUD };
	if (!*s)
		return true;
	if (strcmp(s, "none") == 0) {
		out->kind = SERIAL_NONE;
		return true;
	}
	if (strncmp(s, "pci", 3) == 0) {
		s += 3;
		if (!parse_pci(&s, out))
			return false;
	} else {
		if (!str_to_u64(&s, &v) || v == 0 || v > 0xfff8)
			return false;
		out->kind = SERIAL_PORT;
		out->where = (u32)v;
	}
	if (*s == ',') {
		s++;
		if (!str_to_u64(&s, &v) || v > BAUD)
			return false;
		out->baud = (u32)v;
	}
	return !*s;
}

struct uart_where serial_find(const struct serial_choice *c)
{
	struct uart_where w = { .baud = c->baud };

	if (c->kind == SERIAL_AUTO || c->kind == SERIAL_PORT)
		w.addr = c->where;
	else if (c->kind != SERIAL_NONE &&
		 !pci_uart(c->kind == SERIAL_PCI ? c->where : pci_find_serial(), &w))
		w = (struct uart_where){ 0 };
	return w;
}
