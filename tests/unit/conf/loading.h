/* A configuration from a text, for tests, with its mistakes as they would be printed. */
#ifndef TESTS_UNIT_CONF_LOADING_H
#define TESTS_UNIT_CONF_LOADING_H

#include "../test.h"

#include "base/error.h"
#include "conf/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct loading {
    struct diagnostics diagnostics;
    struct config *config; /* NULL after mistakes */
    struct buffer printed;
    int error;
};

static inline struct loading load_in(const char *folder, struct slice text)
{
    struct loading loading = {0};
    diagnostics_init(&loading.diagnostics);
    buffer_init(&loading.printed, 1u << 20);
    loading.error =
        config_load(SLICE("vif.yaml"), text, slice_from(folder), &loading.diagnostics, &loading.config);
    diagnostics_print(&loading.diagnostics, false, &loading.printed);
    buffer_append_byte(&loading.printed, '\0');
    return loading;
}

/* Relative paths begin at the root of the file system: "tmp" is a folder there. */
static inline struct loading load(struct slice text)
{
    return load_in("/", text);
}

/* A configuration without mistakes. */
static inline struct loading load_good_in(const char *folder, const char *text)
{
    struct loading loading = load_in(folder, slice_from(text));
    if (loading.error)
        fail_msg("%s", loading.printed.data);
    assert_non_null(loading.config);
    assert_int_equal(loading.diagnostics.errors, 0);
    return loading;
}

static inline struct loading load_good(const char *text)
{
    return load_good_in("/", text);
}

/* A folder "root" with files in it, in a folder of its own, which is the current one. */
static inline void make_site(const char *const *files)
{
    static char folder[64];
    snprintf(folder, sizeof(folder), "/tmp/vif-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("root", 0700), 0);
    for (; *files; files++) {
        FILE *file = fopen(*files, "w");
        assert_non_null(file);
        assert_int_equal(fclose(file), 0);
    }
}

/* Where it is: long enough for any test. */
static inline const char *site_folder(void)
{
    static char folder[64];
    assert_non_null(getcwd(folder, sizeof(folder)));
    return folder;
}

static inline void remove_site(const char *const *files)
{
    for (; *files; files++)
        assert_int_equal(unlink(*files), 0);
    assert_int_equal(rmdir("root"), 0);
    assert_int_equal(rmdir(site_folder()), 0);
}

static inline void unload(struct loading *loading)
{
    config_destroy(loading->config);
    buffer_finish(&loading->printed);
    diagnostics_finish(&loading->diagnostics);
}

#endif
