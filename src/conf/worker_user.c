/* The loader looks at files as the user that runs vif. If that is root, it can read everything, and workers
 * cannot: so the files are looked at again as their user. */
#include "conf/worker_user.h"

#include "base/error.h"
#include "conf/paths.h"
#include "conf/rules.h"
#include "sys/account.h"
#include "sys/file.h"
#include "sys/privilege.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Where there are no accounts at all, as in an image with nothing but vif: the number of "nobody". */
#define NOBODY 65534

#define LOOK_BYTES_MAX ((size_t)1 << 24)

/* Two numbers of ten digits. */
#define IDS_BYTES 32

static const char *check_worker_user(const struct rule_context *context, struct slice *text)
{
    size_t length = slice_find(*text, ':');
    const char *name = arena_string(context->arena, slice_take(*text, length));
    bool has_group = length < text->length;
    uid_t user;
    gid_t group;
    if (name == NULL)
        return "out of memory";
    if (!sys_find_login(name, &user, &group))
        return "there is no such user";
    if (has_group && !sys_find_group(text->data + length + 1, &group))
        return "there is no such group";
    char ids[IDS_BYTES];
    snprintf(ids, sizeof(ids), "%lu:%lu", (unsigned long)user, (unsigned long)group);
    text->data = arena_string(context->arena, slice_from(ids));
    text->length = strlen(ids);
    return NULL;
}

const struct text_rule rule_worker_user = {"worker_user", "a user, or USER:GROUP", "^[^:]+(:[^:]+)?$",
                                           check_worker_user};

static void find_default_user(struct worker_user *user)
{
    if (!sys_find_login("vif", &user->user, &user->group) &&
        !sys_find_login("nobody", &user->user, &user->group))
        user->user = user->group = NOBODY;
}

/* Who has not asked for another user would rather have workers that are root than none. */
static void choose_default_user(struct worker_user *user)
{
    struct worker_user wanted = *user;
    find_default_user(&wanted);
    wanted.why_not = sys_may_become(wanted.user, wanted.group);
    if (wanted.why_not == 0)
        *user = wanted;
    user->why_not = wanted.why_not;
}

static void read_ids(struct slice ids, struct worker_user *user)
{
    uint64_t number = 0, group = 0;
    size_t length = slice_find(ids, ':');
    bool is_read =
        slice_to_u64(slice_take(ids, length), &number) && slice_to_u64(slice_skip(ids, length + 1), &group);
    assert(is_read);
    user->user = (uid_t)number;
    user->group = (gid_t)group;
}

struct worker_user config_worker_user(const struct config *config)
{
    struct worker_user user = {.user = sys_user(), .group = sys_group()};
    if (sys_is_root() && config->user.length > 0)
        read_ids(config->user, &user);
    else if (sys_is_root())
        choose_default_user(&user);
    user.is_changed = user.user != sys_user() || user.group != sys_group();
    sys_user_name(user.user, user.name, sizeof(user.name));
    return user;
}

struct worker_user_look {
    const struct worker_user *user;
    struct diagnostics *diagnostics;
};

static void worker_user_look_at_root(const struct worker_user_look *look, struct arena *arena,
                                     const struct files_settings *files)
{
    const char *fault = path_check_folder(arena, files->root.data, files->listing);
    if (fault)
        diagnostics_add(
            look->diagnostics, (struct source_position){0},
            "\"%.*s\" cannot be served: worker processes run as the user %s, which cannot read it: %s; give "
            "that user access, or choose another one with the option \"user\"",
            SLICE_ARGS(files->root), look->user->name, fault);
}

static void look_at_page(const struct worker_user_look *look, struct arena *arena,
                         const struct files_settings *files, struct slice path)
{
    const char *fault =
        path.data && path.length > 0 ? path_check_served(arena, files->root.data, path) : NULL;
    if (fault && slice_starts_with(slice_from(fault), slice_from(error_text(-EACCES))))
        diagnostics_warn(
            look->diagnostics, (struct source_position){0},
            "\"%.*s\" below \"%.*s\" cannot be read by the user %s, as which worker processes run: %s",
            SLICE_ARGS(path), SLICE_ARGS(files->root), look->user->name, fault);
}

/* A server may make its socket later. */
static void look_at_socket(const struct worker_user_look *look, struct slice server)
{
    struct slice path = slice_skip(server, strlen("unix:"));
    if (slice_starts_with(server, SLICE("unix:")) && sys_path_access(path.data, PATH_ACCESS_WRITE) == -EACCES)
        diagnostics_warn(
            look->diagnostics, (struct source_position){0},
            "the user %s, as which worker processes run, may not connect to the socket \"%.*s\": it needs "
            "the right to write to it",
            look->user->name, SLICE_ARGS(path));
}

static void look_at_route(const struct worker_user_look *look, struct arena *arena, const struct route *route)
{
    for (size_t i = 0; route->kind == ROUTE_PROXY && i < route->proxy.server_count; i++)
        look_at_socket(look, route->proxy.servers[i].url);
    if (route->kind != ROUTE_FILES)
        return;
    worker_user_look_at_root(look, arena, &route->files);
    look_at_page(look, arena, &route->files, route->files.fallback);
    for (size_t i = 0; i < route->files.error_page_count; i++)
        look_at_page(look, arena, &route->files, route->files.error_pages[i].path);
}

static void look_at_all(const struct worker_user_look *look, const struct settings *settings)
{
    struct arena arena;
    arena_init(&arena, LOOK_BYTES_MAX);
    for (size_t i = 0; i < settings->site_count; i++) {
        for (size_t j = 0; j < settings->sites[i].route_count; j++)
            look_at_route(look, &arena, &settings->sites[i].routes[j]);
    }
    arena_finish(&arena);
}

#define TO_CHANGE_USER "the capabilities CAP_SETUID, CAP_SETGID and CAP_KILL"

static void warn_of_user(const struct config *config, const struct worker_user *user,
                         struct diagnostics *diagnostics)
{
    if (!sys_is_root() && config->user.length > 0)
        diagnostics_warn(
            diagnostics, (struct source_position){0},
            "user: has no effect, because vif was not started as root: worker processes run as %s",
            user->name);
    if (user->why_not < 0)
        diagnostics_warn(diagnostics, (struct source_position){0},
                         "worker processes stay root, without capabilities: vif cannot become another user "
                         "here (%s); for that it needs " TO_CHANGE_USER
                         ", or start it as the user that they are to be",
                         error_text(user->why_not));
    else if (sys_is_root() && user->user == 0)
        diagnostics_warn(diagnostics, (struct source_position){0},
                         "user: worker processes run as root: whoever takes one over can read every file");
}

void config_check_worker_user(const struct config *config, struct diagnostics *diagnostics)
{
    struct worker_user user = config_worker_user(config);
    struct worker_user_look look = {.user = &user, .diagnostics = diagnostics};
    warn_of_user(config, &user, diagnostics);
    if (!user.is_changed)
        return;
    int error = sys_may_become(user.user, user.group);
    if (error == 0)
        error = sys_look_as(user.user, user.group);
    if (error == 0)
        look_at_all(&look, config->settings);
    if (error < 0 || (error = sys_look_as_root()) < 0)
        diagnostics_add(diagnostics, (struct source_position){0},
                        "worker processes cannot become the user %s: %s; for that vif needs " TO_CHANGE_USER
                        ", or write \"user: root\"",
                        user.name, error_text(error));
}
