/* Which route answers for a host and a path. */
#include "tests/unit/tree_builder.h"

#include "disk/root_opening.h"
#include "serve/snapshot.h"

#include <errno.h>

#define SITES_MAX  4
#define HOSTS_MAX  8
#define ROUTES_MAX 8

static struct close_queue at_once; /* it has no loop */
static struct root_table roots;

static int set_up(void **state)
{
    (void)state;
    root_table_init(&roots, &at_once, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    root_table_finish(&roots);
    return 0;
}

static void never_moves(void *context, struct root *root, struct root_look *look)
{
    (void)context, (void)root, (void)look;
    fail();
}

/* The error of the first root that cannot be opened. */
static int open_roots(struct settings *settings, struct root_opening **ret_opening)
{
    struct root_opening *opening = root_opening_create(&roots, settings);
    int error = 0;
    assert_non_null(opening);
    root_opening_make(opening);
    for (size_t i = 0; error == 0 && i < opening->count; i++)
        error = root_opening_error(opening, i);
    if (error == 0)
        error = root_opening_join(opening, 0, never_moves, NULL);
    *ret_opening = opening;
    return error;
}

static int make_snapshot(struct settings *settings, struct snapshot **ret_snapshot)
{
    struct root_opening *opening;
    int error = open_roots(settings, &opening);
    if (error == 0)
        error = snapshot_create(settings, &roots, ret_snapshot);
    root_opening_destroy(opening);
    return error;
}

struct plan {
    struct settings *settings;
    struct site sites[SITES_MAX];
    struct slice hosts[SITES_MAX][HOSTS_MAX];
    struct route routes[SITES_MAX][ROUTES_MAX];
};

static void plan_init(struct plan *plan)
{
    *plan = (struct plan){.settings = settings_create()};
    assert_non_null(plan->settings);
    plan->settings->sites = plan->sites;
}

/* Hosts and prefixes, separated by '|'. */
static void plan_add(struct plan *plan, const char *hosts, const char *prefixes)
{
    size_t number = plan->settings->site_count++;
    struct site *site = &plan->sites[number];
    struct slice rest = slice_from(hosts), item;
    site->hosts = plan->hosts[number];
    site->routes = plan->routes[number];
    while (slice_next(&rest, '|', &item))
        site->hosts[site->host_count++] = item;
    rest = slice_from(prefixes);
    while (slice_next(&rest, '|', &item))
        site->routes[site->route_count++] = (struct route){.prefix = item, .kind = ROUTE_RESPOND};
}

static struct snapshot *plan_make(struct plan *plan)
{
    struct snapshot *snapshot;
    assert_int_equal(make_snapshot(plan->settings, &snapshot), 0);
    settings_unref(plan->settings);
    return snapshot;
}

/* The number of the site and the prefix: "1/a". */
static void show(const struct snapshot *snapshot, const struct route_entry *route_entry, char out[64])
{
    for (size_t i = 0; i < snapshot->settings->site_count; i++) {
        const struct site *site = &snapshot->settings->sites[i];
        if (route_entry->route >= site->routes && route_entry->route < site->routes + site->route_count)
            snprintf(out, 64, "%zu%.*s", i, SLICE_ARGS(route_entry->route->prefix));
    }
}

/* `expected`: as shown; "-": no host; "404": no path. */
static void expect(const struct snapshot *snapshot, const char *host, const char *path, const char *expected)
{
    const struct route_entry *route_entry = NULL;
    char got[64] = "";
    switch (snapshot_match(snapshot, 0, slice_from(host), slice_from(path), &route_entry)) {
    case SNAPSHOT_NO_HOST: strcpy(got, "-"); break;
    case SNAPSHOT_NO_PATH: strcpy(got, "404"); break;
    case SNAPSHOT_FOUND: show(snapshot, route_entry, got); break;
    }
    if (strcmp(got, expected) != 0)
        fail_msg("%s %s: got %s, expected %s", host, path, got, expected);
}

static void hosts(void **state)
{
    (void)state;
    struct plan plan;
    plan_init(&plan);
    plan_add(&plan, "*", "/");
    plan_add(&plan, "example.com|*.example.com", "/");
    plan_add(&plan, "a.b.example.com|*.b.example.com|[::1]|192.0.2.1", "/");
    struct snapshot *snapshot = plan_make(&plan);
    static const struct {
        const char *host, *expected;
    } cases[] = {
        {"example.com", "1/"},
        {"EXAMPLE.Com", "1/"},
        {"example.com.", "1/"},
        {"www.example.com", "1/"},
        {"x.y.z.example.com", "1/"},
        {"Www.Example.Com.", "1/"},
        {"a.b.example.com", "2/"},
        {"c.b.example.com", "2/"},
        {"b.example.com", "1/"},
        {"d.c.b.example.com", "2/"},
        {"wwwexample.com", "0/"},
        {"example.com.evil.org", "0/"},
        {".example.com", "0/"},
        {"com", "0/"},
        {"", "0/"},
        {".", "0/"},
        {"..", "0/"},
        {"[::1]", "2/"},
        {"192.0.2.1", "2/"},
        {"1.192.0.2.1", "0/"},
        {"*", "0/"},
        {"x..example.com", "1/"},
    };
    TABLE_ROWS(i, cases, cases[i].host)
        expect(snapshot, cases[i].host, "/x", cases[i].expected);
    snapshot_unref(snapshot);
}

static void hosts_without_a_site(void **state)
{
    (void)state;
    struct plan plan;
    plan_init(&plan);
    plan_add(&plan, "example.com", "/");
    struct snapshot *snapshot = plan_make(&plan);
    expect(snapshot, "example.com", "/", "0/");
    expect(snapshot, "www.example.com", "/", "-");
    expect(snapshot, "", "/", "-");
    snapshot_unref(snapshot);
}

/* A name that is too long for any is cut nowhere: its front part must not be taken for it. */
static void hosts_of_any_length(void **state)
{
    (void)state;
    struct plan plan;
    plan_init(&plan);
    plan_add(&plan, "*", "/");
    plan_add(&plan, "*.example.com", "/");
    struct snapshot *snapshot = plan_make(&plan);
    for (size_t length = 12; length < 400; length++) {
        char host[500];
        memset(host, 'x', length);
        strcpy(host + length - 12, ".example.com");
        expect(snapshot, host, "/", length > 12 && length <= 255 ? "1/" : "0/");
        strcat(host, ".");
        expect(snapshot, host, "/", length > 12 && length <= 255 ? "1/" : "0/");
        strcat(host, "evil.org");
        expect(snapshot, host, "/", "0/");
    }
    snapshot_unref(snapshot);
}

static void paths(void **state)
{
    (void)state;
    struct plan plan;
    plan_init(&plan);
    plan_add(&plan, "*", "/a/b/c|/a/b|/a|/with/slash/");
    struct snapshot *snapshot = plan_make(&plan);
    static const struct {
        const char *path, *expected;
    } cases[] = {
        {"/a", "0/a"},
        {"/a/", "0/a"},
        {"/a/x", "0/a"},
        {"/ab", "404"},
        {"/a/b", "0/a/b"},
        {"/a/bc", "0/a"},
        {"/a/b/c", "0/a/b/c"},
        {"/a/b/c/d", "0/a/b/c"},
        {"/a/b/cd", "0/a/b"},
        {"/", "404"},
        {"/x", "404"},
        {"/with/slash", "0/with/slash/"},
        {"/with", "404"},
        {"/with/slash/x", "0/with/slash/"},
        {"/with/slashes", "404"},
        {"/A", "404"},
    };
    TABLE_ROWS(i, cases, cases[i].path)
        expect(snapshot, "x", cases[i].path, cases[i].expected);
    snapshot_unref(snapshot);
}

static void each_site_has_its_own_paths(void **state)
{
    (void)state;
    struct plan plan;
    plan_init(&plan);
    plan_add(&plan, "one", "/a");
    plan_add(&plan, "two", "/b|/");
    struct snapshot *snapshot = plan_make(&plan);
    expect(snapshot, "one", "/a", "0/a");
    expect(snapshot, "one", "/b", "404");
    expect(snapshot, "two", "/a", "1/");
    expect(snapshot, "two", "/b/x", "1/b");
    snapshot_unref(snapshot);
}

static void two_thousand_routes(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static char names[COUNT][24];
    static struct route routes[COUNT];
    static struct slice any = SLICE("*");
    static struct site site = {.hosts = &any, .host_count = 1, .routes = routes, .route_count = COUNT};
    struct settings *settings = settings_create();
    struct snapshot *snapshot;
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "/route%d", i);
        routes[i] = (struct route){.prefix = slice_from(names[i]), .kind = ROUTE_RESPOND};
    }
    settings->sites = &site;
    settings->site_count = 1;
    assert_int_equal(make_snapshot(settings, &snapshot), 0);
    settings_unref(settings);
    for (int i = 0; i < COUNT; i++) {
        const struct route_entry *route_entry;
        char path[32];
        snprintf(path, sizeof(path), "/route%d/below/it", i);
        assert_int_equal(snapshot_match(snapshot, 0, SLICE("x"), slice_from(path), &route_entry),
                         SNAPSHOT_FOUND);
        assert_ptr_equal(route_entry->route, &routes[i]);
        assert_slice(route_entry->bare_prefix, names[i]);
    }
    snapshot_unref(snapshot);
}

static void roots_are_opened_or_named(void **state)
{
    (void)state;
    struct tree tree;
    struct plan plan;
    struct snapshot *snapshot = NULL;
    tree_init(&tree);
    plan_init(&plan);
    plan_add(&plan, "*", "/b|/a|/");
    plan.routes[0][0] =
        (struct route){.prefix = SLICE("/b"), .kind = ROUTE_FILES, .files.root = slice_from(tree.path)};
    plan.routes[0][1] =
        (struct route){.prefix = SLICE("/a"), .kind = ROUTE_FILES, .files.root = SLICE("/nowhere/at/all")};
    assert_int_equal(make_snapshot(plan.settings, &snapshot), -ENOENT);
    assert_null(snapshot);
    assert_int_equal(plan.settings->references, 1);
    plan.routes[0][1].files.root = SLICE("/etc/passwd");
    assert_int_equal(make_snapshot(plan.settings, &snapshot), -ENOTDIR);
    plan.routes[0][1].files.root = SLICE("/");
    snapshot = plan_make(&plan);
    assert_int_equal(roots.roots.count, 2);
    const struct route_entry *route_entry;
    assert_int_equal(snapshot_match(snapshot, 0, SLICE(""), SLICE("/b/c"), &route_entry), SNAPSHOT_FOUND);
    assert_slice(route_entry->root->spec.path, tree.path);
    assert_true(route_entry->root->fd >= 0);
    snapshot_unref(snapshot_ref(snapshot));
    int fd = route_entry->root->fd;
    assert_true(fcntl(fd, F_GETFD) >= 0);
    snapshot_unref(snapshot);
    assert_true(fcntl(fd, F_GETFD) < 0);
    snapshot_unref(NULL);
    tree_finish(&tree);
}

static void guesses_for_what_is_refused(void **state)
{
    (void)state;
    struct plan plan;
    plan_init(&plan);
    plan_add(&plan, "a.example", "/a|/a/b");
    plan_add(&plan, "b.example", "/");
    struct snapshot *snapshot = plan_make(&plan);
    static const struct {
        const char *host, *path, *expected; /* "": none */
    } cases[] = {
        {"a.example", "/a/b/c", "0/a/b"}, {"b.example", "/a", "1/"},
        {"c.example", "/a/x", "0/a"},     {"", "/a", "0/a"},
        {"a.example", "/", ""},           {"c.example", "/", ""},
    };
    TABLE_ROWS(i, cases, cases[i].host) {
        const struct route_entry *route_entry =
            snapshot_guess(snapshot, 0, slice_from(cases[i].host), slice_from(cases[i].path));
        char got[64] = "";
        if (route_entry)
            show(snapshot, route_entry, got);
        assert_string_equal(got, cases[i].expected);
    }
    snapshot_unref(snapshot);
}

/* Whose error pages an error has: those of the nearest folder above, if any. */
static void the_nearest_files(void **state)
{
    (void)state;
    struct plan plan;
    plan_init(&plan);
    plan_add(&plan, "*", "/f/|/f/x|/f/x/g|/f/x/g/y/z|/fx|/");
    for (size_t i = 0; i < plan.sites[0].route_count; i += 2) {
        plan.routes[0][i].kind = ROUTE_FILES;
        plan.routes[0][i].files.root = SLICE("/tmp");
    }
    plan.routes[0][4].kind = ROUTE_RESPOND; /* "/fx" lies in no folder: "/f" is none of its segments */
    struct snapshot *snapshot = plan_make(&plan);
    static const char *const expected[] = {"0/f/", "0/f/", "0/f/x/g", "0/f/x/g", "", ""};
    TABLE_ROWS(i, expected, expected[i]) {
        char got[64] = "";
        if (snapshot->route_entries[i].files_entry)
            show(snapshot, snapshot->route_entries[i].files_entry, got);
        assert_string_equal(got, expected[i]);
    }
    snapshot_unref(snapshot);
}

/* One host may have a site on each of several listeners; a site without a list is on all of them. */
static void sites_are_served_on_their_listeners_only(void **state)
{
    (void)state;
    struct plan plan;
    plan_init(&plan);
    plan_add(&plan, "a|*", "/");
    plan_add(&plan, "a|*.b", "/");
    plan_add(&plan, "c", "/");
    plan.sites[0].listener_set = 1;
    plan.sites[1].listener_set = 6;
    struct snapshot *snapshot = plan_make(&plan);
    static const struct {
        unsigned listener;
        const char *host, *expected;
    } rows[] = {
        {0, "a", "0/"},   {1, "a", "1/"}, {2, "A.", "1/"}, {3, "a", ""},   {0, "x.b", "0/"},
        {2, "x.b", "1/"}, {1, "x", ""},   {0, "x", "0/"},  {0, "c", "2/"}, {5, "c", "2/"},
    };
    TABLE_ROWS(i, rows, rows[i].host) {
        const struct route_entry *route_entry = NULL;
        char got[64] = "";
        if (snapshot_match(snapshot, rows[i].listener, slice_from(rows[i].host), SLICE("/"), &route_entry) ==
            SNAPSHOT_FOUND)
            show(snapshot, route_entry, got);
        assert_string_equal(got, rows[i].expected);
    }
    snapshot_unref(snapshot);
}

static void a_listener_may_redirect(void **state)
{
    (void)state;
    struct plan plan;
    struct route redirect = {.prefix = SLICE("/"), .kind = ROUTE_REDIRECT};
    struct listener_settings listeners[] = {{.route = NULL}, {.route = &redirect}};
    plan_init(&plan);
    plan_add(&plan, "*", "/");
    plan.settings->listeners = listeners;
    plan.settings->listener_count = 2;
    struct snapshot *snapshot = plan_make(&plan);
    assert_null(snapshot_listener_entry(snapshot, 0));
    assert_ptr_equal(snapshot_listener_entry(snapshot, 1)->route, &redirect);
    assert_null(snapshot_listener_entry(snapshot, 2));
    snapshot_unref(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts),
        cmocka_unit_test(hosts_without_a_site),
        cmocka_unit_test(hosts_of_any_length),
        cmocka_unit_test(paths),
        cmocka_unit_test(each_site_has_its_own_paths),
        cmocka_unit_test(two_thousand_routes),
        cmocka_unit_test(roots_are_opened_or_named),
        cmocka_unit_test(guesses_for_what_is_refused),
        cmocka_unit_test(the_nearest_files),
        cmocka_unit_test(sites_are_served_on_their_listeners_only),
        cmocka_unit_test(a_listener_may_redirect),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
