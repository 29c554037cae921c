#include "shell/tls_bio.h"

#include <string.h>

#include "base/mem.h"

static int on_read(BIO *bio, char *out, size_t room, size_t *ret_size)
{
	struct tls_io *io = BIO_get_data(bio);
	size_t size = room < io->in_size ? room : io->in_size;

	BIO_clear_retry_flags(bio);
	*ret_size = size;
	if (size == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(out, io->in, size);
	io->in += size;
	io->in_size -= size;
	return 1;
}

static bool make_room(struct tls_io *io, size_t size)
{
	size_t need, room = io->out_room != 0 ? io->out_room : TLS_IO_OUT_FIRST;
	uint8_t *grown;

	if (!size_add(io->out_size, size, &need) || need > TLS_IO_OUT)
		return false;
	while (room < need)
		room *= 2;
	if (room == io->out_room)
		return true;
	grown = mem_resize(io->out, room);
	if (grown == NULL)
		return false;
	io->out = grown;
	io->out_room = room;
	return true;
}

static int on_write(BIO *bio, const char *bytes, size_t size, size_t *ret_size)
{
	struct tls_io *io = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	*ret_size = 0;
	if (!make_room(io, size))
		return 0;
	memcpy(io->out + io->out_size, bytes, size);
	io->out_size += size;
	*ret_size = size;
	return 1;
}

static long on_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

BIO_METHOD *tls_bio_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "framewall");

	if (method == NULL)
		return NULL;
	if (BIO_meth_set_read_ex(method, on_read) == 1 && BIO_meth_set_write_ex(method, on_write) == 1 &&
	    BIO_meth_set_ctrl(method, on_control) == 1)
		return method;
	BIO_meth_free(method);
	return NULL;
}

struct tls_io *tls_bio_new(const BIO_METHOD *method)
{
	struct tls_io *io = mem_alloc(sizeof(*io));

	if (io == NULL)
		return NULL;
	io->bio = BIO_new(method);
	io->in = NULL;
	io->out = NULL;
	io->in_size = io->out_size = io->out_room = 0;
	if (io->bio == NULL || !make_room(io, 1))
		return tls_bio_free(io);
	BIO_set_data(io->bio, io);
	BIO_set_init(io->bio, 1);
	return io;
}

struct tls_io *tls_bio_free(struct tls_io *io)
{
	if (io == NULL)
		return NULL;
	BIO_free(io->bio);
	mem_free(io->out);
	mem_free(io);
	return NULL;
}
