/* The local authority: made once, private, issuing what a browser accepts. */
#include "tests/unit/tls/duo.h"

#include "tls/local_ca.h"

struct world {
    struct tree tree;
    const char *folder;
    struct tls_local_ca ca;
    struct tls_report report;
    char path[TLS_LOCAL_CA_PATH_BYTES];
    int64_t now;
};

static void set_up(struct world *world)
{
    *world = (struct world){.now = time(NULL)};
    tree_init(&world->tree);
    world->folder = pki_path(&world->tree, "data/vif/ca");
    assert_true(tls_local_ca_open(world->folder, "ada@laptop", world->now, &world->ca, &world->report));
    assert_true(world->ca.is_new);
    assert_int_equal(world->report.count, 0);
}

static void tear_down(struct world *world)
{
    tls_local_ca_finish(&world->ca);
    tree_finish(&world->tree);
}

static unsigned mode_of(const char *folder, const char *name)
{
    char path[200];
    struct stat status;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void is_made_once_and_private(void **state)
{
    (void)state;
    struct world world;
    mode_t mask = umask(0);
    set_up(&world);
    umask(mask);
    assert_int_equal(mode_of(world.folder, "."), 0700);
    assert_int_equal(mode_of(world.folder, "ca.key"), 0600);
    assert_int_equal(mode_of(world.folder, "ca.pem"), 0644);
    char name[100];
    X509_NAME_get_text_by_NID(X509_get_subject_name(world.ca.authority.certificate), NID_commonName, name,
                              sizeof(name));
    assert_string_equal(name, "vif local CA ada@laptop");
    struct tls_local_ca again;
    assert_int_equal(remove(pki_path(&world.tree, "data/vif/ca/ca.pem")), 0);
    assert_true(tls_local_ca_open(world.folder, "other", world.now, &again, &world.report));
    assert_false(again.is_new);
    assert_int_equal(X509_cmp(again.authority.certificate, world.ca.authority.certificate), 0);
    assert_int_equal(mode_of(world.folder, "ca.pem"), 0644); /* is there again */
    tls_local_ca_finish(&again);
    assert_false(
        tls_local_ca_open(world.folder, "x", world.now + 3651 * (int64_t)PKI_DAY, &again, &world.report));
    assert_non_null(strstr(tls_report_gravest(&world.report), "/ca.key: the authority has expired; remove "));
    tear_down(&world);
}

/* What a client that trusts ca.pem says to it. */
static int verify(struct world *world, const char *host, bool is_address)
{
    struct tls_pair_files files = {.certificate = world->path};
    struct tls_settings settings = duo_settings(&files, 1);
    struct duo duo;
    char ca[TLS_LOCAL_CA_PATH_BYTES];
    duo_init(&duo, &settings);
    tls_local_ca_path(&world->ca, ca);
    assert_int_equal(SSL_CTX_load_verify_locations(duo.client_ctx, ca, NULL), 1);
    duo_begin(&duo, is_address ? NULL : host);
    X509_VERIFY_PARAM *param = SSL_get0_param(duo.client);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    assert_int_equal(is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, host)
                                : X509_VERIFY_PARAM_set1_host(param, host, 0),
                     1);
    duo_pump(&duo);
    int result = SSL_is_init_finished(duo.client) ? X509_V_OK : (int)SSL_get_verify_result(duo.client);
    duo_finish(&duo);
    return result;
}

static void issues_what_clients_accept(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    struct slice hosts[] = {SLICE("*.Test"), SLICE("localhost"), SLICE("127.0.0.1"), SLICE("::1")};
    assert_true(tls_local_ca_issue(&world.ca, hosts, 4, world.now, world.path, &world.report));
    assert_int_equal(mode_of(world.folder, "issued/_.test.pem"), 0600);
    assert_int_equal(mode_of(world.folder, "issued"), 0700);
    assert_int_equal(verify(&world, "localhost", false), X509_V_OK);
    assert_int_equal(verify(&world, "127.0.0.1", true), X509_V_OK);
    assert_int_equal(verify(&world, "::1", true), X509_V_OK);
    assert_int_equal(verify(&world, "127.0.0.2", true), X509_V_ERR_IP_ADDRESS_MISMATCH);
    assert_int_equal(verify(&world, "elsewhere", false), X509_V_ERR_HOSTNAME_MISMATCH);
    /* The context has nothing to say against it. */
    struct tls_pair_files files = {.certificate = world.path};
    struct tls_settings settings = duo_settings(&files, 1);
    struct tls_context *context;
    settings.hosts = hosts;
    settings.host_count = 4;
    assert_int_equal(tls_context_create(&settings, world.now, &world.report, &context), 0);
    assert_int_equal(world.report.count, 0);
    tls_context_unref(context);
    tear_down(&world);
}

static void refuses_what_is_no_host(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    static const char *const hosts[] = {"",      ".",          "..",           "a/b", "../x",   "a..b",
                                        ".a",    "a b",        "a,DNS:b",      "*",   "*a.org", "a.*",
                                        "[::1]", "1.2.3.4:80", "\xc3\xa4.org", "a\n"};
    TABLE_ROWS(i, hosts, hosts[i]) {
        struct slice host = slice_from(hosts[i]);
        world.report = (struct tls_report){0};
        assert_false(tls_local_ca_issue(&world.ca, &host, 1, world.now, world.path, &world.report));
        assert_non_null(strstr(tls_report_gravest(&world.report), "is neither a name"));
    }
    static const char *const names[] = {"", ".", "..", "../ca", "a/b", ".hidden"};
    TABLE_ROWS(i, names, names[i]) {
        world.report = (struct tls_report){0};
        assert_false(tls_local_ca_remove(&world.ca, names[i], &world.report));
        assert_non_null(strstr(tls_report_gravest(&world.report), "is no name of a certificate"));
    }
    tear_down(&world);
}

static void keeps_what_will_do(void **state)
{
    (void)state;
    struct world world;
    struct stat first, second;
    struct tls_report report = {0};
    set_up(&world);
    struct slice hosts[] = {SLICE("localhost"), SLICE("::1"), SLICE("box")};
    assert_true(tls_local_ca_ensure(&world.ca, hosts, 2, world.now, world.path, &report));
    assert_int_equal(stat(world.path, &first), 0);
    const struct {
        size_t hosts;
        int days;
        bool stays;
    } cases[] = {{2, 0, true},   {1, 366, true},  {2, 368, false},
                 {2, 368, true}, {3, 368, false}, {3, 368, true}};
    TABLE_ROWS(i, cases, "") {
        int64_t now = world.now + cases[i].days * (int64_t)PKI_DAY;
        assert_true(tls_local_ca_ensure(&world.ca, hosts, cases[i].hosts, now, world.path, &report));
        assert_int_equal(stat(world.path, &second), 0);
        assert_int_equal(first.st_ino == second.st_ino, cases[i].stays);
        first = second;
    }
    /* Another authority: its certificates are not the old one's. */
    struct tls_local_ca other;
    assert_int_equal(remove(pki_path(&world.tree, "data/vif/ca/ca.key")), 0);
    assert_true(tls_local_ca_open(world.folder, "b", world.now, &other, &report));
    assert_true(tls_local_ca_ensure(&other, hosts, 3, world.now, world.path, &report));
    assert_int_equal(stat(world.path, &second), 0);
    assert_true(first.st_ino != second.st_ino);
    assert_int_equal(report.count, 0);
    tls_local_ca_finish(&other);
    tear_down(&world);
}

static void list_one(void *context, const struct tls_local_certificate *certificate)
{
    struct buffer *list = context;
    buffer_printf(list, "%s: %s%s;", certificate->name, certificate->hosts,
                  certificate->is_ours ? "" : " (other)");
}

static void lists_renews_and_removes(void **state)
{
    (void)state;
    struct world world;
    struct buffer list;
    buffer_init(&list, 1000);
    set_up(&world);
    struct slice hosts[] = {SLICE("localhost"), SLICE("10.0.0.1"), SLICE("::1")};
    assert_true(tls_local_ca_list(&world.ca, list_one, &list, &world.report));
    assert_slice(buffer_slice(&list), "");
    assert_true(tls_local_ca_issue(&world.ca, hosts, 3, world.now, world.path, &world.report));
    assert_true(tls_local_ca_list(&world.ca, list_one, &list, &world.report));
    assert_slice(buffer_slice(&list), "localhost: localhost, 10.0.0.1, ::1;");
    pki_write_text(&world.tree, "data/vif/ca/issued/x.pem.part", SLICE("half"));
    buffer_clear(&list);
    assert_true(tls_local_ca_renew(&world.ca, "localhost", world.now, &world.report));
    assert_int_equal(verify(&world, "10.0.0.1", true), X509_V_OK);
    assert_true(tls_local_ca_list(&world.ca, list_one, &list, &world.report));
    assert_slice(buffer_slice(&list), "localhost: localhost, 10.0.0.1, ::1;");
    assert_int_equal(world.report.count, 0);
    assert_true(tls_local_ca_remove(&world.ca, "localhost", &world.report));
    assert_false(tls_local_ca_remove(&world.ca, "localhost", &world.report));
    assert_non_null(strstr(tls_report_gravest(&world.report), "/localhost.pem: No such file"));
    assert_false(tls_local_ca_renew(&world.ca, "localhost", world.now, &world.report));
    world.report = (struct tls_report){0};
    pki_write_text(&world.tree, "data/vif/ca/issued/bad.pem", SLICE("nothing"));
    buffer_clear(&list);
    assert_true(tls_local_ca_list(&world.ca, list_one, &list, &world.report));
    assert_slice(buffer_slice(&list), "");
    assert_non_null(strstr(tls_report_gravest(&world.report), "/bad.pem: holds no certificate"));
    buffer_finish(&list);
    tear_down(&world);
}

static void folders_that_cannot_be_written(void **state)
{
    (void)state;
    struct tree tree;
    struct tls_local_ca ca;
    struct tls_report report = {0};
    char path[TLS_LOCAL_CA_PATH_BYTES + 10];
    tree_init(&tree);
    tree_add_file(&tree, "file", 0, 0);
    assert_false(tls_local_ca_open(pki_path(&tree, "file"), "x", time(NULL), &ca, &report));
    assert_non_null(strstr(tls_report_gravest(&report), "/file/issued: cannot be made: Not a directory"));
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_false(tls_local_ca_open(path, "x", time(NULL), &ca, &report));
    tree_finish(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_made_once_and_private), cmocka_unit_test(issues_what_clients_accept),
        cmocka_unit_test(refuses_what_is_no_host),  cmocka_unit_test(keeps_what_will_do),
        cmocka_unit_test(lists_renews_and_removes), cmocka_unit_test(folders_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
