/* Watching what a root's path leads through, so that it is known at once when the path leads elsewhere: a
 * deployment swings a symbolic link, and all workers must serve the new release from then on. */
#ifndef DISK_ROOT_PATH_H
#define DISK_ROOT_PATH_H

#include "disk/notifier.h"
#include "disk/root.h"

/* Sets marks on every folder and symbolic link of the root's path, in place of those that were set before;
 * when something happens to one of them, the root's next look is due. Says in the root whether every link is
 * watched: what cannot be watched is looked at often. For roots on local file systems. */
void root_path_watch(struct notifier *notifier, struct root *root, uint64_t now_ms);

/* Takes the marks away. */
void root_path_forget(struct notifier *notifier, struct root *root);

#endif
