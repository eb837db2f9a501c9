/* An intrusive doubly linked list: the links are members of the objects, so nothing is allocated, and an
 * object leaves its list in O(1) without knowing which list it is in.
 *
 * A `struct list` is both the head and a link. An initialised link that is in no list points to itself. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/compiler.h"

#include <stdbool.h>

struct list {
    struct list *next;
    struct list *previous;
};

static inline void list_init(struct list *list)
{
    list->next = list->previous = list;
}

/* For a head: the list has no members. For a link: it is in no list. */
static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

/* Appends `link`, which must be in no list. */
static inline void list_append(struct list *head, struct list *link)
{
    link->next = head;
    link->previous = head->previous;
    head->previous->next = link;
    head->previous = link;
}

/* Removes `link` from its list, if it is in one, and leaves it initialised. */
static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

/* Moves all members of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    list_init(from);
}

#define LIST_FOREACH(link, head) for (struct list *link = (head)->next; link != (head); link = link->next)

/* Like LIST_FOREACH, but the body may remove `link` (and nothing else) from the list. */
#define LIST_FOREACH_SAFE(link, head)                                                 \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head); \
         link = link##_next, link##_next = link->next)

#endif
