/* ledger_key.h: a key of a ledger out of its file: keys/ledger.key signs what is said in the ledger's name. */
#ifndef RECORD_LEDGER_KEY_H
#define RECORD_LEDGER_KEY_H
#include "crypto/note.h"

/* 1 with the key, 0 when there is no such file, -1 with errno (EINVAL: it holds no key). */
int ledger_key_read(const char *path, struct note_key *ret_key);
#endif
