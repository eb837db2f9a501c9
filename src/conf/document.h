/* A configuration before anyone knows what it means: a tree of texts, lists and maps, each with its position
 * in a source.
 *
 * It comes from YAML (conf/yaml.h) or is put together from the command line, and is read by conf/load.h. An
 * alias of YAML makes two parents share a child, so a document is a graph without cycles; its bounds count
 * shared nodes as often as a walk meets them, so a walk over all of it is cheap whatever the file says. */
#ifndef CONF_DOCUMENT_H
#define CONF_DOCUMENT_H

#include "base/arena.h"
#include "conf/diagnostics.h"

#define DOCUMENT_BYTES_MAX  (1u << 20) /* of a file */
#define DOCUMENT_NODES_MAX  50000
#define DOCUMENT_HEIGHT_MAX 24

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    unsigned height; /* 1 for a text, more than any child's */
    struct source_position position;
    size_t weight;       /* nodes in a walk over this one, itself included */
    struct slice text;   /* of NODE_TEXT; without NUL bytes, NUL-terminated behind its end */
    bool is_plain;       /* a text without quotes, which YAML could take for a truth value, or for "<<" */
    struct entry *first; /* of the others */
    struct entry **last; /* where the next entry is linked */
    size_t entry_count;
};

struct entry {
    struct entry *next;
    struct node *key; /* NULL in a list */
    struct node *value;
};

struct document {
    struct arena arena; /* of all nodes and texts */
    struct node *root;  /* a map; never NULL after document_init */
};

/* An empty map. Returns 0 or -ENOMEM. */
int document_init(struct document *document) MUST_CHECK;

/* Also right on a zeroed one. */
void document_finish(struct document *document);

/* New nodes; NULL without memory. The text is copied. */
struct node *node_text(struct document *document, struct slice text,
                       struct source_position position) MUST_CHECK;
struct node *node_collection(struct document *document, enum node_kind kind,
                             struct source_position position) MUST_CHECK;

/* Appends an entry to a list (`key` NULL) or a map. A key that is there already is not looked for. Returns 0,
 * -ENOMEM, or ERROR_LIMIT where the collection would become too heavy or too high. */
int node_add(struct document *document, struct node *collection, struct node *key,
             struct node *value) MUST_CHECK;

/* Takes all entries out of a collection. */
void node_clear(struct node *collection);

/* The value under a key, or NULL. */
struct node *node_get(const struct node *map, struct slice key);

/* What stands at a dotted path of keys below the root, or NULL; an empty path is the root. */
struct node *document_find(const struct document *document, struct slice path);

/* The collection at a dotted path below the root, such as "sites.0.routes./.files", for building by hand:
 * missing maps and lists are made on the way, something else in the way is replaced. A number is an index
 * into a list, at most one past its end. The last one is of `kind`. NULL without memory. */
struct node *document_reach(struct document *document, struct slice path, enum node_kind kind,
                            struct source_position position) MUST_CHECK;

/* Puts a value under a key, in place of what stood there. Returns as node_add. */
int node_put(struct document *document, struct node *map, struct node *key, struct node *value) MUST_CHECK;

#define NODE_FOREACH(entry, collection) \
    for (struct entry *entry = (collection)->first; entry != NULL; entry = entry->next)

#endif
