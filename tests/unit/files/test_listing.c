/* Listings as HTML and JSON: what is said, and that no name gets out of its place. */
#include "tests/unit/tree_builder.h"

#include "files/listing.h"

#include <errno.h>
#include <limits.h>

#define BYTES_MAX (1u << 20)

static struct folder_budget budget = {.bytes_max = SIZE_MAX};
static struct folder_shelf shelf;

/* All pieces, one behind the other. */
static int make_whole(struct listing_options *options, struct buffer *out)
{
    struct listing listing;
    options->budget = &budget;
    options->shelf = &shelf;
    int error = listing_open(&listing, options);
    while (error == 0 && listing.stage != LISTING_END) {
        struct buffer piece;
        buffer_init(&piece, LISTING_PIECE_BYTES_MAX);
        listing_write(&listing, &piece);
        assert_false(piece.failed);
        assert_in_range(piece.length, 1, 3 * LISTING_PIECE_BYTES);
        buffer_append(out, buffer_slice(&piece));
        buffer_finish(&piece);
    }
    if (error == 0)
        listing_close(&listing);
    assert_int_equal(budget.used, 0);
    return error;
}

/* The listing of the tree's root, NUL-terminated; free it. */
static char *make(struct tree *tree, const char *url_path, const char *query, enum listing_format format)
{
    struct buffer buffer;
    buffer_init(&buffer, BYTES_MAX);
    struct listing_options options = {
        .reach = {.root_fd = tree->fd, .root_path = tree->path},
        .folder = ".",
        .url_path = slice_from(url_path),
        .query = slice_from(query),
        .format = format,
    };
    assert_int_equal(make_whole(&options, &buffer), 0);
    char *text = strndup(buffer.data, buffer.length);
    assert_non_null(text);
    buffer_finish(&buffer);
    return text;
}

static void expect(bool wanted, const char *text, const char *part)
{
    if ((strstr(text, part) != NULL) == wanted)
        return;
    fputs(text, stderr);
    fail_msg("%s: %s", wanted ? "missing" : "unexpected", part);
}

static void expect_part(const char *text, const char *part)
{
    expect(true, text, part);
}

static void expect_no(const char *text, const char *part)
{
    expect(false, text, part);
}

static void rows_say_name_size_and_date(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    tree_add_folder(&tree, "photos");
    tree_add_file(&tree, "a b.txt", 1234567, 784111777);
    char *html = make(&tree, "/", "", LISTING_HTML);
    expect_part(html,
                "<a href=\"./photos/\"><svg aria-hidden=\"true\"><use href=\"#folder\"/></svg>photos/</a>");
    expect_part(html,
                "<a href=\"./a%20b.txt\"><svg aria-hidden=\"true\"><use href=\"#text\"/></svg>a b.txt</a>");
    expect_part(html, "<td title=\"1,234,567 bytes\">1.2 MiB</td>");
    expect_part(html, "<time datetime=\"1994-11-06T08:49:37Z\">1994-11-06 <span>08:49</span></time>");
    expect_part(html, "<span>1 folder, 1 file, 1.2 MiB</span>");
    expect_no(html, "Parent folder");
    expect_no(html, "{{");
    free(html);
    tree_finish(&tree);
}

static void sizes_are_for_people(void **state)
{
    (void)state;
    static const struct {
        off_t size;
        const char *cell;
    } cases[] = {
        {0, "\"0 bytes\">0 B<"},
        {1, "\"1 byte\">1 B<"},
        {999, "\"999 bytes\">999 B<"},
        {1023, "\"1,023 bytes\">1023 B<"},
        {1024, "\"1,024 bytes\">1.0 KiB<"},
        {102348, "\"102,348 bytes\">99.9 KiB<"},
        {102349, "\"102,349 bytes\">100 KiB<"},
        {1048063, "\"1,048,063 bytes\">1023 KiB<"},
        {1048064, "\"1,048,064 bytes\">1.0 MiB<"},
        {1099511627776, "\"1,099,511,627,776 bytes\">1.0 TiB<"},
    };
    TABLE_ROWS(i, cases, cases[i].cell) {
        struct tree tree;
        tree_init(&tree);
        tree_add_file(&tree, "file", cases[i].size, 0);
        char *html = make(&tree, "/", "", LISTING_HTML);
        expect_part(html, cases[i].cell);
        free(html);
        tree_finish(&tree);
    }
}

static void names_stay_in_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *html;
        const char *json;
    } cases[] = {
        {"<script>", "\"./%3Cscript%3E\"><svg", "\"name\":\"\\u003cscript>\",\"href\":\"./%3Cscript%3E\""},
        {"<script>", "</svg>&lt;script&gt;</a>", "\"truncated\":false"},
        {"\"'&", "\"./%22%27%26\"", "\"name\":\"\\\"'&\""},
        {"\"'&", "</svg>&quot;&#39;&amp;</a>", "\"href\":\"./%22%27%26\""},
        {"a\nb\r", "\"./a%0Ab%0D\"", "\"name\":\"a\\nb\\r\""},
        {"\xff\xc3", "\"./%FF%C3\"", "\"name\":\"\xef\xbf\xbd\xef\xbf\xbd\",\"href\":\"./%FF%C3\""},
        {"\xff\xc3", "</svg>\xef\xbf\xbd\xef\xbf\xbd</a>", ""},
        {"javascript:alert(1)", "\"./javascript%3Aalert%281%29\"", "\"./javascript%3Aalert%281%29\""},
        {"a?b#c%20;\\", "\"./a%3Fb%23c%2520%3B%5C\"", "\"name\":\"a?b#c%20;\\\\\""},
        {"{{rows}}", "</svg>{{rows}}</a>", "\"name\":\"{{rows}}\""},
        {"%s%n", "</svg>%s%n</a>", "\"name\":\"%s%n\""},
    };
    TABLE_ROWS(i, cases, cases[i].name) {
        struct tree tree;
        tree_init(&tree);
        tree_add_file(&tree, cases[i].name, 0, 0);
        char *html = make(&tree, "/", "", LISTING_HTML);
        char *json = make(&tree, "/", "", LISTING_JSON);
        expect_part(html, cases[i].html);
        expect_part(json, cases[i].json);
        free(html);
        free(json);
        tree_finish(&tree);
    }
}

static void crumbs_climb_to_every_folder_above(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    char *html = make(&tree, "/a b/<i>/c/", "", LISTING_HTML);
    expect_part(html, "<ol><li><a href=\"../../../\">Home</a></li><li><a href=\"../../\">a b</a></li>"
                      "<li><a href=\"../\">&lt;i&gt;</a></li><li aria-current=\"page\"><h1>c</h1></li></ol>");
    expect_part(html, "<title>Index of /a b/&lt;i&gt;/c/</title>");
    expect_part(html, "Parent folder");
    expect_part(html, "This folder is empty.");
    free(html);
    html = make(&tree, "/", "", LISTING_HTML);
    expect_part(html, "<ol><li aria-current=\"page\"><h1>Home</h1></li></ol>");
    free(html);
    tree_finish(&tree);
}

static void columns_link_to_their_order(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *first; /* of the two files below */
        const char *part;
    } cases[] = {
        {"", "a", "class=\"name\" aria-sort=\"ascending\"><a href=\"?sort=name&amp;order=desc\""},
        {"", "a", "class=\"size\"><a href=\"?sort=size&amp;order=desc\""},
        {"sort=name&order=desc", "b",
         "class=\"name\" aria-sort=\"descending\"><a href=\"?sort=name&amp;order=asc\""},
        {"order=desc", "b", "class=\"name\" aria-sort=\"descending\""},
        {"sort=size", "b", "class=\"size\" aria-sort=\"ascending\"><a href=\"?sort=size&amp;order=desc\""},
        {"order=desc&sort=size", "a", "class=\"size\" aria-sort=\"descending\""},
        {"sort=modified&order=asc", "b", "class=\"modified\" aria-sort=\"ascending\""},
        {"x=1&sort=size&sort=name&&=", "a", "class=\"name\" aria-sort=\"ascending\""},
        {"sort=<i>&order=up", "a", "class=\"name\" aria-sort=\"ascending\""},
        {"sort&order&sort=&order=", "a", "class=\"name\" aria-sort=\"ascending\""},
    };
    struct tree tree;
    tree_init(&tree);
    tree_add_file(&tree, "a", 2, 2000);
    tree_add_file(&tree, "b", 1, 1000);
    TABLE_ROWS(i, cases, cases[i].query) {
        char *html = make(&tree, "/", cases[i].query, LISTING_HTML);
        expect_part(html, cases[i].part);
        const char *a = strstr(html, "\"./a\""), *b = strstr(html, "\"./b\"");
        assert_int_equal(a < b, *cases[i].first == 'a');
        free(html);
    }
    tree_finish(&tree);
}

static void json_says_the_same(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    char *json = make(&tree, "/\"/", "", LISTING_JSON);
    assert_string_equal(json, "{\"path\":\"/\\\"/\",\"entries\":[\n],\"truncated\":false}\n");
    free(json);
    tree_add_folder(&tree, "a b");
    tree_add_file(&tree, "c", 1000000000000, 784111777);
    json = make(&tree, "/", "sort=size&order=desc", LISTING_JSON);
    assert_string_equal(json, "{\"path\":\"/\",\"entries\":[\n"
                              "{\"name\":\"a b\",\"href\":\"./a%20b/\",\"type\":\"folder\",\"size\":null,"
                              "\"modified\":\"1970-01-01T00:00:00Z\"},\n"
                              "{\"name\":\"c\",\"href\":\"./c\",\"type\":\"file\",\"size\":1000000000000,"
                              "\"modified\":\"1994-11-06T08:49:37Z\"}\n"
                              "],\"truncated\":false}\n");
    free(json);
    tree_finish(&tree);
}

static void says_why_there_is_none(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    tree_add_file(&tree, "file", 0, 0);
    struct listing_options options = {
        .reach = {.root_fd = tree.fd, .root_path = tree.path}, .folder = "file", .url_path = SLICE("/")};
    struct buffer buffer;
    buffer_init(&buffer, BYTES_MAX);
    assert_int_equal(make_whole(&options, &buffer), -ENOTDIR);
    assert_int_equal(buffer.length, 0);
    buffer_finish(&buffer);
    tree_finish(&tree);
}

/* The count of `part` in `text`. */
static size_t count_parts(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

/* Each name once, in order, whatever piece it is in. */
static void a_large_folder_comes_in_pieces(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    for (int i = 0; i < 300; i++) {
        char name[NAME_MAX + 1]; /* takes the most room that a name can */
        memset(name, '"', NAME_MAX);
        snprintf(name + NAME_MAX - 3, 4, "%03d", i);
        tree_add_file(&tree, name, 10, 0);
    }
    for (enum listing_format format = LISTING_HTML; format <= LISTING_JSON; format++) {
        char *text = make(&tree, "/", "", format);
        assert_int_equal(count_parts(text, format == LISTING_HTML ? "<time" : "modified"), 300);
        expect_part(text,
                    format == LISTING_HTML ? "0 folders, 300 files, 2.9 KiB" : "\"truncated\":false}\n");
        const char *at = text;
        for (int i = 0; i < 300; i++) {
            char end[16];
            snprintf(end, sizeof(end), "%03d%s", i, format == LISTING_HTML ? "</a>" : "\",\"href");
            at = strstr(at, end);
            assert_non_null(at);
        }
        free(text);
    }
    tree_finish(&tree);
}

static void page_asks_for_nothing_and_says_so(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    char *html = make(&tree, "/", "", LISTING_HTML);
    expect_no(html, "src=");
    expect_no(html, "url(");
    expect_no(html, "http");
    expect_no(html, "<script");
    expect_no(html, "<link");
    expect_no(html, "style="); /* the policy forbids the attribute */
    free(html);
    assert_true(
        slice_starts_with(listing_security_policy(), SLICE("default-src 'none'; style-src 'sha256-")));
    tree_finish(&tree);
}

static void open_by(struct listing *listing, struct listing_options *options, const char *query)
{
    options->query = slice_from(query);
    assert_int_equal(listing_open(listing, options), 0);
    assert_null(folder_shelf_validate(&shelf));
}

/* What is out of order is noticed. */
static void validator_notices(struct shared_folder *folder)
{
    unsigned references = folder->references;
    size_t bytes = folder->entries.bytes, capacity = folder->entries.capacity;
    folder->references = 0;
    assert_non_null(folder_shelf_validate(&shelf));
    folder->references = references;
    folder->entries.bytes = budget.used + 1;
    assert_non_null(folder_shelf_validate(&shelf));
    folder->entries.bytes = bytes;
    folder->entries.capacity = 1;
    assert_non_null(folder_shelf_validate(&shelf));
    folder->entries.capacity = capacity;
    assert_null(folder_shelf_validate(&shelf));
}

/* By as many listings as there are, for as long as one of them is there; and by none that read another. */
static void what_many_read_is_held_once(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    tree_add_file(&tree, "a", 1, 0);
    tree_add_file(&tree, "b", 2, 0);
    struct listing_options options = {.reach = {.root_fd = tree.fd, .root_path = tree.path},
                                      .folder = ".",
                                      .url_path = SLICE("/"),
                                      .budget = &budget,
                                      .shelf = &shelf};
    struct listing first, again, other_way, later, gone;
    open_by(&first, &options, "");
    size_t once = budget.used;
    open_by(&again, &options, "");
    assert_int_equal(budget.used, once);
    assert_ptr_equal(again.folder, first.folder);
    open_by(&other_way, &options, "order=desc");
    assert_int_equal(budget.used, 2 * once);
    listing_close(&first);
    assert_int_equal(budget.used, 2 * once);

    assert_int_equal(unlinkat(tree.fd, "b", 0), 0);
    tree_add_file(&tree, "b", 3, 0); /* its size is all that is another now */
    open_by(&later, &options, "");
    assert_ptr_not_equal(later.folder, again.folder);
    assert_int_equal(later.folder->entries.items[1].size, 3);
    assert_int_equal(again.folder->entries.items[1].size, 2);
    open_by(&gone, &options, "");
    assert_ptr_equal(gone.folder, later.folder);
    validator_notices(later.folder);
    listing_close(&gone);
    listing_close(&again);
    listing_close(&other_way);
    assert_int_equal(budget.used, once);
    listing_close(&later);
    assert_int_equal(budget.used, 0);
    tree_finish(&tree);
}

int main(void)
{
    folder_shelf_init(&shelf);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_say_name_size_and_date), cmocka_unit_test(sizes_are_for_people),
        cmocka_unit_test(names_stay_in_their_place),   cmocka_unit_test(crumbs_climb_to_every_folder_above),
        cmocka_unit_test(columns_link_to_their_order), cmocka_unit_test(json_says_the_same),
        cmocka_unit_test(says_why_there_is_none),      cmocka_unit_test(a_large_folder_comes_in_pieces),
        cmocka_unit_test(what_many_read_is_held_once), cmocka_unit_test(page_asks_for_nothing_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
