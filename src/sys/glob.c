/* glob(3), with the reason for a failure. */
#include "sys/glob.h"

#include <errno.h>
#include <string.h>

/* A missing folder matches nothing; an unreadable one might contain matches. */
static int is_fatal(const char *folder, int error)
{
    (void)folder;
    return error != ENOENT && error != ENOTDIR;
}

int sys_glob(const char *pattern, struct glob_matches *ret_matches)
{
    *ret_matches = (struct glob_matches){0};
    errno = 0;
    int result = glob(pattern, 0, is_fatal, &ret_matches->list);
    if (result == 0 || result == GLOB_NOMATCH)
        return 0;
    int error = result == GLOB_NOSPACE || errno == 0 ? ENOMEM : errno;
    sys_glob_free(ret_matches);
    return -error;
}

void sys_glob_free(struct glob_matches *matches)
{
    globfree(&matches->list);
    *matches = (struct glob_matches){0};
}

bool sys_glob_has_wildcards(const char *pattern)
{
    return strpbrk(pattern, "*?[") != NULL;
}
