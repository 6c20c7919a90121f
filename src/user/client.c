#include "src/user/client.h"

#include <arpa/inet.h>
#include <string.h>

#define NETWORK_BYTES_4 3
#define NETWORK_BYTES_6 8

const char *client_address(const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1 ? text : NULL;
}

const char *client_network(struct arena *arena, const char *ip)
{
    unsigned char bytes[sizeof(struct in6_addr)] = {0};
    char *text = arena_alloc(arena, INET6_ADDRSTRLEN);
    int family = strchr(ip, ':') ? AF_INET6 : AF_INET;
    size_t kept = family == AF_INET6 ? NETWORK_BYTES_6 : NETWORK_BYTES_4;
    if (inet_pton(family, ip, bytes) != 1) {
        return ip;
    }
    memset(bytes + kept, 0, sizeof bytes - kept);
    return inet_ntop(family, bytes, text, INET6_ADDRSTRLEN);
}
