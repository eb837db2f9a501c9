/* The master does not use the contexts; workers inherit them. Only the first reading is logged, as workers
 * log the findings of later ones. */
#include "proc/certificate_keeper.h"

#include "server/certificates.h"
#include "server/context_set.h"

static void log_reports(struct log *log, struct context_set *set)
{
    for (size_t i = 0; i < set->plan.context_count; i++) {
        certificates_log(log, set->contexts[i].report, false);
        kept_context_forget(&set->contexts[i]);
    }
}

int certificate_keeper_begin(struct certificate_keeper *keeper, struct settings *settings,
                             struct tls_tickets *tickets, struct log *log)
{
    *keeper = (struct certificate_keeper){0};
    int error = context_set_create(settings, tickets, &keeper->contexts);
    if (error < 0 || keeper->contexts == NULL)
        return error;
    error = context_set_load(keeper->contexts);
    log_reports(log, keeper->contexts);
    if (error < 0)
        certificate_keeper_end(keeper);
    return error;
}

/* A worker can count as fast as it likes: the files are read once in a second. */
void certificate_keeper_look(struct certificate_keeper *keeper, const struct slot *slots, size_t count,
                             uint64_t now_ms)
{
    unsigned renewals = 0;
    for (size_t i = 0; i < count; i++)
        renewals += slots[i].renewals;
    if (renewals == keeper->renewals || now_ms < keeper->next_ms)
        return;
    keeper->renewals = renewals;
    keeper->next_ms = now_ms + CERTIFICATE_KEEPER_MS;
    context_set_refresh(keeper->contexts);
}

void certificate_keeper_end(struct certificate_keeper *keeper)
{
    context_set_destroy(keeper->contexts);
    keeper->contexts = NULL;
}
