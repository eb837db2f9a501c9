/* A child process reads and checks the configuration: neither a file system that hangs nor a fault in the
 * reading can stop the master. */
#include "proc/reload_internal.h"

#include "conf/outline.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <signal.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX (1u << 16)

static struct slice outline_in_force(const struct reload *reload)
{
    int room = reload->current.room;
    return room < 0 ? (struct slice){0} : generation_image(&reload->generations, room)->outline;
}

static void reader_fill(struct reload *reload, struct generation_image *image, struct arena *arena)
{
    struct reload_options *options = &reload->options;
    struct reload_reading reading = {
        .arena = arena,
        .former = outline_in_force(reload),
        .is_first = reload->watch.is_reverting,
    };
    buffer_init(&reading.text, TEXT_BYTES_MAX);
    buffer_init(&reading.outline, OUTLINE_BYTES_MAX);
    struct config *config = options->read(options->read_context, &reading);
    struct arena *rest = config ? &config->settings->arena : arena;
    image->text = arena_copy(rest, buffer_slice(&reading.text));
    image->outline = arena_copy(rest, buffer_slice(&reading.outline));
    if (config)
        generation_put(image, config);
    image->is_made = true;
    buffer_finish(&reading.text);
    buffer_finish(&reading.outline);
}

/* In the child. The master sees what comes of it in the image. */
static _Noreturn void reader_live(struct reload *reload)
{
    struct arena arena;
    sys_name_process("vif reader");
    if (!sys_end_with_parent(reload->options.master, SIGKILL))
        exit(1);
    struct generation_image *image =
        generation_begin(&reload->generations, reload->next.room, reload->next.memory_fd, &arena);
    if (image == NULL)
        exit(1);
    reader_fill(reload, image, &arena);
    exit(0);
}

int reload_reader_start(struct reload *reload)
{
    int fds[2];
    int error = sys_pipe(fds);
    if (error < 0)
        return error;
    pid_t pid = sys_fork();
    if (pid == 0)
        reader_live(reload);
    sys_close(fds[1]);
    reload->reader = pid;
    reload->reader_fd = pid < 0 ? -1 : fds[0];
    if (pid < 0)
        sys_close(fds[0]);
    return pid < 0 ? pid : 0;
}

void reload_reader_forget(struct reload *reload)
{
    if (reload->reader_fd >= 0)
        sys_close(reload->reader_fd);
    reload->reader_fd = -1;
}
