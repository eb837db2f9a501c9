/* The connections that are open, as far as the clients know: see struct scene. */
#include "conversation.h"

static unsigned closed_lately(const struct scene *scene)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MIN(scene->closed, (unsigned)SCENE_CLOSED_MAX); i++)
        count += scene->closed_us[i] + SLACK_US >= sim_now_us();
    return count;
}

void scene_note_open(struct scene *scene)
{
    const struct limits *limits = scene->website->limits;
    uint32_t most = limits->connections;
    if (limits->connections_per_address > 0)
        most = MIN(most, limits->connections_per_address);
    scene->open++;
    if (scene->open + closed_lately(scene) >= most)
        scene->full_us = sim_now_us();
}

void scene_note_closed(struct scene *scene)
{
    scene->open--;
    scene->closed_us[scene->closed++ % SCENE_CLOSED_MAX] = sim_now_us();
}

/* What the server counts as open is behind what the clients know by a delay; and whoever connects may have to
 * wait until it is accepted. */
#define FULL_US (3 * SLACK_US)

bool scene_was_full(const struct scene *scene, uint64_t began_us, uint64_t ended_us)
{
    uint64_t since_us = MAX(began_us - MIN(began_us, SLACK_US), ended_us - MIN(ended_us, FULL_US));
    return scene->full_us > 0 && scene->full_us >= since_us;
}
