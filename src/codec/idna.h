/* idna.h: host names beyond ASCII as browsers turn them into ASCII (URL 3.3, UTS 46, RFC 3492), of those that stand as
 * they are: a name that would be mended first is none here. No allocation; any thread. */
#ifndef CODEC_IDNA_H
#define CODEC_IDNA_H
#include "base/slice.h"

enum { IDNA_LABEL = 63, IDNA_ROOM = 254 };

/* host: valid UTF-8 with small ASCII letters. Its size in ASCII. 0: it has a character that is read as another one, as
 * none or not at all, or that NFC joins with its neighbour; or it is too long. */
size_t idna_to_ascii(struct fw_slice host, uint8_t out[IDNA_ROOM]);
#endif
