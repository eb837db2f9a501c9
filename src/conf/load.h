/* Turns a text into a checked configuration. All mistakes are added to `diagnostics`; none is logged. */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "conf/config.h"
#include "conf/diagnostics.h"
#include "conf/document.h"

/* Loads YAML. Messages call it `name`; relative paths in it start at `base_folder`, which is absolute.
 * `include` is not expanded. The slices are not used after the call. Returns 0 and a configuration, to be
 * freed by config_destroy; ERROR_SYNTAX with at least one mistake; or -ENOMEM. */
int config_load(struct slice name, struct slice text, struct slice base_folder,
                struct diagnostics *diagnostics, struct config **ret_config) MUST_CHECK;

/* The same from a document, such as one built from the command line. Its positions must be in sources of
 * `diagnostics`. */
int config_build(const struct document *document, struct slice base_folder, struct diagnostics *diagnostics,
                 struct config **ret_config) MUST_CHECK;

/* The same, with all that the settings point to in `within`, which is empty and is taken over; only the two
 * structs themselves are allocated otherwise. */
int config_build_within(const struct document *document, struct slice base_folder, const struct arena *within,
                        struct diagnostics *diagnostics, struct config **ret_config) MUST_CHECK;

/* Reads a file ("-" is standard input) into an initialised document and merges the files that it includes
 * (conf/include.h). `ret_folder` gets the absolute path of its folder, in the document's arena. A file that
 * cannot be read, or is longer than DOCUMENT_BYTES_MAX, is a mistake. Returns as config_load. */
int document_load_file(const char *path, struct diagnostics *diagnostics, struct document *document,
                       struct slice *ret_folder) MUST_CHECK;

/* The absolute path of the current folder, in the document's arena. If it was deleted, that is a mistake.
 * Returns as config_load. */
int document_find_current_folder(struct document *document, struct diagnostics *diagnostics,
                                 struct slice *ret_folder) MUST_CHECK;

/* Frees the configuration and releases its reference to the settings. NULL is ignored. */
void config_destroy(struct config *config);

#endif
