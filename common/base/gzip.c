#include "common/base/gzip.h"

#include <zlib.h>

#include "common/base/log.h"

#define CHUNK 65536
#define GZIP_FORM (MAX_WBITS + 16) /* zlib's way of asking for gzip */
#define MEMORY 9                   /* the most */

void gzip_add(struct buf *out, const void *bytes, size_t len)
{
    unsigned char chunk[CHUNK];
    z_stream stream = {.next_in = (z_const Bytef *)bytes, .avail_in = (uInt)len};
    if (len > UINT32_MAX ||
        deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_FORM, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        log_panic("zlib cannot compress %zu bytes", len);
    }
    int more;
    do {
        stream.next_out = chunk;
        stream.avail_out = sizeof chunk;
        more = deflate(&stream, Z_FINISH);
        buf_add(out, chunk, sizeof chunk - stream.avail_out);
    } while (more == Z_OK);
    deflateEnd(&stream);
}

uint32_t gzip_crc(const void *bytes, size_t len)
{
    return (uint32_t)crc32_z(0, bytes, len);
}
