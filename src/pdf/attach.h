/* attach.h: a file inside a PDF that cairo wrote, which cannot do that itself: an incremental update behind it (ISO
 * 32000-1 7.5.6). No state. */
#ifndef PDF_ATTACH_H
#define PDF_ATTACH_H
#include "base/pool.h"
#include "base/slice.h"

/* Appends it to the PDF in buf. False: the PDF is not of the form that is known, which is left as it was, or memory is
 * short. */
bool attach(struct buf *pdf, struct pool *pool, const char *name, struct fw_slice content);
#endif
