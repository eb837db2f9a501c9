/* Checks options that are valid by themselves but may be wrong in combination, or with the files on disk.
 * Mistakes are added to the diagnostics. */
#ifndef CONF_CHECKS_H
#define CONF_CHECKS_H

#include "conf/loader.h"

/* A response whose status allows no content has no body. `map` is the section's. */
void check_respond(struct loader *loader, const struct node *map);

/* The files that a `files` section names exist, and its folder can be read if listing is on. */
void check_files(struct loader *loader, const struct node *map);

/* A route with early hints sets a Link header. `map` is the section's. */
void check_early_hints(struct loader *loader, const struct node *map);

/* No two listeners have the same address. `listen` is the option's value. */
void check_listeners(struct loader *loader, const struct node *listen);

/* A file has lines of one format, whichever sites write to it. `sites` is a list. */
void check_site_logs(struct loader *loader, const struct node *sites);

/* Logs are rotated for a reason, and compressed by what there is. `map` is the section's. */
void check_rotation(struct loader *loader, const struct node *map);

/* Listeners with the PROXY protocol have somebody who may use it. `listen` is the option's value. */
void check_proxied(struct loader *loader, const struct node *listen);

/* The options of a `tls` section are consistent. `map` is the section's. */
void check_tls(struct loader *loader, const struct node *map);

/* The interface of the shield exists and is not the loopback interface. `map` is the section's. */
void check_shield(struct loader *loader, const struct node *map);

/* TLS to the servers of a route: its options are consistent. `map` is the `proxy` section's. */
void check_proxy_tls(struct loader *loader, const struct node *map);

/* What of `protocol` contradicts the servers of a route. `map` is the `proxy` section's. */
void check_proxy_protocol(struct loader *loader, const struct node *map);

/* Checks an `hsts` section and formats its header's value. `map` is the section's. */
void check_hsts(struct loader *loader, const struct node *map);

/* Works out and checks which sites are served on which listeners, with which certificates, and which
 * listeners redirect to HTTPS. `listen` is the option's value or whatever replaces it; `sites` is a list. */
void check_https(struct loader *loader, const struct node *listen, const struct node *sites);

/* Listeners for administration are out of reach of strangers; gives them their route. After check_https. */
void check_admin(struct loader *loader, const struct node *listen);

/* No redirects form a loop. `routes` is the map that the site's routes were read from, in their order. */
void check_redirects(struct loader *loader, const struct node *routes);

#endif
