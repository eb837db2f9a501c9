/* Checks of options that are right one by one, and wrong together or with what is on the disk. Mistakes are
 * reported. */
#ifndef CONF_CHECKS_H
#define CONF_CHECKS_H

#include "conf/loader.h"

/* A response without content has no body. `map` is the section's. */
void check_respond(struct loader *loader, const struct node *map);

/* The files that a `files` section names are there, and its folder can be listed if it is to be. */
void check_files(struct loader *loader, const struct node *map);

/* Early hints of a route need a Link to hint at. `map` is the section's. */
void check_early_hints(struct loader *loader, const struct node *map);

/* No listener takes the address of another. `listen` is the option's value. */
void check_listeners(struct loader *loader, const struct node *listen);

/* What goes with what in a `tls` section. `map` is the section's. */
void check_tls(struct loader *loader, const struct node *map);

/* Makes the value of the header that an `hsts` section asks for. `map` is the section's. */
void check_hsts(struct loader *loader, const struct node *map);

/* Which sites are served on which listeners, with which certificates, and what redirects to HTTPS. `listen`
 * is the option's value, or whatever stands in its place; `sites` is a list. */
void check_https(struct loader *loader, const struct node *listen, const struct node *sites);

/* No redirect leads back to itself, nor several in a circle. `routes` is the map that the site's routes were
 * read from, in their order. */
void check_redirects(struct loader *loader, const struct node *routes);

#endif
