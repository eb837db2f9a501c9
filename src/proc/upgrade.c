/* Only the beginning of the new program's life is looked at here. Its standard error is a pipe until its
 * workers are ready, so that the reason of a failure can be told to whoever asked for the upgrade. */
#include "proc/upgrade_offer.h"

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/message.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#define OUTPUT_BYTES_MAX (1u << 15)
#define ANSWER_BYTES_MAX 512

static void upgrade_close(int *fd)
{
    if (*fd >= 0)
        sys_close(*fd);
    *fd = -1;
}

/* ---- the beginning ---- */

void upgrade_init(struct upgrade *upgrade)
{
    upgrade->pid = 0;
    upgrade->channel_fd = upgrade->output_fd = -1;
    upgrade->output = (struct buffer){0};
}

static int upgrade_fork(struct upgrade *upgrade, const struct upgrade_offer *offer, const int channel[2],
                        const int output[2])
{
    pid_t pid = sys_fork();
    if (pid == 0)
        upgrade_become(offer, upgrade->path, channel[1], output[1]);
    sys_close(channel[1]);
    sys_close(output[1]);
    upgrade->channel_fd = channel[0];
    upgrade->output_fd = output[0];
    upgrade->pid = MAX(pid, 0);
    return MIN(pid, 0);
}

int upgrade_begin(struct upgrade *upgrade, const struct upgrade_offer *offer, uint64_t timeout_ms)
{
    int channel[2], output[2];
    int error = sys_message_pair(channel);
    if (error < 0)
        return error;
    error = sys_pipe(output);
    if (error < 0) {
        sys_close(channel[0]);
        sys_close(channel[1]);
        return error;
    }
    buffer_init(&upgrade->output, OUTPUT_BYTES_MAX);
    upgrade->has_ended = false;
    upgrade->began_ms = sys_monotonic_ms();
    upgrade->timeout_ms = timeout_ms;
    upgrade->deadline_ms = upgrade->began_ms + timeout_ms;
    error = upgrade_fork(upgrade, offer, channel, output);
    if (error < 0)
        upgrade_give_up(upgrade);
    return error;
}

/* ---- what it says ---- */

size_t upgrade_poll_set(const struct upgrade *upgrade, struct pollfd *fds)
{
    size_t count = 0;
    if (!upgrade_is_busy(upgrade))
        return 0;
    if (upgrade->output_fd >= 0)
        fds[count++] = (struct pollfd){.fd = upgrade->output_fd, .events = POLLIN};
    if (upgrade->channel_fd >= 0)
        fds[count++] = (struct pollfd){.fd = upgrade->channel_fd, .events = POLLIN};
    return count;
}

/* What is more than the buffer holds is read and forgotten: the new program must not wait. */
static void read_output(struct upgrade *upgrade)
{
    char bytes[4096];
    ssize_t got = sys_read(upgrade->output_fd, bytes, sizeof(bytes));
    if (got > 0)
        buffer_append(&upgrade->output, slice_make(bytes, (size_t)got));
    else if (got != -EAGAIN && got != -EINTR)
        upgrade_close(&upgrade->output_fd);
}

void upgrade_take_ready(struct upgrade *upgrade, const struct pollfd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i].revents && fds[i].fd == upgrade->output_fd)
            read_output(upgrade);
    }
}

/* Its workers may still have the pipe open: only what is there now is waited for. */
static void read_rest_of_output(struct upgrade *upgrade)
{
    struct pollfd pollfd = {.fd = upgrade->output_fd, .events = POLLIN};
    while (upgrade->output_fd >= 0 && sys_poll(&pollfd, 1, 0) > 0)
        read_output(upgrade);
}

bool upgrade_take_end(struct upgrade *upgrade, const struct process_change *end)
{
    bool is_end = end->fate == PROCESS_EXITED || end->fate == PROCESS_KILLED;
    if (!upgrade_is_busy(upgrade) || end->pid != upgrade->pid || !is_end)
        return false;
    upgrade->has_ended = true;
    upgrade->end = *end;
    return true;
}

/* "ready VERSION NUMBER..." */
static bool read_answer(struct slice answer, struct upgrade_heir *heir)
{
    struct slice word;
    uint64_t number;
    if (!slice_next(&answer, ' ', &word) || !slice_equal(word, SLICE("ready")) ||
        !slice_next(&answer, ' ', &word))
        return false;
    snprintf(heir->version, sizeof(heir->version), "%.*s", SLICE_ARGS(word));
    while (slice_next(&answer, ' ', &word)) {
        if (!slice_to_u64(word, &number) || number >= LISTENERS_MAX)
            return false;
        heir->taken |= UINT64_C(1) << number;
    }
    return true;
}

static bool has_answered(struct upgrade *upgrade, struct upgrade_heir *ret_heir)
{
    char bytes[ANSWER_BYTES_MAX];
    int fds[SYS_MESSAGE_FDS_MAX];
    size_t count = 0;
    ssize_t got = upgrade->channel_fd < 0
                      ? -EAGAIN
                      : sys_message_receive(upgrade->channel_fd, bytes, sizeof(bytes), fds, &count);
    for (size_t i = 0; i < count; i++)
        sys_close(fds[i]);
    *ret_heir = (struct upgrade_heir){.pid = upgrade->pid};
    if (got > 0 && read_answer(slice_make(bytes, (size_t)got), ret_heir))
        return true;
    if (got != -EAGAIN)
        upgrade_close(&upgrade->channel_fd); /* its end, or its time-out, follows */
    return false;
}

/* ---- how it went ---- */

static void tell_failure(const struct upgrade *upgrade, struct buffer *text)
{
    const struct process_change *end = &upgrade->end;
    buffer_printf(text, "%s did not take over: ", upgrade->path);
    if (!upgrade->has_ended)
        buffer_printf(text, "it was not ready after %g s", (double)upgrade->timeout_ms / 1000);
    else if (end->fate == PROCESS_KILLED)
        buffer_printf(text, "signal %d (%s) ended it", end->number, strsignal(end->number));
    else
        buffer_printf(text, "it ended with status %d", end->number);
    buffer_printf(text, "; process %d goes on as before\n", (int)sys_process_id());
}

enum upgrade_result upgrade_step(struct upgrade *upgrade, struct upgrade_heir *ret_heir, struct buffer *text)
{
    bool is_ready = !upgrade->has_ended && has_answered(upgrade, ret_heir);
    if (!is_ready && !upgrade->has_ended && sys_monotonic_ms() < upgrade->deadline_ms)
        return UPGRADE_GOES_ON;
    read_rest_of_output(upgrade);
    buffer_append(text, buffer_slice(&upgrade->output));
    if (is_ready)
        return UPGRADE_READY;
    tell_failure(upgrade, text);
    return UPGRADE_FAILED;
}

int upgrade_wait_ms(const struct upgrade *upgrade)
{
    uint64_t now_ms = sys_monotonic_ms();
    if (!upgrade_is_busy(upgrade))
        return -1;
    if (upgrade->has_ended || now_ms >= upgrade->deadline_ms)
        return 0;
    return (int)(upgrade->deadline_ms - now_ms);
}

/* ---- the end ---- */

void upgrade_leave(struct upgrade *upgrade)
{
    upgrade_close(&upgrade->channel_fd);
    upgrade_close(&upgrade->output_fd);
}

static void upgrade_forget(struct upgrade *upgrade)
{
    upgrade_leave(upgrade);
    buffer_finish(&upgrade->output);
    upgrade->pid = 0;
}

void upgrade_confirm(struct upgrade *upgrade)
{
    int error = sys_message_send(upgrade->channel_fd, SLICE("go"), NULL, 0);
    (void)error; /* that the channel is closed says the same */
    upgrade_forget(upgrade);
}

void upgrade_give_up(struct upgrade *upgrade)
{
    if (upgrade->pid > 0 && !upgrade->has_ended)
        sys_kill(upgrade->pid, SIGKILL);
    upgrade_forget(upgrade);
}
