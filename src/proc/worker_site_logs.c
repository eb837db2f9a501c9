/* The access logs of sites: opened before the settings that name them take effect, and never closed, since
 * requests of earlier settings may end after that. */
#include "proc/worker_internal.h"

#include "base/error.h"
#include "conf/config.h"
#include "sys/output.h"

#include <errno.h>
#include <unistd.h>

int worker_open_log(const struct worker *worker, struct slice path)
{
    int fd = slice_equal(path, SLICE("-")) ? sys_duplicate(STDOUT_FILENO) : sys_open_for_append(path.data);
    if (fd < 0)
        log_error(worker->log, "cannot open the access log %.*s: %s", SLICE_ARGS(path), error_text(fd));
    return fd;
}

static int add_site_log(struct worker *worker, const struct access_log_settings *settings)
{
    struct access_log *log;
    int fd = worker_open_log(worker, settings->path);
    if (fd < 0)
        return fd;
    struct access_log_options options = {
        .loop = worker->loop,
        .fd = fd,
        .format = (enum access_log_format)settings->format,
        .template = settings->template,
        .counters = worker->counters,
        .errors = worker->log,
    };
    int error = access_log_create(&options, &log);
    if (error < 0)
        return error;
    access_log_set_sample(log, settings->sample);
    error = access_log_set_add(&worker->site_logs, settings->path, log);
    if (error < 0)
        access_log_destroy(log);
    return error;
}

int worker_add_site_logs(struct worker *worker, const struct settings *settings)
{
    int error = 0;
    for (size_t i = 0; i < settings->site_count && error == 0; i++) {
        const struct access_log_settings *log = &settings->sites[i].log;
        if (log->path.length > 0 && access_log_set_find(&worker->site_logs, log->path) == NULL)
            error = add_site_log(worker, log);
    }
    return error;
}

void worker_format_site_logs(struct worker *worker, const struct settings *settings)
{
    for (size_t i = 0; i < settings->site_count; i++) {
        const struct access_log_settings *log = &settings->sites[i].log;
        if (log->path.length == 0)
            continue;
        struct access_log *own = access_log_set_find(&worker->site_logs, log->path);
        access_log_set_format(own, (enum access_log_format)log->format, log->template);
        access_log_set_sample(own, log->sample);
    }
}

void worker_reopen_site_logs(struct worker *worker)
{
    for (size_t i = 0; i < worker->site_logs.count; i++) {
        const struct access_log_named *named = &worker->site_logs.items[i];
        int fd = worker_open_log(worker, named->path);
        if (fd >= 0)
            access_log_set_fd(named->log, fd);
    }
}
