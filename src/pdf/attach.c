#include "pdf/attach.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT = 1024, CATALOG = 1 << 16 };

/* The last place of a word. */
static const uint8_t *find_last(struct fw_slice pdf, const char *word)
{
	size_t size = strlen(word);

	for (size_t at = pdf.size >= size ? pdf.size - size + 1 : 0; at-- != 0;)
		if (memcmp(pdf.data + at, word, size) == 0)
			return pdf.data + at;
	return NULL;
}

static bool number_behind(struct fw_slice pdf, const char *word, uint64_t *ret_number)
{
	const uint8_t *at = find_last(pdf, word);
	char text[32];
	struct fw_slice rest;
	char *end;

	if (at == NULL)
		return false;
	rest = slice_from(pdf, (size_t)(at - pdf.data) + strlen(word));
	snprintf(text, sizeof(text), "%.*s", (int)(rest.size < 30 ? rest.size : 30), (const char *)rest.data);
	*ret_number = strtoull(text, &end, 10);
	return end != text;
}

struct source {
	uint64_t size, root, info, xref; /* of the trailer */
	struct fw_slice catalog;	 /* between its << and >> */
};

/* The object of that number: from behind its << up to the >> before endobj. */
static bool find_catalog(struct fw_slice pdf, struct source *source)
{
	char head[48];
	int size = snprintf(head, sizeof(head), "\n%" PRIu64 " 0 obj\n<<", source->root);
	const uint8_t *from = find_last(pdf, head), *end;

	if (from == NULL)
		return false;
	from += size;
	end = memmem(from, (size_t)(pdf.data + pdf.size - from), ">>\nendobj", 9);
	if (end == NULL || end - from > CATALOG)
		return false;
	source->catalog = slice(from, (size_t)(end - from));
	return memmem(from, source->catalog.size, "/Catalog", 8) != NULL;
}

static bool add(struct buf *pdf, struct pool *pool, struct fw_slice octets)
{
	return buf_append(pdf, pool, octets.data, octets.size) == 0;
}

static bool add_text(struct buf *pdf, struct pool *pool, const char *text)
{
	return add(pdf, pool, slice_text(text));
}

bool attach(struct buf *pdf, struct pool *pool, const char *name, struct fw_slice content)
{
	struct fw_slice whole = slice(buf_data(pdf), buf_size(pdf));
	struct source source = { 0 };
	uint64_t places[3];
	size_t before = whole.size;
	char text[TEXT], *catalog;
	bool added;

	if (!number_behind(whole, "/Size ", &source.size) || !number_behind(whole, "/Root ", &source.root) ||
	    !number_behind(whole, "/Info ", &source.info) || !number_behind(whole, "startxref\n", &source.xref) ||
	    !find_catalog(whole, &source))
		return false;
	catalog = strndup((const char *)source.catalog.data, source.catalog.size); /* the buffer may move */
	if (catalog == NULL)
		return false;
	places[0] = buf_size(pdf);
	snprintf(text, sizeof(text),
		 "%" PRIu64 " 0 obj\n<< /Type /EmbeddedFile /Subtype /application#2Fjson /Length %zu /Params << /Size "
		 "%zu >> >>\nstream\n",
		 source.size, content.size, content.size);
	added = add_text(pdf, pool, text) && add(pdf, pool, content) && add_text(pdf, pool, "\nendstream\nendobj\n");
	places[1] = buf_size(pdf);
	snprintf(text, sizeof(text),
		 "%" PRIu64
		 " 0 obj\n<< /Type /Filespec /F (%s) /UF (%s) /AFRelationship /Data /Desc (The same report as JSON) "
		 "/EF << /F %" PRIu64 " 0 R >> >>\nendobj\n",
		 source.size + 1, name, name, source.size);
	added = added && add_text(pdf, pool, text);
	places[2] = buf_size(pdf);
	snprintf(text, sizeof(text), "%" PRIu64 " 0 obj\n<<", source.root);
	added = added && add_text(pdf, pool, text) && add_text(pdf, pool, catalog);
	snprintf(text, sizeof(text),
		 "   /Names << /EmbeddedFiles << /Names [ (%s) %" PRIu64 " 0 R ] >> >>\n   /AF [ %" PRIu64
		 " 0 R ]\n>>\nendobj\n",
		 name, source.size + 1, source.size + 1);
	added = added && add_text(pdf, pool, text);
	snprintf(text, sizeof(text),
		 "xref\n%" PRIu64 " 1\n%010" PRIu64 " 00000 n \n%" PRIu64 " 2\n%010" PRIu64 " 00000 n \n%010" PRIu64
		 " 00000 n \ntrailer\n<< /Size %" PRIu64 " /Root %" PRIu64 " 0 R /Info %" PRIu64 " 0 R /Prev %" PRIu64
		 " >>\nstartxref\n%zu\n%%%%EOF\n",
		 source.root, places[2], source.size, places[0], places[1], source.size + 2, source.root, source.info,
		 source.xref, buf_size(pdf));
	added = added && add_text(pdf, pool, text);
	free(catalog);
	if (!added)
		buf_cut(pdf, before);
	return added;
}
