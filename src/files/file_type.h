/* What a file's name says about its content: the media type, and a content coding. */
#ifndef FILES_FILE_TYPE_H
#define FILES_FILE_TYPE_H

#include "base/arena.h"
#include "http/negotiate.h"
#include "settings/settings.h"

/* The value of Content-Type for a file at this path beneath the root: by the rules of the settings,
 * otherwise by the built-in table. Lives as long as the settings and the arena. If memory runs out, the
 * charset is left out. */
struct slice file_type_of(const struct files_settings *settings, struct slice path, struct arena *arena);

/* The coding that is part of the name: "a.svgz" is SVG in gzip, "app.wasm.gz" is WebAssembly in gzip,
 * because clients that request such a name want it decoded. But "a.tar.gz" is an archive. */
enum http_coding file_type_coding(struct slice path);

#endif
