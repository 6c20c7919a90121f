/* client: where a request comes from, as nginx says. */
#ifndef USER_CLIENT_H
#define USER_CLIENT_H

#include "common/base/arena.h"

struct client {
    const char *ip;
    const char *user_agent;
};

/* `text` when it is an IP address; NULL for what is none: a unix socket, a shell. */
const char *client_address(const char *text);
/* The network of an address, a /24 or a /64, by its first address; or the address itself when it is none. In the arena.
 */
const char *client_network(struct arena *arena, const char *ip);

#endif
