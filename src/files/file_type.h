/* What the name of a file says about its bytes: the media type, and a content coding. */
#ifndef FILES_FILE_TYPE_H
#define FILES_FILE_TYPE_H

#include "base/arena.h"
#include "http/negotiate.h"
#include "settings/settings.h"

/* The value of Content-Type for a file at this path beneath the root: by the rules of the settings, else by
 * what everybody knows. Lives as long as the settings and the arena do. Without memory the charset is left
 * out. */
struct slice file_type_of(const struct files_settings *settings, struct slice path, struct arena *arena);

/* The coding that is part of the name: "a.svgz" is SVG in gzip, "app.wasm.gz" is WebAssembly in gzip, because
 * those who ask for them by that name want them decoded. But "a.tar.gz" is an archive. */
enum http_coding file_type_coding(struct slice path);

#endif
