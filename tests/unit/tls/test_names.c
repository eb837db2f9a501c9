/* Which context serves which name. */
#include "tests/unit/test.h"

#include "tls/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The table looks at no context, it only counts references. */
static struct tls_context *make_context(void)
{
    struct tls_context *context = calloc(1, sizeof(*context));
    context->references = 1;
    return context;
}

static void add(struct tls_names *names, const char *host, struct tls_context *context)
{
    assert_int_equal(tls_names_add(names, slice_from(host), context), 0);
}

static void finds_names(void **state)
{
    (void)state;
    struct tls_names names;
    struct tls_context *exact = make_context(), *wild = make_context(), *fallback = make_context();
    tls_names_init(&names);
    add(&names, "www.Example.org", exact);
    add(&names, "*.Example.org.", wild);
    add(&names, "localhost", exact);
    const struct {
        const char *name;
        struct tls_context *context;
    } cases[] = {
        {"www.example.org", exact},
        {"WWW.EXAMPLE.ORG", exact},
        {"www.example.org.", exact},
        {"a.example.org", wild},
        {"A.example.ORG.", wild},
        {"a.b.example.org", NULL},
        {"example.org", NULL},
        {".example.org", NULL},
        {"*.example.org", wild},
        {"www.example.org..", NULL},
        {"localhost", exact},
        {"x.localhost", NULL},
        {"", NULL},
        {".", NULL},
        {"org", NULL},
        {"www.example.orgx", NULL},
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
            struct tls_context *wanted = cases[i].context ? cases[i].context : round ? fallback : NULL;
            if (tls_names_find(&names, slice_from(cases[i].name)) != wanted)
                fail_msg("\"%s\"", cases[i].name);
        }
        tls_names_set_default(&names, fallback);
    }
    assert_int_equal(exact->references, 3);
    assert_int_equal(fallback->references, 2);
    assert_int_equal(tls_names_add(&names, SLICE("LOCALHOST"), wild), -EEXIST);
    static const char *const bad[] = {"", ".", "*", "*.", "a.*.org", "*.*.org", "w*.org"};
    TABLE_ROWS(i, bad, bad[i])
        assert_int_equal(tls_names_add(&names, slice_from(bad[i]), wild), -EINVAL);
    tls_names_finish(&names);
    assert_int_equal(exact->references, 1);
    assert_int_equal(wild->references, 1);
    tls_context_unref(exact);
    tls_context_unref(wild);
    tls_context_unref(fallback);
}

static void long_names(void **state)
{
    (void)state;
    struct tls_names names;
    struct tls_context *context = make_context();
    char name[300];
    memset(name, 'a', sizeof(name));
    tls_names_init(&names);
    assert_int_equal(tls_names_add(&names, slice_make(name, 256), context), -EINVAL);
    assert_int_equal(tls_names_add(&names, slice_make(name, 255), context), 0);
    assert_ptr_equal(tls_names_find(&names, slice_make(name, 255)), context);
    assert_null(tls_names_find(&names, slice_make(name, 256)));
    assert_null(tls_names_find(&names, slice_make("a\0b", 3)));
    tls_names_finish(&names);
    tls_context_unref(context);
}

static void replaces_everywhere(void **state)
{
    (void)state;
    struct tls_names names;
    struct tls_context *old = make_context(), *other = make_context(), *context = make_context();
    char name[32];
    tls_names_init(&names);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "%sn%d.org", i % 2 ? "*." : "", i);
        add(&names, name, i % 3 ? old : other);
    }
    tls_names_set_default(&names, old);
    tls_names_replace(&names, old, context);
    assert_int_equal(old->references, 1);
    assert_ptr_equal(tls_names_find(&names, SLICE("n2.org")), context);
    assert_ptr_equal(tls_names_find(&names, SLICE("x.n1.org")), context);
    assert_ptr_equal(tls_names_find(&names, SLICE("x.n3.org")), other);
    assert_ptr_equal(tls_names_find(&names, SLICE("unknown")), context);
    tls_context_unref(old);
    tls_context_unref(context);
    tls_names_replace(&names, context, other);
    assert_ptr_equal(tls_names_find(&names, SLICE("unknown")), other);
    tls_names_finish(&names);
    tls_context_unref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_names),
        cmocka_unit_test(long_names),
        cmocka_unit_test(replaces_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
