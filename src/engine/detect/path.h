/* path.h: the parts of the detector of paths. */
#ifndef ENGINE_DETECT_PATH_H
#define ENGINE_DETECT_PATH_H
#include "engine/detect/view.h"

/* Paths by what they name, wherever they stand: files that lists of attacks have and people hardly speak of. */
void path_names(const struct detect_view *view);
#endif
