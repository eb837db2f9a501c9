/* Watching the path of a root, so that a change of where it leads is noticed at once: when a deployment
 * switches a symbolic link, all workers must serve the new release from then on. */
#ifndef DISK_ROOT_PATH_H
#define DISK_ROOT_PATH_H

#include "disk/notifier.h"
#include "disk/root.h"

/* Sets marks on every folder and symbolic link of the root's path, replacing earlier ones. When something
 * happens to one of them, the root's next look is due. Sets root->is_path_watched; a path that cannot be
 * watched is looked at often instead. For roots on local file systems. */
void root_path_watch(struct notifier *notifier, struct root *root, uint64_t now_ms);

/* Removes the marks. */
void root_path_forget(struct notifier *notifier, struct root *root);

#endif
