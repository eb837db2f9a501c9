/* What the cache keeps when settings change, and what must not be used any more. */
#include "tests/unit/variant_builder.h"

static void set_edit(struct variant *variant, struct field_edit edit)
{
    variant->edit = edit;
    variant->routes[0].field_edits = &variant->edit;
    variant->routes[0].field_edit_count = 1;
}

static void set_origin(struct variant *variant, const char *origin)
{
    variant->origin = slice_from(origin);
    variant->routes[0].cors_origins = &variant->origin;
    variant->routes[0].cors_origin_count = 1;
}

static void changes_nothing(struct variant *variant)
{
    (void)variant;
}

static void drops_server(struct variant *variant)
{
    variant->settings->server_field = false;
}

static void adds_header(struct variant *variant)
{
    set_edit(variant, (struct field_edit){SLICE("X-One"), SLICE("1")});
}

static void adds_other_value(struct variant *variant)
{
    set_edit(variant, (struct field_edit){SLICE("X-One"), SLICE("2")});
}

static void adds_empty_header(struct variant *variant)
{
    set_edit(variant, (struct field_edit){SLICE("ETag"), SLICE("")});
}

static void removes_header(struct variant *variant)
{
    set_edit(variant, (struct field_edit){.name = SLICE("ETag")});
}

static void allows_all_origins(struct variant *variant)
{
    set_origin(variant, "*");
}

static void allows_one_origin(struct variant *variant)
{
    set_origin(variant, "https://b.example");
}

static void allows_wild_origins(struct variant *variant)
{
    set_origin(variant, "https://*.example");
}

static void sets_type(struct variant *variant)
{
    variant->type = (struct media_type_rule){SLICE(".txt"), SLICE("text/x-own")};
    variant->routes[0].files.types = &variant->type;
    variant->routes[0].files.type_count = 1;
}

static void sets_other_type(struct variant *variant)
{
    sets_type(variant);
    variant->type.type = SLICE("text/x-other");
}

static void sets_charset(struct variant *variant)
{
    variant->routes[0].files.charset = SLICE("latin1");
}

static void sets_cache_rule(struct variant *variant)
{
    variant->cache_rule = (struct cache_rule){SLICE("*.txt"), SLICE("max-age=60")};
    variant->routes[0].files.cache_rules = &variant->cache_rule;
    variant->routes[0].files.cache_rule_count = 1;
}

static void sets_cache_rule_for_others(struct variant *variant)
{
    sets_cache_rule(variant);
    variant->cache_rule.pattern = SLICE("*.css");
}

static void sets_fallback(struct variant *variant)
{
    variant->routes[0].files.fallback = SLICE("page.html");
}

static void has_no_siblings(struct variant *variant)
{
    variant->routes[0].files.precompressed = false;
}

static void follows_links(struct variant *variant)
{
    variant->routes[0].files.follow_links = true;
}

static const struct {
    const char *name;
    void (*apply)(struct variant *variant);
} mutations[] = {
    {"nothing", changes_nothing},
    {"no Server", drops_server},
    {"a header", adds_header},
    {"a header with another value", adds_other_value},
    {"an empty header", adds_empty_header},
    {"a header less", removes_header},
    {"all origins", allows_all_origins},
    {"one origin", allows_one_origin},
    {"wild origins", allows_wild_origins},
    {"a type", sets_type},
    {"another type", sets_other_type},
    {"a charset", sets_charset},
    {"a cache rule", sets_cache_rule},
    {"a cache rule for others", sets_cache_rule_for_others},
    {"a fallback", sets_fallback},
    {"no siblings", has_no_siblings},
    {"links that lead out", follows_links},
};

#define MUTATIONS ARRAY_LENGTH(mutations)

/* ---- what stays, and what goes ---- */

/* What a server answers that has never had other settings. */
static void expect_of_each(char expected[MUTATIONS][2048])
{
    for (size_t i = 0; i < MUTATIONS; i++) {
        struct world world;
        struct variant variant;
        variant_world(&world);
        variant_init(&variant, world.tree.path);
        mutations[i].apply(&variant);
        assert_int_equal(world_change(&world, variant.settings), 0);
        variant_ask(&world, ASK, expected[i]);
        variant_finish(&variant);
        world_finish(&world);
    }
}

/* From each to some of the others: to how many rows further on. */
static const size_t steps[] = {1, 2, 5};

static void expect_change(struct world *world, struct settings *from, struct settings *to,
                          const char *expected)
{
    char got[2048];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(world_change(world, i ? to : from), 0);
        variant_ask(world, ASK, got);
        variant_ask(world, ASK, got); /* out of the cache */
    }
    assert_string_equal(got, expected);
}

/* The kept head and what else was found by the former settings must not be used by the next. */
static void every_change_shows_in_the_next_response(void **state)
{
    (void)state;
    static char expected[MUTATIONS][2048];
    struct world world;
    struct variant variants[MUTATIONS];
    expect_of_each(expected);
    variant_world(&world);
    for (size_t i = 0; i < MUTATIONS; i++) {
        variant_init(&variants[i], world.tree.path);
        mutations[i].apply(&variants[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        TABLE_ROWS(to, mutations, mutations[to].name) {
            size_t from = (to + MUTATIONS - steps[i]) % MUTATIONS;
            expect_change(&world, variants[from].settings, variants[to].settings, expected[to]);
        }
    }
    for (size_t i = 0; i < MUTATIONS; i++)
        variant_finish(&variants[i]);
    world_finish(&world);
}

static void the_cache_outlives_a_change(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    char got[2048];
    variant_world(&world);
    int fd = world_root(&world)->fd;
    variant_ask(&world, ASK, got);
    uint64_t misses = world.counters.cache_misses;
    variant_init(&variant, world.tree.path);
    adds_header(&variant);
    variant.settings->limits.cache_bytes *= 2;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(world_change(&world, i % 2 ? world.settings : variant.settings), 0);
        variant_ask(&world, ASK, got);
        assert_int_equal(strstr(got, "X-One: 1") != NULL, i % 2 == 0);
    }
    assert_int_equal(world.counters.cache_misses, misses);
    assert_int_equal(world_root(&world)->fd, fd);
    assert_int_equal(world.server->roots.roots.count, 1);
    file_cache_validate(world.server->files.cache);
    variant_finish(&variant);
    world_finish(&world);
}

/* Two routes to one folder: the file is in the cache once, each has its own head, also while the other's is
 * on its way. */
static void routes_share_a_root_and_no_head(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    struct client slow;
    char got[2048];
    variant_world(&world);
    world_add_file(&world, "big.txt", 200000);
    tree_settle(&world.tree);
    variant_init(&variant, world.tree.path);
    adds_header(&variant);
    variant.site.route_count = 2;
    struct route whole = variant.routes[0];
    variant.routes[0] = variant.routes[1]; /* the longer prefix first */
    variant.routes[1] = whole;
    assert_int_equal(world_change(&world, variant.settings), 0);
    assert_int_equal(world.server->roots.roots.count, 1);
    uint64_t misses = world.counters.cache_misses;
    for (unsigned i = 0; i < 3; i++) {
        variant_ask(&world, "GET /other/page.txt HTTP/1.1\r\nHost: x\r\n\r\n", got);
        assert_null(strstr(got, "X-One"));
        variant_ask(&world, ASK, got);
        assert_non_null(strstr(got, "X-One: 1"));
    }
    assert_true(world.counters.cache_misses <= misses + 1);
    client_connect(&slow, &world, 4096);
    for (unsigned i = 0; i < 40; i++)
        client_say(&slow, "GET /other/big.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    world_await_state(&world, CLIENT_SEND);
    struct client other;
    client_connect(&other, &world, 0);
    client_say(&other, "HEAD /big.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&other, "X-One: 1", 1);
    client_await(&slow, "HTTP/1.1 200 OK", 40);
    assert_int_equal(client_count(&slow, "X-One"), 0);
    client_close(&other);
    client_close(&slow);
    variant_finish(&variant);
    world_finish(&world);
}

static struct file *file_of_page(struct world *world)
{
    struct file *file = file_cache_find(world->server->files.cache, world_root(world), SLICE("page.txt"),
                                        HTTP_CODING_IDENTITY);
    assert_non_null(file);
    file_unref(file);
    return file;
}

/* A file is in memory, or not, as the limit has it, as soon as it is looked at again. */
static void a_file_takes_the_form_that_the_limit_wants(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    char got[2048];
    variant_world(&world);
    variant_ask(&world, ASK, got);
    variant_init(&variant, world.tree.path);
    variant.settings->limits.cache_file_bytes = 3;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(world_change(&world, i % 2 ? world.settings : variant.settings), 0);
        file_of_page(&world)->seen_ms -= FILE_TRUST_MS;
        variant_ask(&world, ASK, got);
        assert_int_equal(file_of_page(&world)->in_memory, i % 2);
    }
    variant_finish(&variant);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_shows_in_the_next_response),
        cmocka_unit_test(the_cache_outlives_a_change),
        cmocka_unit_test(routes_share_a_root_and_no_head),
        cmocka_unit_test(a_file_takes_the_form_that_the_limit_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
