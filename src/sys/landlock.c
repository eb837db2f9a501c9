/* landlock_create_ruleset(2) and related calls. The C library has no functions for them, and the system's
 * header file may be older than the running kernel: the numbers that are needed are here. */
#include "sys/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CREATE_RULESET 444
#define ADD_RULE       445
#define RESTRICT_SELF  446

#define CREATE_VERSION (1u << 0)

#define RULE_PATH 1

#define ACCESS_READ_FILE   (UINT64_C(1) << 2)
#define ACCESS_READ_DIR    (UINT64_C(1) << 3)
#define ACCESS_ALL_1       ((UINT64_C(1) << 13) - 1)
#define ACCESS_REFER       (UINT64_C(1) << 13) /* version 2 */
#define ACCESS_TRUNCATE    (UINT64_C(1) << 14) /* version 3 */
#define ACCESS_IOCTL       (UINT64_C(1) << 15) /* version 5: of devices */
#define ACCESS_BIND_TCP    (UINT64_C(1) << 0)
#define ACCESS_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT     (UINT64_C(1) << 0)
#define SCOPE_SIGNAL       (UINT64_C(1) << 1)

/* landlock_ruleset_attr(2); older kernels take the beginning. */
struct ruleset_attributes {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

struct path_rule {
    uint64_t access;
    int32_t folder_fd;
} __attribute__((packed));

struct landlock_features sys_landlock_features(void)
{
    long version = syscall(CREATE_RULESET, NULL, 0, CREATE_VERSION);
    return (struct landlock_features){
        .version = version > 0 ? (int)version : 0,
        .is_forbidden = version < 0 && (errno == EPERM || errno == EACCES),
        .has_network = version >= 4,
        .has_scopes = version >= 6,
    };
}

static struct ruleset_attributes restrict_all(const struct landlock_features *features, bool connects)
{
    return (struct ruleset_attributes){
        .files = ACCESS_ALL_1 | (features->version >= 2 ? ACCESS_REFER : 0) |
                 (features->version >= 3 ? ACCESS_TRUNCATE : 0) | (features->version >= 5 ? ACCESS_IOCTL : 0),
        .network = features->has_network ? ACCESS_BIND_TCP | (connects ? 0 : ACCESS_CONNECT_TCP) : 0,
        .scopes = features->has_scopes ? SCOPE_ABSTRACT | SCOPE_SIGNAL : 0,
    };
}

int sys_landlock_begin(struct landlock *landlock, bool connects)
{
    *landlock = (struct landlock){.fd = -1, .features = sys_landlock_features()};
    if (landlock->features.version == 0)
        return 0;
    struct ruleset_attributes attributes = restrict_all(&landlock->features, connects);
    size_t size = landlock->features.has_scopes    ? sizeof(attributes)
                  : landlock->features.has_network ? offsetof(struct ruleset_attributes, scopes)
                                                   : offsetof(struct ruleset_attributes, network);
    long fd = syscall(CREATE_RULESET, &attributes, size, 0);
    landlock->fd = fd < 0 ? -1 : (int)fd;
    return fd < 0 ? -errno : 0;
}

int sys_landlock_allow(struct landlock *landlock, const char *path, enum landlock_access access)
{
    if (landlock->fd < 0)
        return 0;
    int fd = open(path, O_PATH | O_CLOEXEC);
    struct stat status;
    if (fd < 0)
        return -errno;
    bool is_folder = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    struct path_rule rule = {
        .access = ACCESS_READ_FILE | (access == LANDLOCK_READ && is_folder ? ACCESS_READ_DIR : 0),
        .folder_fd = fd,
    };
    int error = syscall(ADD_RULE, landlock->fd, RULE_PATH, &rule, 0) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int sys_landlock_enter(struct landlock *landlock)
{
    int error = landlock->fd >= 0 && syscall(RESTRICT_SELF, landlock->fd, 0) < 0 ? -errno : 0;
    sys_landlock_drop(landlock);
    return error;
}

void sys_landlock_drop(struct landlock *landlock)
{
    if (landlock->fd >= 0)
        close(landlock->fd);
    landlock->fd = -1;
}
