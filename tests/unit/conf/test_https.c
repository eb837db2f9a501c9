/* Listeners and sites with TLS: what belongs together, and what comes of it. Certificates are not loaded
 * here.
 */
#include "loading.h"

#define LISTEN "listen: [80, {address: 443, tls: true}]\n"
#define SITE   "routes: {/: {respond: a}}"
#define GOOD   "\nsites: [{" SITE "}]"

static const char *const files[] = {"a.pem", "a.key", "ca.pem", NULL};

/* One mistake or warning each. */
static const struct {
    const char *text;
    const char *told;
} cases[] = {
    {"listen: [{tls: true}]" GOOD, "listen.address is missing"},
    {"listen: {address: 80}" GOOD, "listen: expected a list, not a map"},
    {"listen: [{address: 443, tls: maybe.pem}]" GOOD, "tls.certificate: \"maybe.pem\": No such file"},
    {LISTEN "sites: [{tls: {certificate: root}, " SITE "}]", "tls.certificate: \"root\": it is not a file"},
    {LISTEN "sites: [{tls: {key: a.key}, " SITE "}]",
     "2:21: error: tls.key: there is no `certificate` beside it"},
    {LISTEN "sites: [{tls: {certificate: a.pem, certificates: [a.pem]}, " SITE "}]",
     "tls.certificates: there is a `certificate` beside it"},
    {LISTEN "sites: [{tls: {certificates: []}, " SITE "}]",
     "tls.certificates: expected a list of 1 to 4, not 0"},
    {LISTEN "sites: [{tls: [{key: a.key}], " SITE "}]", "tls.certificates[].certificate is missing"},
    {LISTEN "sites: [{tls: {certificate: a.pem, policy: old}, " SITE "}]",
     "tls.policy: expected default, intermediate or modern, not \"old\""},
    {LISTEN "sites: [{tls: {certificate: a.pem, client: required}, " SITE "}]",
     "2:44: error: tls.client: `client_ca` is missing"},
    {LISTEN "sites: [{tls: {certificate: a.pem, client_ca: ca.pem}, " SITE "}]",
     "2:47: error: tls.client_ca: clients are not asked for a certificate; add `client: required`"},
    {LISTEN "sites: [{tls: {certificate: a.pem, client_depth: 2}, " SITE "}]",
     "tls.client_depth: clients are not asked"},
    {LISTEN "sites: [{tls: {certificate: a.pem, policy: modern, ciphers: X}, " SITE "}]",
     "warning: tls.ciphers: they are those of TLS 1.2"},
    {LISTEN "sites: [{tls: {certificate: a.pem, early_data: true}, " SITE "}]",
     "tls.early_data: expected default, none or safe, not \"true\""},
    {LISTEN "sites: [{tls: {certificate: a.pem, early_data: safe, client: required, client_ca: ca.pem}, " SITE
            "}]",
     "warning: tls.early_data: it has no effect, as clients are asked for certificates"},
    {"tickets: {keys: a.key}\n" LISTEN "sites: [{tls: {certificate: a.pem, early_data: safe}, " SITE "}]",
     "3:15: error: tls.early_data: \"safe\" needs ticket keys that no other machine has"},
    {LISTEN "sites: [{tls: {certificate: a.pem, ciphers: 'A B'}, " SITE "}]",
     "tls.ciphers: \"A B\": it has a blank"},
    {LISTEN "sites: [{" SITE "}]",
     "1:34: error: listen.tls: there is no certificate, neither here nor in a site"},
    {LISTEN "sites: [{hosts: b.example, " SITE "}, {tls: a.pem, " SITE "}]",
     "2:17: warning: sites[].tls: \"b.example\" has no certificate for the listener \":443\""},
    {"sites: [{tls: a.pem, " SITE "}]", "1:15: warning: sites[].tls: no listener of this site speaks TLS"},
    {"listen: [80, {address: 443, tls: a.pem}]\nsites: [{listen: 80, tls: a.pem, " SITE "}]",
     "warning: sites[].tls: no listener of this site speaks TLS"},
    {LISTEN "sites: [{listen: 81, " SITE "}]",
     "2:18: error: sites[].listen: \":81\" is not among the addresses of `listen` at the top"},
    {LISTEN "sites: [{listen: [80, 443], tls: a.pem, " SITE "}, {listen: 443, tls: a.pem, " SITE "}]",
     "hosts: duplicate \"*\""},
    {"listen: [{address: 80, redirect_to_https: true}]" GOOD,
     "1:43: error: listen.redirect_to_https: no listener with a port speaks TLS"},
    {"listen: [{address: 80, redirect_to_https: 0}]" GOOD, "listen.redirect_to_https: \"0\": it is no port"},
    {"listen: [{address: 443, tls: a.pem, redirect_to_https: 443}]" GOOD,
     "listen.redirect_to_https: this listener speaks TLS itself"},
    {"sites: [{hsts: 1h, " SITE "}]", "1:16: warning: sites[].hsts: it is sent over TLS only"},
    {"sites: [{hsts: {subdomains: true}, " SITE "}]", "hsts.max_age is missing"},
    {"sites: [{hsts: {max_age: 365d, preload: true}, " SITE "}]",
     "warning: hsts.preload: browsers take only names with `subdomains: true`"},
    {"listen: [80, {address: 9180, admin: true}]" GOOD,
     "1:37: error: listen.admin: strangers could reach \":9180\"; use an address such as 127.0.0.1:9180"},
    {"listen: [80, {address: \"192.0.2.1:9180\", admin: true}]" GOOD, "strangers could reach"},
    {"listen: [80, {address: \"[::]:9180\", admin: true}]" GOOD, "strangers could reach"},
    {"listen: [80, {address: 9180, admin: true, tls: {certificate: a.pem, client: optional, client_ca: "
     "ca.pem}}]" GOOD,
     "strangers could reach"},
    {"listen: [{address: 443, tls: a.pem}, {address: \"127.0.0.1:9180\", admin: true, redirect_to_https: "
     "443}]" GOOD,
     "listen.admin: this listener redirects to HTTPS"},
    {"tickets: {keys: nowhere}" GOOD, "tickets.keys: \"nowhere\": No such file"},
    {"tickets: {lifetime: 8d}" GOOD,
     "tickets.lifetime: expected a duration such as \"10s\" from 60s to 7d, or none"},
    {"limits: {hello: 1KiB}" GOOD, "limits.hello: expected a size from 4KiB to 64KiB"},
    {"ssl_certificate: a.pem" GOOD,
     "unknown option \"ssl_certificate\" at the top of the file; a site has \"tls:"},
    {"sites: [{ssl_verify_client: on, " SITE "}]",
     "; a listener or a site has \"tls: {client: required, client_ca"},
    {"sites: [{ssl_protocols: TLSv1.3, " SITE "}]", "; a listener or a site has \"tls: {policy: modern}\""},
    {"ssl_session_timeout: 5m" GOOD, "; it is \"tickets: {lifetime: TIME, keys: FILE}\""},
};

static void tells_what_does_not_go_together(void **state)
{
    (void)state;
    make_site(files);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct loading loading = load_in(site_folder(), slice_from(cases[i].text));
        if (strstr(loading.printed.data, cases[i].told) == NULL)
            fail_msg("%s\nshould say: %s\nbut says:\n%s", cases[i].text, cases[i].told, loading.printed.data);
        unload(&loading);
    }
    remove_site(files);
}

#ifdef HAVE_TLS

static const char *at(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", site_folder(), name);
    return path;
}

static void reads_certificates_in_each_form(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "{certificate: a.pem, key: a.key}",
        "{certificates: [{certificate: a.pem, key: a.key}]}",
        "[{certificate: a.pem, key: a.key}]",
    };
    make_site(files);
    TABLE_ROWS(i, forms, forms[i]) {
        char text[256];
        snprintf(text, sizeof(text), LISTEN "sites: [{tls: %s, " SITE "}]", forms[i]);
        struct loading loading = load_good_in(site_folder(), text);
        const struct https_settings *https = &loading.config->settings->sites[0].https;
        assert_int_equal(https->certificate_count, 1);
        assert_slice(https->certificates[0].certificate, at("a.pem"));
        assert_slice(https->certificates[0].key, at("a.key"));
        unload(&loading);
    }
    struct loading loading = load_good_in(site_folder(), LISTEN "sites: [{tls: [a.pem, a.key], " SITE "}]");
    assert_int_equal(loading.config->settings->sites[0].https.certificate_count, 2);
    assert_false(loading.config->listeners[0].https.is_on);
    assert_true(loading.config->listeners[1].https.is_on);
    unload(&loading);
    loading =
        load_good_in(site_folder(), "listen: [{address: 443, tls: false}, {address: 444, tls: a.pem}]" GOOD);
    assert_false(loading.config->listeners[0].https.is_on);
    assert_true(loading.config->listeners[1].https.is_on);
    assert_int_equal(loading.config->listeners[1].https.certificate_count, 1);
    unload(&loading);
    remove_site(files);
}

static void a_site_goes_before_its_listener(void **state)
{
    (void)state;
    make_site(files);
    struct loading loading = load_good_in(
        site_folder(),
        "listen: [80, {address: 443, tls: {certificate: a.pem, policy: modern, groups: X, client: required, "
        "client_ca: ca.pem}}]\n"
        "sites: [{hosts: a, tls: {policy: intermediate, client: none}, " SITE "}, {hosts: b, " SITE "}]");
    const struct settings *settings = loading.config->settings;
    const struct https_settings *listener = &settings->listeners[1].https;
    struct https_settings a = https_effective(&settings->sites[0].https, listener);
    assert_int_equal(a.policy, HTTPS_POLICY_INTERMEDIATE);
    assert_int_equal(a.client, HTTPS_CLIENT_NONE);
    assert_int_equal(a.client_ca.length, 0);
    assert_slice(a.groups, "X");
    assert_slice(a.certificates[0].certificate, at("a.pem"));
    struct https_settings b = https_effective(&settings->sites[1].https, listener);
    assert_int_equal(b.policy, HTTPS_POLICY_MODERN);
    assert_int_equal(b.client, HTTPS_CLIENT_REQUIRED);
    assert_slice(b.client_ca, at("ca.pem"));
    assert_null(settings->sites[0].client_auths);
    assert_true(settings->sites[1].client_auths[0] == 0);
    assert_true(settings->sites[1].client_auths[1] != 0);
    unload(&loading);
    remove_site(files);
}

static void sites_are_served_on_listeners(void **state)
{
    (void)state;
    make_site(files);
    struct loading loading =
        load_good_in(site_folder(), "listen: [80, 81, 82]\nsites: [{listen: [80, 82], " SITE
                                    "}, {listen: 81, " SITE "}, {hosts: a, " SITE "}]");
    const struct settings *settings = loading.config->settings;
    assert_int_equal(settings->sites[0].listener_set, 5);
    assert_int_equal(settings->sites[1].listener_set, 2);
    assert_int_equal(settings->sites[2].listener_set, 0);
    unload(&loading);
    remove_site(files);
}

static void plain_listeners_redirect(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *location;
    } rows[] = {
        {"[{address: 80, redirect_to_https: true}, {address: 8443, tls: true}]", "https://{host}:8443{uri}"},
        {"[{address: 80, redirect_to_https: 443}, {address: 8443, tls: true}]", "https://{host}{uri}"},
        {"[{address: 80, redirect_to_https: yes}, {address: '127.0.0.1:443', tls: true}]",
         "https://{host}{uri}"},
        {"[{address: 80, redirect_to_https: 1}]", "https://{host}:1{uri}"},
    };
    make_site(files);
    TABLE_ROWS(i, rows, rows[i].listen) {
        char text[256];
        snprintf(text, sizeof(text), "listen: %s\nsites: [{tls: a.pem, " SITE "}]", rows[i].listen);
        struct loading loading = load_good_in(site_folder(), text);
        const struct route *route = loading.config->listeners[0].route;
        assert_int_equal(route->kind, ROUTE_REDIRECT);
        assert_int_equal(route->redirect.status, 308);
        assert_slice(route->redirect.location, rows[i].location);
        unload(&loading);
    }
    remove_site(files);
}

static void hsts_becomes_a_value(void **state)
{
    (void)state;
    static const struct {
        const char *hsts, *value;
    } rows[] = {
        {"1h", "max-age=3600"},
        {"{max_age: 365d, subdomains: true}", "max-age=31536000; includeSubDomains"},
        {"{max_age: 730d, subdomains: true, preload: true}", "max-age=63072000; includeSubDomains; preload"},
        {"none", ""},
    };
    make_site(files);
    TABLE_ROWS(i, rows, rows[i].hsts) {
        char text[256];
        snprintf(text, sizeof(text), LISTEN "sites: [{tls: a.pem, hsts: %s, " SITE "}]", rows[i].hsts);
        struct loading loading = load_good_in(site_folder(), text);
        assert_slice(loading.config->settings->sites[0].hsts_value, rows[i].value);
        unload(&loading);
    }
    remove_site(files);
}

#else

static void says_that_there_is_no_tls(void **state)
{
    (void)state;
    make_site(files);
    struct loading loading = load_in(site_folder(), SLICE(LISTEN "sites: [{tls: a.pem, " SITE "}]"));
    assert_int_equal(loading.error, ERROR_SYNTAX);
    assert_non_null(strstr(loading.printed.data, "1:34: error: listen.tls: this vif was built without TLS"));
    unload(&loading);
    remove_site(files);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_does_not_go_together),
#ifdef HAVE_TLS
        cmocka_unit_test(reads_certificates_in_each_form),
        cmocka_unit_test(a_site_goes_before_its_listener),
        cmocka_unit_test(sites_are_served_on_listeners),
        cmocka_unit_test(plain_listeners_redirect),
        cmocka_unit_test(hsts_becomes_a_value),
#else
        cmocka_unit_test(says_that_there_is_no_tls),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
