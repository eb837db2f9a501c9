/* getpwnam_r(3) and getgrnam_r(3), with a buffer large enough for a group with a thousand members. */
#include "sys/account.h"

#include "base/slice.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/utsname.h>

#define RECORD_BYTES_MAX (1u << 16)

/* UINT32_MAX is excluded: for chown(2) it means "do not change". */
static bool account_read_number(const char *text, uint32_t *ret_number)
{
    uint64_t number;
    if (!slice_to_u64(slice_from(text), &number) || number >= UINT32_MAX)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

bool sys_find_user(const char *name, uid_t *ret_user)
{
    char buffer[RECORD_BYTES_MAX];
    struct passwd record;
    struct passwd *found = NULL;
    if (account_read_number(name, ret_user))
        return true;
    if (getpwnam_r(name, &record, buffer, sizeof(buffer), &found) != 0 || found == NULL)
        return false;
    *ret_user = found->pw_uid;
    return true;
}

bool sys_find_login(const char *name, uid_t *ret_user, gid_t *ret_group)
{
    char buffer[RECORD_BYTES_MAX];
    struct passwd record;
    struct passwd *found = NULL;
    bool is_number = account_read_number(name, ret_user);
    int error = is_number ? getpwuid_r(*ret_user, &record, buffer, sizeof(buffer), &found)
                          : getpwnam_r(name, &record, buffer, sizeof(buffer), &found);
    if (error != 0 || found == NULL) {
        *ret_group = is_number ? *ret_user : 0;
        return is_number;
    }
    *ret_user = found->pw_uid;
    *ret_group = found->pw_gid;
    return true;
}

void sys_user_name(uid_t user, char *out, size_t size)
{
    char buffer[RECORD_BYTES_MAX];
    struct passwd record;
    struct passwd *found = NULL;
    if (getpwuid_r(user, &record, buffer, sizeof(buffer), &found) == 0 && found)
        snprintf(out, size, "%s", found->pw_name);
    else
        snprintf(out, size, "%lu", (unsigned long)user);
}

bool sys_find_group(const char *name, gid_t *ret_group)
{
    char buffer[RECORD_BYTES_MAX];
    struct group record;
    struct group *found = NULL;
    if (account_read_number(name, ret_group))
        return true;
    if (getgrnam_r(name, &record, buffer, sizeof(buffer), &found) != 0 || found == NULL)
        return false;
    *ret_group = found->gr_gid;
    return true;
}

void sys_host_name(char *out, size_t size)
{
    struct utsname names;
    if (uname(&names) < 0)
        names.nodename[0] = '\0';
    snprintf(out, size, "%s", names.nodename);
}
