/* What is right option by option, and wrong together or with what is on the disk. */
#include "loading.h"

#define ROUTE(text)  "sites: [{routes: {/: {" text "}}}]"
#define ROUTES(text) "sites: [{routes: {" text "}}]"
#define GOOD         "\n" ROUTE("respond: a")

static const char *const files[] = {"root/index.html", "root/404.html", "root/only.html.gz", "file", NULL};

/* One mistake each. */
static const struct {
    const char *text;
    const char *told;
} cases[] = {
    /* addresses */
    {"listen: [':8080', '127.0.0.1:8080']" GOOD, "1:19: error: listen: \"127.0.0.1:8080\" shares addresses "
                                                 "with \":8080\" (first in line 1): keep one of them"},
    {"listen: ['127.0.0.1:80', ':80']" GOOD, "listen: \":80\" shares addresses with \"127.0.0.1:80\""},
    {"listen:\n- '0.0.0.0:80'\n- 'localhost:80'" GOOD,
     "3:3: error: listen: \"localhost:80\" shares addresses with \"0.0.0.0:80\" (first in line 2)"},
    {"listen: ['[::]:80', '[::1]:80']" GOOD, "listen: \"[::1]:80\" shares addresses with \"[::]:80\""},
    {"listen: ['[::]:80', 80]" GOOD, "listen: \":80\" shares addresses with \"[::]:80\""},
    {"listen: ['localhost:80', '127.0.0.1:80']" GOOD, "shares addresses with \"localhost:80\""},
    {"listen: ['unix:a', 'unix:./a']" GOOD, "listen: duplicate \"unix:"},
    {"listen: '[::ffff:1.2.3.4]:80'" GOOD, "it is an IPv4 address: write it as one"},
    {"listen: 'unix:nowhere/a'" GOOD, "there is no folder \""},
    {"listen: 'unix:file'" GOOD, "there is a file of that name, which is not a socket"},
    /* logs */
    {"log: {access: nowhere/a.log}" GOOD,
     "1:15: error: log.access.path: \"nowhere/a.log\": there is no folder \""},
    {"log: {access: file/a.log}" GOOD, "Not a directory"},
    {"log: {error: root}" GOOD, "log.error.path: \"root\": it is a folder"},
    {"log: {error: /dev/null/a}" GOOD, "Not a directory"},
    /* values whose type YAML would change */
    {"log: {error: false}" GOOD, "log.error.path: expected the path of a file, or \"-\", not \"false\", a "
                                 "truth value; in quotes it would be a text"},
    {"log: {access: true}" GOOD, "not \"true\", a truth value"},
    {"log: {error: ~}" GOOD, "log.error.path: expected the path of a file, or \"-\", not nothing"},
    {ROUTE("files: null"), "files.root: expected the path of a folder, not nothing"},
    {ROUTE("files: {root: no}"), "files.root: expected the path of a folder, not \"no\", a truth value"},
    {ROUTE("files: {root: root, index: yes}"),
     "files.index: expected the name of a file, without folders, not \"yes\""},
    {"sites: [{hosts: [on], routes: {/: {respond: a}}}]", "hosts: expected a name such as"},
    {ROUTE("respond: a, headers: {set: {X-A: }}"),
     "headers.set: expected one line of text, not nothing; an empty text is written \"\""},
    {ROUTE("redirect: {to: {path}}"), "not a map; a text that begins with \"{\" needs quotes"},
    {"workers: 010" GOOD, "workers: expected a number from 1 to 1024, or auto, not \"010\""},
    {"limits: {body: 010MiB}" GOOD, "limits.body: expected a size"},
    {"workers: ~" GOOD, "workers: expected a number from 1 to 1024, or auto, not nothing"},
    /* what is served */
    {ROUTE("files: nowhere"), "files.root: \"nowhere\": No such file or directory"},
    {ROUTE("files: file"), "files.root: \"file\": it is not a folder"},
    {ROUTE("files: ~/www"), "files.root: \"~/www\": \"~\" means nothing here"},
    {ROUTE("files: {root: root, fallback: app.html}"),
     "1:53: error: files.fallback: \"app.html\": No such file or directory below \""},
    {ROUTE("files: {root: root, error_pages: {404: /no.html, 500: 404.html}}"),
     "1:62: error: files.error_pages: \"/no.html\": No such file or directory below \""},
    {ROUTE("files: {root: ., fallback: root}"), "files.fallback: \"root\": it is not a file"},
    /* patterns */
    {ROUTE("files: {root: root, cache: {'*.{js,css}': a}}"), "it has braces, which patterns do not know"},
    {ROUTE("files: {root: root, cache: {'*.[jc': a}}"), "its \"[\" is not closed"},
    {ROUTE("files: {root: root, cache: {'[]': a}}"), "its \"[\" is not closed"},
    {ROUTE("files: {root: root, cache: {'[!]a': a}}"), "its \"[\" is not closed"},
    {ROUTE("files: {root: root, cache: {'a\\': a}}"), "its last \"\\\" escapes nothing"},
    {ROUTE("files: {root: root, cache: {'assets/*': a}}"),
     "a pattern with \"/\" is matched against the whole path"},
    /* routes */
    {ROUTES("/a/*: {respond: a}"), "it has a \"*\", but a route answers everything below its path by itself"},
    {ROUTES("'*.php': {respond: a}"), "it does not begin with \"/\""},
    {ROUTES("'~ \\.php$': {respond: a}"), "routes are paths, without operators or regular expressions"},
    {ROUTES("= /a: {respond: a}"), "routes are paths, without operators"},
    {ROUTES("/a%20b: {respond: a}"), "routes are written as they read"},
    /* redirects */
    {ROUTE("redirect: /home"), "1:33: error: redirect.to: \"/home\" leads to this route again"},
    {ROUTE("redirect: '/new{path}'"), "leads to this route again"},
    {ROUTE("redirect: 'http://{host}{uri}'"), "leads to this route again"},
    {ROUTE("redirect: {status: 302, to: 'http://{host}/a?b'}"), "1:51: error: redirect.to: "},
    {ROUTES("/a: {redirect: /a/}"), "leads to this route again"},
    {ROUTES("/a: {redirect: '/x/../%61/b'}, /x: {respond: a}"), "leads to this route again"},
    {ROUTES("/a: {redirect: '/a{uri}'}"), "leads to this route again"},
    {ROUTES("/a: {redirect: '/b{path}'}, /b: {redirect: /a}, /c: {redirect: /a}"),
     "leads to the route \"/b\", which leads back here"},
    {ROUTES("x-a: 1, /c: {redirect: /a}, /a: {redirect: /b}, /b: {redirect: /d}, /d: {redirect: /a}"),
     "1:62: error: redirect.to: \"/b\" leads to the route \"/b\""},
    {"listen: 81\nsites: [{hosts: [a.b, c.d], routes: {/: {redirect: 'http://A.B:81{uri}'}}}]",
     "leads to this route again"},
};

static void finds_what_run_would_find(void **state)
{
    (void)state;
    make_site(files);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct loading loading = load_in(site_folder(), slice_from(cases[i].text));
        if (strstr(loading.printed.data, cases[i].told) == NULL || loading.diagnostics.errors != 1)
            fail_msg("%s\nshould say: %s\nbut says:\n%s", cases[i].text, cases[i].told, loading.printed.data);
        unload(&loading);
    }
    remove_site(files);
}

/* Near misses. */
static const char *const good[] = {
    "listen: [':80', '127.0.0.1:81', '[::1]:82', 'unix:a', 'unix:b']" GOOD,
    "listen: ['0.0.0.0:80', '[::]:80']" GOOD,
    "listen: ['127.0.0.1:80', '127.0.0.2:80', '[::1]:80']" GOOD,
    "listen: ['127.0.0.1:0', '127.0.0.1:0', ':0']" GOOD,
    "log: {access: new.log, error: file}" GOOD,
    "log: {access: false, error: /dev/null}" GOOD,
    "log: {access: /dev/stdout}" GOOD,
    "limits: ~\ntimeouts: null\nlog:\n" ROUTE("respond: "),
    ROUTE("respond: yes, headers: {set: {X-A: no, X-B: 1.10, X-C: ''}}"),
    ROUTE("files: {root: root, fallback: only.html, error_pages: {404: 404.html, 500: /404.html}}"),
    ROUTE("files: {root: root, fallback: false, error_pages: {}}"),
    ROUTE("files: {root: root, cache: {'[[]a': a, '[]]': a, '[!]]': a, '[a-z]*': a, '\\[': a, '[{]': a, "
          "'a}': a}}"),
    ROUTE("files: {root: root, cache: {'/a/*.js': a, '*/b': a, '?/c': a, '[/]d/e': a}}"),
    ROUTES("/a: {redirect: /}, /: {respond: a}"),
    ROUTES("/: {redirect: '/en{path}'}, /en: {respond: a}"),
    ROUTES("/: {redirect: /home}, /home: {respond: a}"),
    ROUTES("/a: {redirect: '/en{uri}'}, /en/a: {respond: a}, /: {redirect: /a}"),
    ROUTES("/ab: {redirect: /abc}"),
    ROUTES("/a: {redirect: '/a-{host}'}"),
    ROUTES("/: {redirect: 'https://{host}{uri}'}"),
    ROUTES("/: {redirect: 'http://example.com{uri}'}"),
    ROUTES("/100%: {respond: a}, /%zz: {respond: b}"),
    "sites: [{hosts: a.b, routes: {/: {redirect: 'http://www.a.b{uri}'}}}]",
    "sites: [{hosts: a.b, routes: {/: {redirect: 'http://a.b:8443{uri}'}}}]",
};

static void leaves_good_ones_alone(void **state)
{
    (void)state;
    make_site(files);
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        struct loading loading = load_good_in(site_folder(), good[i]);
        unload(&loading);
    }
    remove_site(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_run_would_find),
        cmocka_unit_test(leaves_good_ones_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
