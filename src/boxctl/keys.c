#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "src/boxctl/boxctl.h"
#include "src/boxctl/key_file.h"
#include "src/boxctl/key_ring.h"
#include "src/boxctl/keys.h"
#include "src/boxctl/settings.h"

#define AFTER_S 60    /* every host has the new file, and every cache of jwks.json has expired */
#define AFTER_MIN_S 2 /* programs look at their files once a second */
#define AFTER_MAX_S (30 * 24 * 3600)
#define COLUMNS "%-20s %-12s %-13s %-26s %s\n"

static const char *time_text(struct arena *arena, int64_t seconds)
{
    char text[CLOCK_TEXT_SIZE];
    return seconds > 0 ? arena_strdup(arena, clock_format(seconds * CLOCK_SECOND, text)) : "-";
}

/* ---- list ---- */

static void print_ring(struct arena *arena, const struct key_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++) {
        const struct key_entry *key = &ring->keys[i];
        const char *state = key->used ? "in use" : key->ended_s == INT64_MAX ? "waits for its time" : "checks only";
        printf(COLUMNS, ring->kind->name, key->id, key->algorithm, time_text(arena, key->from_s), state);
    }
}

static enum boxctl_status list(struct boxctl *box, const struct keys_call *call)
{
    struct arena *arena = box->ctx->arena;
    enum boxctl_status status = BOXCTL_OK;
    printf(COLUMNS, "KIND", "ID", "ALGORITHM", "IN USE SINCE", "STATE");
    for (size_t i = 0; i < key_kind_count; i++) {
        struct key_ring ring;
        const char *why;
        if (call->kind != NULL && call->kind != &key_kinds[i]) {
            continue;
        }
        if (key_ring_read(arena, cfg_boxctl.secrets_dir, &key_kinds[i], &ring, &why)) {
            print_ring(arena, &ring);
        } else {
            status = boxctl_fail("%s", why);
        }
    }
    return status;
}

/* ---- rotate ---- */

static bool add_unless_one_waits(struct arena *arena, const struct keys_call *call, struct key_ring *ring,
                                 const char **why_r)
{
    bool waits = !ring->keys[0].used;
    if (waits && call->algorithm != NULL && strcmp(call->algorithm, ring->keys[0].algorithm) != 0) {
        *why_r =
            arena_printf(arena, "key %s of another algorithm waits: wait for its time, or boxctl keys retire %s %s",
                         ring->keys[0].id, ring->kind->name, ring->keys[0].id);
        return false;
    }
    int64_t from_s = clock_now() / CLOCK_SECOND + call->after_s;
    return waits || key_ring_add(arena, ring, call->algorithm, from_s, why_r);
}

/* Repeated before the new key's time it makes no other one, but writes again what follows from the ring: so it may be
 * killed anywhere, and repeated. */
static enum boxctl_status rotate(struct boxctl *box, const struct keys_call *call)
{
    struct arena *arena = box->ctx->arena;
    struct key_ring ring;
    const char *why;
    if (!key_ring_read(arena, cfg_boxctl.secrets_dir, call->kind, &ring, &why) ||
        !add_unless_one_waits(arena, call, &ring, &why) ||
        !key_ring_write(arena, cfg_boxctl.secrets_dir, call->folder, &ring, true, &why)) {
        return boxctl_fail("%s", why);
    }
    printf("%s: programs know key %s within a second and use it from %s on; what others have made stays good\n",
           call->kind->name, ring.keys[0].id, time_text(arena, ring.keys[0].from_s));
    if (call->kind->form == KEY_SEAL) {
        printf("then: boxctl keys reseal\n");
    }
    return BOXCTL_OK;
}

/* ---- retire ---- */

static size_t find_id(const struct key_ring *ring, const char *id)
{
    size_t i = 0;
    while (i < ring->count && strcmp(ring->keys[i].id, id) != 0) {
        i++;
    }
    return i;
}

static int64_t kept_s(const struct key_kind *kind)
{
    return kind->form == KEY_TOKEN ? cfg_token.refresh_s + 2 * TOKEN_SKEW_S : kind->kept_s;
}

/* NULL: nothing is known against it. */
static const char *needed(struct arena *arena, const struct key_ring *ring, const struct key_entry *key,
                          bool *may_force_r)
{
    int64_t kept = kept_s(ring->kind);
    int64_t now_s = clock_now() / CLOCK_SECOND;
    bool idle = !key->used && ring->count > 1;
    *may_force_r = idle && ring->kind->form != KEY_SEAL; /* what it has sealed nobody could ever read again */
    if (!idle) {
        return "it is in use: rotate, and wait for the new key's time";
    }
    if (key->ended_s == INT64_MAX) {
        return NULL; /* it has not been used yet */
    }
    if (kept == INT64_MAX || key->ended_s == 0) {
        return arena_printf(arena, "nobody knows for how long %s: --force when you do", ring->kind->need);
    }
    if (now_s >= key->ended_s + kept) {
        return NULL;
    }
    return arena_printf(arena, "until %s %s%s", time_text(arena, key->ended_s + kept), ring->kind->need,
                        *may_force_r ? "; --force does it all the same" : "");
}

static enum boxctl_status retire(struct boxctl *box, const struct keys_call *call)
{
    struct arena *arena = box->ctx->arena;
    struct key_ring ring;
    const char *why;
    bool may_force;
    if (!key_ring_read(arena, cfg_boxctl.secrets_dir, call->kind, &ring, &why)) {
        return boxctl_fail("%s", why);
    }
    size_t index = find_id(&ring, call->id);
    if (index == ring.count) {
        return boxctl_fail("%s has no key %s; boxctl keys list %s shows which there are", call->kind->name, call->id,
                           call->kind->name);
    }
    const char *need = needed(arena, &ring, &ring.keys[index], &may_force);
    if (need != NULL && !(call->force && may_force)) {
        return boxctl_fail("key %s of %s stays: %s", call->id, call->kind->name, need);
    }
    if (call->kind->form == KEY_SEAL && !keys_unsealed(box, ring.keys[index].id, &why)) {
        return boxctl_fail("key %s of %s stays: %s", call->id, call->kind->name, why);
    }
    key_ring_remove(&ring, index);
    if (!key_ring_write(arena, cfg_boxctl.secrets_dir, call->folder, &ring, false, &why)) {
        return boxctl_fail("%s", why);
    }
    printf("%s: key %s is gone\n", call->kind->name, call->id);
    return BOXCTL_OK;
}

/* ---- publish ---- */

static enum boxctl_status publish(struct boxctl *box, const struct keys_call *call)
{
    struct arena *arena = box->ctx->arena;
    for (size_t i = 0; i < key_kind_count; i++) {
        struct key_ring ring;
        const char *why;
        if (!key_ring_read(arena, cfg_boxctl.secrets_dir, &key_kinds[i], &ring, &why) ||
            !key_ring_write(arena, cfg_boxctl.secrets_dir, call->folder, &ring, true, &why)) {
            return boxctl_fail("%s", why);
        }
    }
    printf("what follows from the rings is written\n");
    return BOXCTL_OK;
}

/* ---- the command ---- */

enum { WANTS_KIND = 1u, MAY_KIND = 2u, WANTS_ID = 4u, WANTS_FOLDER = 8u, MAY_FORCE = 16u, MAY_ROTATE = 32u };

static const struct verb {
    const char *name;
    unsigned flags;
    enum boxctl_status (*run)(struct boxctl *box, const struct keys_call *call);
} verbs[] = {
    {"list", MAY_KIND, list},
    {"rotate", WANTS_KIND | WANTS_FOLDER | MAY_ROTATE, rotate},
    {"retire", WANTS_KIND | WANTS_ID | WANTS_FOLDER | MAY_FORCE, retire},
    {"publish", WANTS_FOLDER, publish},
    {"reseal", 0, keys_reseal},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static bool parse_after(const char *text, int64_t *after_r)
{
    char *end;
    long long after = strtoll(text, &end, 10);
    *after_r = after;
    return *text != '\0' && *end == '\0' && after >= AFTER_MIN_S && after <= AFTER_MAX_S;
}

/* What follows the verb, its names taken away. */
static bool parse_options(const struct verb *verb, int count, char **args, struct keys_call *call_r)
{
    for (int i = 0; i < count; i++) {
        bool valued = verb->flags & MAY_ROTATE && i + 1 < count;
        if (verb->flags & MAY_FORCE && strcmp(args[i], "--force") == 0) {
            call_r->force = true;
        } else if (valued && strcmp(args[i], "--algorithm") == 0) {
            call_r->algorithm = args[++i];
        } else if (!valued || strcmp(args[i], "--after") != 0 || !parse_after(args[++i], &call_r->after_s)) {
            return false;
        }
    }
    return true;
}

static enum boxctl_status run_verb(struct boxctl *box, const struct verb *verb, struct keys_call *call)
{
    const char *why;
    if (verb->flags & WANTS_FOLDER && !key_folder_open(box->ctx->arena, cfg_boxctl.secrets_dir, &call->folder, &why)) {
        return boxctl_fail("%s", why);
    }
    enum boxctl_status status = verb->run(box, call);
    key_folder_close(&call->folder);
    return status;
}

static enum boxctl_status refuse_kind(const char *name)
{
    if (strcmp(name, "blind") == 0) {
        return boxctl_fail("the key of the blind indexes cannot be rotated: every account would have to be found and "
                           "indexed anew at one moment (docs/keys.md)");
    }
    fprintf(stderr, "boxctl: there is no kind '%s'; there are:", name);
    for (size_t i = 0; i < key_kind_count; i++) {
        fprintf(stderr, " %s", key_kinds[i].name);
    }
    fputc('\n', stderr);
    return BOXCTL_FAILED;
}

static enum boxctl_status run_keys(struct boxctl *box, int count, char **args)
{
    const struct verb *verb = count > 0 ? find_verb(args[0]) : NULL;
    struct keys_call call = {.after_s = AFTER_S, .folder = -1};
    int used = 1;
    if (verb == NULL) {
        return BOXCTL_USAGE;
    }
    if (verb->flags & WANTS_KIND || (verb->flags & MAY_KIND && count > 1)) {
        if (count < 2) {
            return BOXCTL_USAGE;
        }
        call.kind = key_kind_find(args[used++]);
        if (call.kind == NULL) {
            return refuse_kind(args[1]);
        }
    }
    if (verb->flags & WANTS_ID) {
        call.id = used < count ? args[used++] : NULL;
        if (call.id == NULL) {
            return BOXCTL_USAGE;
        }
    }
    return parse_options(verb, count - used, args + used, &call) ? run_verb(box, verb, &call) : BOXCTL_USAGE;
}

const struct command keys_command = {
    .name = "keys",
    .args =
        "list [KIND] | rotate KIND [--algorithm HS256|ES256] [--after SECONDS] | retire KIND ID [--force] | publish | "
        "reseal",
    .help = "Show the keys, take a new one into use, drop an old one, seal personal data anew (docs/keys.md).",
    .settings = SECTIONS(&cfg_db_section, &cfg_boxctl_section, &cfg_token_life_section),
    .run = run_keys,
};
