/* A document: a configuration before its interpretation, as a tree of texts, lists and maps with their
 * positions in a source.
 *
 * It is read from YAML (conf/yaml.h) or built from the command line, and interpreted by conf/load.h. A YAML
 * alias makes two parents share a child, so a document is an acyclic graph. The limits count a shared node
 * each time a traversal visits it, so a full traversal is cheap whatever the file contains. */
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
    unsigned height; /* 1 for a text, else more than any child's */
    struct source_position position;
    size_t weight;       /* nodes visited when traversing this one, including itself */
    struct slice text;   /* of NODE_TEXT; has no NUL bytes; a NUL follows it */
    bool is_plain;       /* an unquoted text, which YAML may treat as a boolean or "<<" */
    struct entry *first; /* of lists and maps */
    struct entry **last; /* where the next entry is linked */
    size_t entry_count;
};

struct entry {
    struct entry *next;
    struct node *key; /* NULL in a list */
    struct node *value;
};

struct document {
    struct arena arena; /* for all nodes and texts */
    struct node *root;  /* a map; never NULL after document_init */
};

/* Initialises the document with an empty map. Returns 0 or -ENOMEM. */
int document_init(struct document *document) MUST_CHECK;

/* Frees the document; may be called on a zeroed one. */
void document_finish(struct document *document);

/* Create nodes; NULL if out of memory. The text is copied. */
struct node *node_text(struct document *document, struct slice text,
                       struct source_position position) MUST_CHECK;
struct node *node_collection(struct document *document, enum node_kind kind,
                             struct source_position position) MUST_CHECK;

/* Appends an entry to a list (`key` is NULL) or a map, without checking for duplicate keys. Returns 0,
 * -ENOMEM, or ERROR_LIMIT if the collection would exceed DOCUMENT_NODES_MAX or DOCUMENT_HEIGHT_MAX. */
int node_add(struct document *document, struct node *collection, struct node *key,
             struct node *value) MUST_CHECK;

/* Removes all entries of a collection. */
void node_clear(struct node *collection);

/* The value under a key, or NULL. */
struct node *node_get(const struct node *map, struct slice key);

/* The item of a list; NULL past its end, or if the node is no list. */
const struct node *node_item(const struct node *node, size_t index);

/* Where the value under a key is; where the node is if it has no such value, or is no map. */
struct source_position node_position_of(const struct node *node, struct slice key);

/* The node at a dotted path of keys below the root, or NULL; an empty path is the root. */
struct node *document_find(const struct document *document, struct slice path);

/* Finds or creates the collection at a dotted path below the root, such as "sites.0.routes./.files". Missing
 * maps and lists are created; other nodes on the path are replaced. A number is an index into a list, at most
 * one past its end. The last collection has the given `kind`. NULL if out of memory. */
struct node *document_reach(struct document *document, struct slice path, enum node_kind kind,
                            struct source_position position) MUST_CHECK;

/* Sets the value of a key, replacing an existing one. Returns as node_add. */
int node_put(struct document *document, struct node *map, struct node *key, struct node *value) MUST_CHECK;

#define NODE_FOREACH(entry, collection) \
    for (struct entry *entry = (collection)->first; entry != NULL; entry = entry->next)

#endif
