/* format_time.c: dates, times and durations of RFC 3339. */
#include "base/slice.h"
#include "schema/format.h"

struct cursor {
	const uint8_t *at, *end;
};

static bool number(struct cursor *c, unsigned digits, unsigned *ret_value)
{
	*ret_value = 0;
	if ((size_t)(c->end - c->at) < digits)
		return false;
	for (; digits != 0; digits--, c->at++) {
		if (*c->at < '0' || *c->at > '9')
			return false;
		*ret_value = *ret_value * 10 + (*c->at - '0');
	}
	return true;
}

static bool one(struct cursor *c, uint8_t wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool read_date(struct cursor *c)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned year, month, day;

	if (!number(c, 4, &year) || !one(c, '-') || !number(c, 2, &month) || !one(c, '-') || !number(c, 2, &day) ||
	    month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return false;
	return month != 2 || day != 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* A leap second is the last of a day in UTC. */
static bool read_time(struct cursor *c)
{
	unsigned hour, minute, second, zone_hour = 0, zone_minute = 0, minutes;
	bool east;

	if (!number(c, 2, &hour) || !one(c, ':') || !number(c, 2, &minute) || !one(c, ':') || !number(c, 2, &second) ||
	    hour > 23 || minute > 59 || second > 60)
		return false;
	if (one(c, '.')) {
		const uint8_t *start = c->at;

		while (c->at != c->end && *c->at >= '0' && *c->at <= '9')
			c->at++;
		if (c->at == start)
			return false;
	}
	if (one(c, 'Z') || one(c, 'z'))
		return second < 60 || (hour == 23 && minute == 59);
	east = one(c, '+');
	if ((!east && !one(c, '-')) || !number(c, 2, &zone_hour) || !one(c, ':') || !number(c, 2, &zone_minute) ||
	    zone_hour > 23 || zone_minute > 59)
		return false;
	minutes = hour * 60 + minute + 1440;
	minutes = east ? minutes - zone_hour * 60 - zone_minute : minutes + zone_hour * 60 + zone_minute;
	return second < 60 || minutes % 1440 == 1439;
}

static struct cursor cursor_of(struct fw_slice text)
{
	return (struct cursor){ text.data, text.data + text.size };
}

bool format_date(struct fw_slice text)
{
	struct cursor c = cursor_of(text);

	return read_date(&c) && c.at == c.end;
}

bool format_time(struct fw_slice text)
{
	struct cursor c = cursor_of(text);

	return read_time(&c) && c.at == c.end;
}

bool format_date_time(struct fw_slice text)
{
	struct cursor c = cursor_of(text);

	return read_date(&c) && (one(&c, 'T') || one(&c, 't')) && read_time(&c) && c.at == c.end;
}

/* Appendix A: the units of a part, each at most once, in their order, none left out between two. */
static bool read_units(struct cursor *c, const char *units)
{
	const char *next = NULL;
	bool some = false;

	while (c->at != c->end && *c->at != 'T') {
		const uint8_t *start = c->at;
		const char *unit;

		while (c->at != c->end && *c->at >= '0' && *c->at <= '9')
			c->at++;
		if (c->at == start || c->at == c->end)
			return false;
		unit = *c->at != 0 ? strchr(units, *c->at) : NULL;
		if (unit == NULL || (next != NULL && unit != next))
			return false;
		next = unit + 1;
		c->at++;
		some = true;
	}
	return some;
}

bool format_duration(struct fw_slice text)
{
	struct cursor c = cursor_of(text);
	bool date = false;

	if (!one(&c, 'P'))
		return false;
	if (c.at != c.end && c.end[-1] == 'W')
		return read_units(&c, "W") && c.at == c.end;
	if (c.at != c.end && *c.at != 'T') {
		if (!read_units(&c, "YMD"))
			return false;
		date = true;
	}
	if (!one(&c, 'T'))
		return date && c.at == c.end;
	return read_units(&c, "HMS") && c.at == c.end;
}
