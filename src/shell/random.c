#include "shell/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

static void fill_system(void *user, uint8_t *ret_bytes, size_t size)
{
	(void)user;
	while (size != 0) {
		ssize_t got = getrandom(ret_bytes, size, 0);

		if (got > 0) {
			ret_bytes += got;
			size -= (size_t)got;
		} else if (errno != EINTR) {
			abort(); /* without randomness no token and no mask is safe */
		}
	}
}

struct fw_random random_system(void)
{
	return (struct fw_random){ fill_system, NULL };
}

static void fill_from(void *user, uint8_t *ret_bytes, size_t size)
{
	struct random_stock *stock = user;

	if (size > sizeof(stock->bytes)) {
		fill_system(NULL, ret_bytes, size);
		return;
	}
	if (size > stock->left) {
		fill_system(NULL, stock->bytes, sizeof(stock->bytes));
		stock->left = sizeof(stock->bytes);
	}
	stock->left -= size;
	memcpy(ret_bytes, stock->bytes + stock->left, size);
	mem_wipe(stock->bytes + stock->left, size);
}

struct fw_random random_from(struct random_stock *stock)
{
	stock->left = 0;
	return (struct fw_random){ fill_from, stock };
}
