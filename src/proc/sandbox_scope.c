/* The roots of all routes, whether there are other servers, and the few files of the system that a worker
 * reads.
 *
 * A root whose path leads through a symbolic link is usually a release that will be exchanged for the next
 * one by switching the link: so the folder in which the link's target lies may be read, too. */
#include "proc/sandbox_scope.h"

#include "disk/path_walk.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* ---- walking through a configuration ---- */

/* Calls `each` for every route until it returns false; returns whether it never did. */
static bool scope_each_route(const struct config *config,
                             bool (*each)(void *context, const struct route *route), void *context)
{
    const struct settings *settings = config->settings;
    bool continues = true;
    for (size_t i = 0; i < settings->site_count; i++) {
        for (size_t j = 0; j < settings->sites[i].route_count && continues; j++)
            continues = each(context, &settings->sites[i].routes[j]);
    }
    return continues;
}

/* A file may get servers of every kind later. */
static void scope_add_servers(struct sandbox_scope *scope, const struct proxy_settings *proxy)
{
    if (proxy->to_file.length > 0)
        scope->calls.connects = scope->calls.connects_unix = true;
    for (size_t i = 0; i < proxy->server_count; i++) {
        bool is_unix = slice_starts_with(proxy->servers[i].url, SLICE("unix:"));
        scope->calls.connects |= !is_unix;
        scope->calls.connects_unix |= is_unix;
    }
}

static bool scope_add_route(void *context, const struct route *route)
{
    struct sandbox_scope *scope = context;
    if (route->kind == ROUTE_FILES)
        scope->reads_all |= route->files.follow_links;
    if (route->kind == ROUTE_PROXY)
        scope_add_servers(scope, &route->proxy);
    return true;
}

struct sandbox_scope sandbox_scope_of(const struct config *config)
{
    struct sandbox_scope scope = {.config = config,
                                  .calls.has_ring = config->backend == LOOP_BACKEND_IO_URING};
    scope_each_route(config, scope_add_route, &scope);
    return scope;
}

/* ---- comparing ---- */

/* Whether `inner` is the folder `outer` or below it. */
static bool is_below(struct slice outer, struct slice inner)
{
    return slice_starts_with(inner, outer) &&
           (inner.length == outer.length || outer.length == 1 || inner.data[outer.length] == '/');
}

static bool is_outside(void *inner, const struct route *route)
{
    return route->kind != ROUTE_FILES || !is_below(route->files.root, *(const struct slice *)inner);
}

static bool root_is_covered(void *former, const struct route *route)
{
    struct slice root = route->files.root;
    return route->kind != ROUTE_FILES ||
           !scope_each_route(((const struct sandbox_scope *)former)->config, is_outside, &root);
}

bool sandbox_scope_covers(const struct sandbox_scope *former, const struct sandbox_scope *next)
{
    if (former->config->sandbox != next->config->sandbox ||
        !slice_equal(former->config->user, next->config->user))
        return false;
    if (!next->config->sandbox)
        return true;
    return former->reads_all >= next->reads_all && former->calls.connects >= next->calls.connects &&
           former->calls.connects_unix >= next->calls.connects_unix &&
           (former->reads_all || scope_each_route(next->config, root_is_covered, (void *)former));
}

/* ---- allowing ---- */

struct allowing {
    struct landlock *landlock;
    int error;
};

/* What does not exist now is no reason not to start: a worker then says what is missing. */
static void scope_allow(struct allowing *allowing, const char *path, enum landlock_access access)
{
    int error = sys_landlock_allow(allowing->landlock, path, access);
    if (error != -ENOENT && error != -EACCES && error != -ENOTDIR && allowing->error == 0)
        allowing->error = error;
}

/* The real path of what a path leads to; false if there is none. */
static bool find_real_path(const char *path, char real[PATH_MAX])
{
    int fd = sys_open_path_of(path);
    int length = fd < 0 ? fd : sys_descriptor_path(fd, real, PATH_MAX - 1);
    if (fd >= 0)
        sys_close(fd);
    real[MAX(length, 0)] = '\0';
    return length > 0;
}

/* The folder in which the target of a link lies; not if that is "/". */
static bool scope_visit(void *context, int fd, const struct file_status *status)
{
    char link[PATH_MAX], target[PATH_MAX];
    int length = S_ISLNK(status->mode) ? sys_descriptor_path(fd, link, sizeof(link) - 1) : 0;
    link[MAX(length, 0)] = '\0';
    char *slash = length > 0 && find_real_path(link, target) ? strrchr(target, '/') : NULL;
    if (slash && slash > target) {
        *slash = '\0';
        scope_allow(context, target, LANDLOCK_READ);
    }
    return true;
}

static bool scope_allow_route(void *context, const struct route *route)
{
    struct allowing *allowing = context;
    if (route->kind == ROUTE_FILES) {
        bool is_walked = path_walk(route->files.root.data, scope_visit, allowing);
        (void)is_walked; /* the worker says what is wrong with the folder */
        scope_allow(allowing, route->files.root.data, LANDLOCK_READ);
    }
    return true;
}

/* What the C library reads to find the addresses of names. Its files are replaced while it runs: so it is the
 * folders that are allowed. */
static void scope_allow_names(struct allowing *allowing)
{
    char path[PATH_MAX];
    scope_allow(allowing, "/etc", LANDLOCK_READ_FILE);
    scope_allow(allowing, "/dev/urandom", LANDLOCK_READ_FILE); /* so that answers cannot be forged */
    char *slash = find_real_path("/etc/resolv.conf", path) ? strrchr(path, '/') : NULL;
    if (slash && slash > path) {
        *slash = '\0';
        scope_allow(allowing, path, LANDLOCK_READ_FILE);
    }
}

int sandbox_scope_allow(const struct sandbox_scope *scope, struct landlock *landlock)
{
    struct allowing allowing = {.landlock = landlock};
    scope_allow(&allowing, "/dev/null", LANDLOCK_READ_FILE);
    scope_allow(&allowing, "/proc/self/mountinfo", LANDLOCK_READ_FILE);
    scope_allow(&allowing, "/proc/self/task", LANDLOCK_READ_FILE);
#ifdef VIF_SANITIZED
    scope_allow(&allowing, "/proc", LANDLOCK_READ); /* LeakSanitizer looks at the threads of the process */
#endif
    if (scope->reads_all)
        scope_allow(&allowing, "/", LANDLOCK_READ);
    if (scope->calls.connects)
        scope_allow_names(&allowing);
    scope_each_route(scope->config, scope_allow_route, &allowing);
    return allowing.error;
}
