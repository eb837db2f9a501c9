/* Lines of text rather than structs: the two programs need not be of one version. */
#include "proc/upgrade_offer.h"

#include "base/error.h"
#include "proc/inheritance.h"
#include "sys/memory.h"
#include "sys/output.h"
#include "sys/process.h"
#include "sys/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* As shells have it for a program that cannot be run. */
#define EXIT_CANNOT_RUN 126

static int offer_descriptor(struct buffer *text, const char *name, int fd)
{
    int passed = sys_descriptor_pass(fd);
    if (passed >= 0)
        buffer_printf(text, "%s %d\n", name, passed);
    return MIN(passed, 0);
}

static int offer_sockets(const struct upgrade_offer *offer, struct buffer *text)
{
    const struct sockets *sockets = offer->sockets;
    int error = 0;
    for (size_t i = 0; i < sockets->listener_count && error == 0; i++) {
        size_t count = sockets_is_shared(sockets, i) ? 1 : sockets->worker_count;
        buffer_printf(text, "listener %.*s\n", SLICE_ARGS(offer->config->listeners[i].address));
        for (size_t j = 0; j < count && error == 0; j++)
            error = offer_descriptor(text, "socket", sockets_fd(sockets, i, j));
        if (sockets->activated[i])
            buffer_printf(text, "activated\n");
    }
    return error;
}

static int offer_shield(const struct xdp *xdp, struct buffer *text)
{
    if (xdp->link_fd < 0)
        return 0;
    buffer_printf(text, "shield-interface %u\nshield-mode %s\n", xdp->interface,
                  xdp->mode == XDP_NATIVE ? "native" : "generic");
    int error = offer_descriptor(text, "shield-link", xdp->link_fd);
    if (error == 0)
        error = offer_descriptor(text, "shield-blocked-" XDP_LAYOUT, xdp->blocked_fd);
    if (error == 0)
        error = offer_descriptor(text, "shield-ports-" XDP_LAYOUT, xdp->ports_fd);
    return error == 0 ? offer_descriptor(text, "shield-totals-" XDP_LAYOUT, xdp->totals_fd) : error;
}

static int offer_write(const struct upgrade_offer *offer, int channel_fd, struct buffer *text)
{
    int error = offer_descriptor(text, "channel", channel_fd);
    if (error == 0)
        error = offer_descriptor(text, "standard-error", STDERR_FILENO);
    if (error == 0)
        error = offer_sockets(offer, text);
    if (error == 0 && offer->tickets_fd >= 0) {
        error = offer_descriptor(text, "tickets", offer->tickets_fd);
        buffer_printf(text, "tickets-bytes %zu\n", offer->tickets_bytes);
    }
    if (error == 0)
        error = offer_shield(offer->shield, text);
    return error == 0 && text->failed ? -ENOMEM : error;
}

/* Returns a descriptor that the new vif reads the text from. */
static int offer_pass_text(struct slice text)
{
    int fd = sys_memory_create(0);
    if (fd < 0)
        return fd;
    ssize_t written = sys_write(fd, text);
    if (written != (ssize_t)text.length)
        return written < 0 ? (int)written : -ENOMEM;
    return sys_descriptor_pass(fd);
}

static void set_number(const char *name, long number, int other)
{
    char value[48];
    if (other >= 0)
        snprintf(value, sizeof(value), "%ld %d", number, other);
    else
        snprintf(value, sizeof(value), "%ld", number);
    setenv(name, value, 1);
}

/* Of the service manager: it has to hear from the new process, too. */
static void offer_environment(int text_fd)
{
    set_number(INHERITANCE_VARIABLE, sys_parent_id(), text_fd);
    if (getenv("WATCHDOG_PID"))
        set_number("WATCHDOG_PID", sys_process_id(), -1);
}

static size_t words_count(char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    return count;
}

/* The first word is the program itself. */
static int offer_run(const struct upgrade_offer *offer, const char *path)
{
    size_t count = words_count(offer->words);
    char **words = calloc(MAX(count, 1u) + 1, sizeof(*words));
    if (words == NULL)
        return -ENOMEM;
    for (size_t i = 1; i < count; i++)
        words[i] = offer->words[i];
    words[0] = (char *)path;
    sys_signal_restore(offer->signals_before);
    int error = sys_program_become(path, words);
    free(words);
    return error;
}

_Noreturn void upgrade_become(const struct upgrade_offer *offer, const char *path, int channel_fd,
                              int output_fd)
{
    struct buffer text;
    buffer_init(&text, INHERITANCE_BYTES_MAX);
    int error = offer_write(offer, channel_fd, &text);
    int text_fd = error < 0 ? error : offer_pass_text(buffer_slice(&text));
    buffer_finish(&text);
    error = text_fd < 0 ? text_fd : sys_standard_error_set(output_fd);
    if (error == 0) {
        offer_environment(text_fd);
        error = offer_run(offer, path);
    }
    fprintf(stderr, "vif: cannot run %s: %s\n", path, error_text(error));
    exit(EXIT_CANNOT_RUN);
}
