/* secret.h: comparing and forgetting secrets. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H
#include <framewall/types.h>

/* Time depends on the sizes only. */
static inline bool secret_equal(struct fw_slice a, struct fw_slice b)
{
	volatile uint8_t difference = 0;

	if (a.size != b.size || a.data == NULL || b.data == NULL)
		return a.size == 0 && b.size == 0;
	for (size_t i = 0; i < a.size; i++)
		difference = (uint8_t)(difference | (a.data[i] ^ b.data[i]));
	return difference == 0;
}
#endif
