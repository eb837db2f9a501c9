/* Hashes of crypt(3): which are taken, and what matches them. */
#include "../test.h"

#include "sys/password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SALTED   "$k2XAnEHBqQ1Ct2aMXFKNa/$XHuqBDG.B1kMSA1CeriOCRR7sEFF6foXgi9Tw2jZJF/"
#define YESCRYPT "$y$j75" SALTED
#define BCRYPT   "$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
#define SHA512                                                                                               \
    "$6$rounds=1000$saltstring$AdF0dhxxQeX7lBhEFgFprDLUvtSZ7IYdRFezMwSn6Qhut1SH9kbIGcYsgWgPCQEHCNfc7DGxViV." \
    "S4ubwHZG4."
#define SHA256 "$5$rounds=1000$saltstring$n3a2i8i4F9QJeBWCS0AMO5xyVBBf.4iFCPvoPCJ5wW9"

#ifdef HAVE_CRYPT

static void what_is_wrong_with_a_hash(void **state)
{
    (void)state;
    static const struct {
        const char *hash, *fault; /* part of it; NULL: none */
    } rows[] = {
        {YESCRYPT, NULL},
        {BCRYPT, NULL},
        {SHA512, NULL},
        {SHA256, NULL},
        {"", "no hash"},
        {"secret", "no hash"},
        {"$apr1$abcdefgh$0123456789abcdef012345", "MD5"},
        {"$1$abcdefgh$0123456789abcdef012345", "MD5"},
        {"{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "without salt"},
        {"rqXexS6ZhobKA", "no hash"}, /* DES */
        {"$2y$", "not a whole hash"},
        {"$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/c", "not a whole hash"},
        {BCRYPT "x", "not a whole hash"},
        {SHA512 "$", "not a whole hash"},
        {SHA512 ":x", "a character that no hash has"},
        {"$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx c", "a character that no hash has"},
        {"$2y$14$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy", NULL},
        {"$2y$15$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy", "too costly"},
        {"$2y$xx$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy", "too costly"},
        {"$5$rounds=2000000$saltstring$n3a2i8i4F9QJeBWCS0AMO5xyVBBf.4iFCPvoPCJ5wW9", NULL},
        {"$5$rounds=2000001$saltstring$n3a2i8i4F9QJeBWCS0AMO5xyVBBf.4iFCPvoPCJ5wW9", "too costly"},
        {"$y$jCT" SALTED, NULL},
        {"$y$jDT" SALTED, "too costly"},
        {"$y$jCU" SALTED, "too costly"},
        {"$y$j9T5" SALTED, "too costly"},
    };
    TABLE_ROWS(i, rows, rows[i].hash) {
        const char *fault = password_hash_fault(slice_from(rows[i].hash));
        if (rows[i].fault == NULL)
            assert_null(fault);
        else if (fault == NULL || strstr(fault, rows[i].fault) == NULL)
            fail_msg("said: %s", fault ? fault : "nothing");
    }
}

static void a_password_matches_its_hash_only(void **state)
{
    (void)state;
    static const char *const rows[] = {YESCRYPT, BCRYPT, SHA512, SHA256};
    TABLE_ROWS(i, rows, rows[i]) {
        assert_true(password_matches("open sesame", rows[i]));
        assert_false(password_matches("open sesame ", rows[i]));
        assert_false(password_matches("Open sesame", rows[i]));
        assert_false(password_matches("", rows[i]));
    }
    assert_false(password_matches("open sesame", "*0"));
    assert_false(password_matches("open sesame", ""));
}

static void a_hash_is_made_with_salt(void **state)
{
    (void)state;
    char first[PASSWORD_HASH_BYTES], second[PASSWORD_HASH_BYTES];
    assert_int_equal(password_hash("open sesame", first), 0);
    assert_int_equal(password_hash("open sesame", second), 0);
    assert_string_not_equal(first, second);
    assert_null(password_hash_fault(slice_from(first)));
    assert_true(slice_starts_with(slice_from(first), SLICE("$y$j9T$")));
    assert_true(password_matches("open sesame", first));
    assert_true(password_matches("open sesame", second));
}

#else

static void there_is_none(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_BYTES];
    assert_non_null(password_hash_fault(SLICE(SHA512)));
    assert_false(password_matches("open sesame", SHA512));
    assert_int_equal(password_hash("open sesame", hash), -ENOTSUP);
}

#endif

static void equal_texts(void **state)
{
    (void)state;
    assert_true(password_equal("abc", "abc", 3));
    assert_false(password_equal("abc", "abd", 3));
    assert_false(password_equal("abc", "xbc", 3));
    assert_true(password_equal("abc", "abd", 2));
    assert_true(password_equal("", "x", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef HAVE_CRYPT
        cmocka_unit_test(what_is_wrong_with_a_hash),
        cmocka_unit_test(a_password_matches_its_hash_only),
        cmocka_unit_test(a_hash_is_made_with_salt),
#else
        cmocka_unit_test(there_is_none),
#endif
        cmocka_unit_test(equal_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
