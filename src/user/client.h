/* client: where a request comes from, as nginx says. */
#ifndef USER_CLIENT_H
#define USER_CLIENT_H

#include <stdbool.h>

#include "common/base/arena.h"

struct client {
    const char *ip;
    const char *user_agent;
};

/* An IP address in its one spelling, that of IPv4 when it is mapped into IPv6 (RFC 4291, 2.5.5.2); NULL for what is
 * none: a unix socket, a shell. In the arena. */
const char *client_address(struct arena *arena, const char *text);
/* Who is one client: an IPv4 address or a /64, as whoever has one IPv6 address has all of those (RFC 4291, 2.5.1), by
 * its first address; or `ip` itself when it is none. In the arena. */
const char *client_host(struct arena *arena, const char *ip);
/* The network of a client, a /24 or a /48, which is what one customer may have at most (RFC 6177), in the same way. */
const char *client_network(struct arena *arena, const char *ip);

#endif
