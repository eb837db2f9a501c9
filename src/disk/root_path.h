/* Watching the path of a root, so that a change of where it leads is noticed at once: when a deployment
 * switches a symbolic link, all workers must serve the new release from then on.
 *
 * Watching is slow if a folder of the path has many names, as /tmp may have. So it is prepared on the loop
 * (root_path_create), done off the loop (root_path_walk), and its result is applied on the loop
 * (root_path_adopt). */
#ifndef DISK_ROOT_PATH_H
#define DISK_ROOT_PATH_H

#include "disk/notifier.h"
#include "disk/root.h"

/* Returns NULL if `notifier` is NULL or memory runs out. */
struct root_path *root_path_create(struct notifier *notifier) MUST_CHECK;

/* Watches every folder and symbolic link of the path. May block; touches only `path`. The root must be
 * looked at afterwards: its path may have come to lead elsewhere before it was watched. */
void root_path_walk(struct root_path *path, const char *text);

/* Sets marks on what was watched, replacing the root's earlier ones. When something happens to it, the
 * root's next look is due. Sets root->is_path_watched; a path that cannot be watched is looked at often
 * instead. Takes `path` over, and frees it if it was not walked, or the root is not on a local file system
 * or is retired. */
void root_path_adopt(struct root *root, struct root_path *path, uint64_t now_ms);

/* Frees a path that no root has adopted. NULL is ignored. */
void root_path_destroy(struct root_path *path);

/* Removes the root's marks. */
void root_path_forget(struct root *root);

#endif
