/* A configuration from a text, for tests, with its mistakes as they would be printed. */
#ifndef TESTS_UNIT_CONF_LOADING_H
#define TESTS_UNIT_CONF_LOADING_H

#include "../test.h"

#include "base/error.h"
#include "conf/load.h"

struct loading {
    struct diagnostics diagnostics;
    struct config *config; /* NULL after mistakes */
    struct buffer printed;
    int error;
};

/* Relative paths begin at the root of the file system: "tmp" is a folder there. */
static inline struct loading load(struct slice text)
{
    struct loading loading = {0};
    diagnostics_init(&loading.diagnostics);
    buffer_init(&loading.printed, 1u << 20);
    loading.error = config_load(SLICE("vif.yaml"), text, SLICE("/"), &loading.diagnostics, &loading.config);
    diagnostics_print(&loading.diagnostics, false, &loading.printed);
    buffer_append_byte(&loading.printed, '\0');
    return loading;
}

/* A configuration without mistakes. */
static inline struct loading load_good(const char *text)
{
    struct loading loading = load(slice_from(text));
    if (loading.error)
        fail_msg("%s", loading.printed.data);
    assert_non_null(loading.config);
    assert_int_equal(loading.diagnostics.errors, 0);
    return loading;
}

static inline void unload(struct loading *loading)
{
    config_destroy(loading->config);
    buffer_finish(&loading->printed);
    diagnostics_finish(&loading->diagnostics);
}

#endif
