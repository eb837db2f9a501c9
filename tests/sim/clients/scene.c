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
