/* From text to a checked configuration. All mistakes are told at once, in `diagnostics`; none is logged. */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "conf/config.h"
#include "conf/diagnostics.h"
#include "conf/document.h"

/* Reads YAML. `name` is what messages call it; relative paths in it begin at `base_folder`, which is
 * absolute. `include` brings nothing in here. The slices may go after the call. Returns 0, with the
 * configuration (config_destroy); ERROR_SYNTAX, with at least one mistake told; -ENOMEM. */
int config_load(struct slice name, struct slice text, struct slice base_folder,
                struct diagnostics *diagnostics, struct config **ret_config) MUST_CHECK;

/* The same from a document that is there already, such as one made from the command line. Places in it must
 * come from sources of `diagnostics`. */
int config_build(const struct document *document, struct slice base_folder, struct diagnostics *diagnostics,
                 struct config **ret_config) MUST_CHECK;

/* Reads a file ("-" is standard input) into an initialised document. `ret_folder` gets the absolute path of
 * the folder that it lies in, from the document's arena. The files that it includes are merged into it
 * (conf/include.h). A file that cannot be read, or is longer than
 * DOCUMENT_BYTES_MAX, is a mistake told. Returns as config_load. */
int document_load_file(const char *path, struct diagnostics *diagnostics, struct document *document,
                       struct slice *ret_folder) MUST_CHECK;

/* The absolute path of the current folder, from the document's arena. One that is gone is a mistake told.
 * Returns as config_load. */
int document_find_current_folder(struct document *document, struct diagnostics *diagnostics,
                                 struct slice *ret_folder) MUST_CHECK;

/* Gives the configuration's memory back, and its reference to the settings. NULL is ignored. */
void config_destroy(struct config *config);

#endif
