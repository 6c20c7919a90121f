#include "src/user/client.h"

#include <arpa/inet.h>
#include <string.h>

/* Bytes of an address that are the same for all of them. */
#define HOST_BYTES_4 4
#define HOST_BYTES_6 8
#define NETWORK_BYTES_4 3
#define NETWORK_BYTES_6 6

static const char *text_of(struct arena *arena, int family, const unsigned char *bytes)
{
    char *text = arena_alloc(arena, INET6_ADDRSTRLEN);
    return inet_ntop(family, bytes, text, INET6_ADDRSTRLEN);
}

static bool is_mapped(const unsigned char *bytes)
{
    static const unsigned char prefix[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(bytes, prefix, sizeof prefix) == 0;
}

const char *client_address(struct arena *arena, const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        return text_of(arena, AF_INET, bytes);
    }
    if (inet_pton(AF_INET6, text, bytes) != 1) {
        return NULL;
    }
    return is_mapped(bytes) ? text_of(arena, AF_INET, bytes + 12) : text_of(arena, AF_INET6, bytes);
}

static const char *first_of(struct arena *arena, const char *ip, size_t kept_4, size_t kept_6)
{
    unsigned char bytes[sizeof(struct in6_addr)] = {0};
    const char *address = client_address(arena, ip);
    if (!address) {
        return ip;
    }
    int family = strchr(address, ':') ? AF_INET6 : AF_INET;
    size_t kept = family == AF_INET6 ? kept_6 : kept_4;
    inet_pton(family, address, bytes);
    memset(bytes + kept, 0, sizeof bytes - kept);
    return text_of(arena, family, bytes);
}

const char *client_host(struct arena *arena, const char *ip)
{
    return first_of(arena, ip, HOST_BYTES_4, HOST_BYTES_6);
}

const char *client_network(struct arena *arena, const char *ip)
{
    return first_of(arena, ip, NETWORK_BYTES_4, NETWORK_BYTES_6);
}
