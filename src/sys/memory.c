/* memfd_create(2), mmap(2) with MAP_FIXED, mprotect(2) and madvise(2), inside addresses that this process has
 * reserved only. */
#include "sys/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define RESERVED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

/* NULL if there are not enough addresses. */
static void *reserve_addresses(size_t size)
{
    void *addresses = mmap(NULL, size, PROT_NONE, RESERVED, -1, 0);
    return addresses == MAP_FAILED ? NULL : addresses;
}

/* What reservations may take. */
static size_t addresses_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return (size_t)limit.rlim_cur / 4;
}

size_t sys_memory_reserve_some(void **ret_addresses, size_t size, size_t count)
{
    size_t most = addresses_max();
    while (count > 1 && count * size > most)
        count /= 2;
    *ret_addresses = reserve_addresses(count * size);
    while (*ret_addresses == NULL && count > 1) {
        count /= 2;
        *ret_addresses = reserve_addresses(count * size);
    }
    return *ret_addresses ? count : 0;
}

void sys_memory_release(void *addresses, size_t size)
{
    if (addresses)
        munmap(addresses, size);
}

int sys_memory_use(void *at, size_t size)
{
    return mprotect(at, size, PROT_READ | PROT_WRITE) < 0 ? -errno : 0;
}

void sys_memory_drop(void *at, size_t size)
{
    (void)madvise(at, size, MADV_DONTNEED);
}

int sys_memory_create(size_t size)
{
    int fd = memfd_create("vif-settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)size) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

void *sys_memory_share(int fd, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Memory of another version of vif may be sealed already. */
void sys_memory_fix(int fd)
{
    (void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

int sys_memory_seal(int fd)
{
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ? -errno : 0;
}

/* Once a descriptor is sealed, only a private mapping is certain to be allowed (before Linux 6.7 a shared one
 * is refused even for reading); nobody writes, so the pages are the shared ones. */
int sys_memory_map(void *at, size_t size, int fd, bool for_writing)
{
    int protection = for_writing ? PROT_READ | PROT_WRITE : PROT_READ;
    int sharing = for_writing ? MAP_SHARED : MAP_PRIVATE;
    return mmap(at, size, protection, sharing | MAP_FIXED, fd, 0) == MAP_FAILED ? -errno : 0;
}

void sys_memory_unmap(void *at, size_t size)
{
    void *reserved = mmap(at, size, PROT_NONE, RESERVED | MAP_FIXED, -1, 0);
    (void)reserved;
}
