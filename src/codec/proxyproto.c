#include "codec/proxyproto.h"

#include <string.h>

#include "base/addr.h"
#include "base/slice.h"

enum {
	V1_MOST = 107, /* octets of a line with its CR LF: section 2.1 */
	V2_HEAD = 16,
	TLV_CRC = 0x03
};

static const uint8_t v1_start[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
static const uint8_t v2_start[12] = { '\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n' };

static enum proxyproto_result bad(const char **reterr_rule, const char *rule)
{
	*reterr_rule = rule;
	return PROXYPROTO_BAD;
}

static bool starts_like(struct fw_slice bytes, const uint8_t *start, size_t size)
{
	return memcmp(bytes.data, start, bytes.size < size ? bytes.size : size) == 0;
}

/* Takes a word and the one blank behind it. */
static struct fw_slice take_word(struct fw_slice *line)
{
	const uint8_t *end = line->size != 0 ? memchr(line->data, ' ', line->size) : NULL;
	struct fw_slice word = slice(line->data, end != NULL ? (size_t)(end - line->data) : line->size);

	*line = slice_from(*line, word.size + 1);
	return word;
}

/* 0 to 65535 without leading zeros. */
static bool read_port(struct fw_slice text, uint16_t *ret_port)
{
	unsigned value = 0;

	if (text.size == 0 || text.size > 5 || (text.size > 1 && text.data[0] == '0'))
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + text.data[i] - '0';
	}
	*ret_port = (uint16_t)value;
	return value <= UINT16_MAX;
}

/* An address of the family that was named: digits and dots, or digits and colons. */
static bool read_address(struct fw_slice text, bool v6, struct fw_addr *ret_address)
{
	bool colon = text.size != 0 && memchr(text.data, ':', text.size) != NULL;

	return colon == v6 && addr_parse(text, ret_address);
}

/* "TCP4 192.0.2.1 192.0.2.2 56324 443" (section 2.1). */
static bool read_line(struct fw_slice line, struct proxyproto *header)
{
	struct fw_slice family = take_word(&line), source, destination, source_port, destination_port;
	bool v6 = slice_is(family, "TCP6");
	struct fw_addr there;
	uint16_t port;

	if (slice_is(family, "UNKNOWN")) /* and whatever stands behind it */
		return true;
	source = take_word(&line);
	destination = take_word(&line);
	source_port = take_word(&line);
	destination_port = line;
	header->known = true;
	return (v6 || slice_is(family, "TCP4")) && read_address(source, v6, &header->source) &&
	       read_address(destination, v6, &there) && read_port(source_port, &header->source_port) &&
	       read_port(destination_port, &port);
}

static enum proxyproto_result read_v1(struct fw_slice bytes, struct proxyproto *header, const char **reterr_rule)
{
	size_t size = bytes.size < V1_MOST ? bytes.size : V1_MOST;
	const uint8_t *end = memchr(bytes.data, '\r', size);

	/* The line ends at the first CR: nothing else may stand in it that another reader takes for its end. */
	if (memchr(bytes.data, '\n', end != NULL ? (size_t)(end - bytes.data) : size) != NULL)
		return bad(reterr_rule, "PROXY v1: the line must end in CR LF");
	if (end == NULL || end == bytes.data + size - 1)
		return size == V1_MOST ? bad(reterr_rule, "PROXY v1: the line is longer than 107 octets")
				       : PROXYPROTO_MORE;
	if (end[1] != '\n')
		return bad(reterr_rule, "PROXY v1: the line must end in CR LF");
	header->version = 1;
	header->size = (size_t)(end - bytes.data) + 2;
	if (!read_line(slice(bytes.data + sizeof(v1_start), header->size - 2 - sizeof(v1_start)), header))
		return bad(reterr_rule, "PROXY v1: the line is not TCP4 or TCP6, two addresses and two ports");
	return PROXYPROTO_OK;
}

static unsigned u16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

/* CRC-32C (RFC 3720 B.4), of octets whose part at hole is taken for zero. */
static uint32_t crc32c(struct fw_slice bytes, const uint8_t *hole)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < bytes.size; i++) {
		const uint8_t *at = bytes.data + i;

		crc ^= at >= hole && at < hole + 4 ? 0 : *at;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (UINT32_C(0x82f63b78) & (0 - (crc & 1)));
	}
	return ~crc;
}

/* Section 2.2.1: type, length, value, up to the end; a checksum among them must be right (2.2.3). */
static const char *check_extensions(struct fw_slice whole, struct fw_slice rest)
{
	bool checked = false;

	while (rest.size != 0) {
		size_t size;

		if (rest.size < 3)
			return "PROXY v2: an extension is cut off";
		size = u16(rest.data + 1);
		if (size > rest.size - 3)
			return "PROXY v2: an extension is longer than the header";
		if (rest.data[0] == TLV_CRC) {
			const uint8_t *sum = rest.data + 3;

			if (size != 4 || checked)
				return "PROXY v2: a checksum is four octets, and there is one";
			checked = true;
			if (crc32c(whole, sum) != ((uint32_t)u16(sum) << 16 | u16(sum + 2)))
				return "PROXY v2: the checksum is wrong";
		}
		rest = slice_from(rest, 3 + size);
	}
	return NULL;
}

/* Source and destination address, then their ports. */
static const char *read_block(struct fw_slice whole, struct proxyproto *header)
{
	const uint8_t *block = whole.data + V2_HEAD;
	size_t room = whole.size - V2_HEAD, size;

	switch (whole.data[13]) {
	case 0x00: /* AF_UNSPEC */
		size = 0;
		break;
	case 0x11: /* TCP over IPv4 */
		size = 12;
		break;
	case 0x21: /* TCP over IPv6 */
		size = 36;
		break;
	case 0x31: /* a UNIX stream */
		size = 216;
		break;
	default:
		return "PROXY v2: the kind of address is none of a stream";
	}
	if (size > room)
		return "PROXY v2: the header is too short for its addresses";
	header->known = size == 12 || size == 36;
	if (size == 12) {
		header->source.family = 4;
		memcpy(header->source.bytes, block, 4);
		header->source_port = (uint16_t)u16(block + 8);
	} else if (size == 36) {
		header->source = addr_of_v6(block);
		header->source_port = (uint16_t)u16(block + 32);
	}
	return check_extensions(whole, slice(block + size, room - size));
}

static enum proxyproto_result read_v2(struct fw_slice bytes, struct proxyproto *header, const char **reterr_rule)
{
	const char *rule = NULL;

	/* What is known to be wrong is not waited for. */
	if (bytes.size > 12 && bytes.data[12] >> 4 != 2)
		return bad(reterr_rule, "PROXY v2: the version is not 2");
	if (bytes.size > 12 && (bytes.data[12] & 15) > 1)
		return bad(reterr_rule, "PROXY v2: the command is neither LOCAL nor PROXY");
	if (bytes.size < V2_HEAD)
		return PROXYPROTO_MORE;
	header->version = 2;
	header->size = V2_HEAD + u16(bytes.data + 14);
	if (header->size > LIMIT_PROXY_HEADER)
		return bad(reterr_rule, "PROXY v2: the header is too large");
	if (bytes.size < header->size)
		return PROXYPROTO_MORE;
	/* LOCAL: the proxy's own connection, a health check; what it says of addresses is to be ignored (2.2). */
	if ((bytes.data[12] & 15) != 0)
		rule = read_block(slice(bytes.data, header->size), header);
	return rule == NULL ? PROXYPROTO_OK : bad(reterr_rule, rule);
}

enum proxyproto_result proxyproto_read(struct fw_slice bytes, unsigned versions, struct proxyproto *ret_header,
				       const char **reterr_rule)
{
	enum proxyproto_result result = PROXYPROTO_MORE;

	*ret_header = (struct proxyproto){ 0 };
	*reterr_rule = NULL;
	if (bytes.size == 0)
		return PROXYPROTO_MORE;
	if ((versions & PROXYPROTO_V1) != 0 && starts_like(bytes, v1_start, sizeof(v1_start))) {
		if (bytes.size >= sizeof(v1_start))
			result = read_v1(bytes, ret_header, reterr_rule);
	} else if ((versions & PROXYPROTO_V2) != 0 && starts_like(bytes, v2_start, sizeof(v2_start))) {
		if (bytes.size >= sizeof(v2_start))
			result = read_v2(bytes, ret_header, reterr_rule);
	} else {
		result = bad(reterr_rule, "the connection does not begin with a PROXY header");
	}
	if (result != PROXYPROTO_OK)
		*ret_header = (struct proxyproto){ 0 };
	return result;
}
