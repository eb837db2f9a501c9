/* The file that the server's access log goes to: takes what it is given, in pieces, and on some days nothing
 * for a while, as a full disk. */
#include "internal.h"

#include <errno.h>
#include <sys/stat.h>

/* How long the disk is full, and how long it is not. */
#define FULL_US_MAX  (20 * SIM_S)
#define ROOMY_US_MAX (10 * SIM_S)

static struct sim_chance chance;
static bool is_sometimes_full;
static bool is_full;
static uint64_t changes_us;
static uint64_t filled_until_us; /* by sim_log_fill */

static void release(struct open_file *file)
{
    filled_until_us = 0;
    kernel_free(file);
}

static const struct file_class log_class = {.name = "the log", .release = release};

int log_file_open(void)
{
    struct open_file *file = kernel_alloc(sizeof(*file));
    open_file_init(file, &log_class);
    chance = sim_chance_for("log", 0);
    is_sometimes_full = sim_one_in(&chance, 4);
    is_full = false;
    changes_us = 0;
    return descriptor_install(file);
}

bool log_file_is(const struct open_file *file)
{
    return file->class == &log_class;
}

void log_file_status(struct stat *status)
{
    *status = (struct stat){.st_mode = S_IFREG | 0644, .st_nlink = 1};
}

void sim_log_fill(uint64_t until_us)
{
    filled_until_us = until_us;
}

static bool has_no_room(void)
{
    if (is_sometimes_full && sim_now_us() >= changes_us) {
        is_full = !is_full;
        changes_us = sim_now_us() + sim_size(&chance, is_full ? FULL_US_MAX : ROOMY_US_MAX);
    }
    return (is_sometimes_full && is_full) || sim_now_us() < filled_until_us;
}

ssize_t log_file_write(const char *bytes, size_t length)
{
    if (has_no_room())
        return -ENOSPC;
    size_t taken = length > 0 && sim_one_in(&chance, 4) ? sim_between(&chance, 1, length) : length;
    sim_trace("write(log, %zu) = %zu", length, taken);
    enum kernel_side before = kernel_enter(SIDE_WORLD);
    sim_clients_on_log(slice_make(bytes, taken));
    kernel_enter(before);
    call_got_on();
    return (ssize_t)taken;
}
