#include "src/boxctl/settings.h"

#include "common/base/array.h"

struct cfg_boxctl cfg_boxctl;

static const struct cfg_key keys[] = {
    {
        .name = "BOX_SECRETS_DIR",
        .type = CFG_STR,
        .offset = offsetof(struct cfg_boxctl, secrets_dir),
        .unit = "",
        .max = 1000,
        .help = "folder of files db-<role>, each with the password of one database role; without it roles have none",
    },
    {
        .name = "BOX_SQL_DIR",
        .type = CFG_STR,
        .offset = offsetof(struct cfg_boxctl, sql_dir),
        .unit = "",
        .fallback = "sql",
        .min = 1,
        .max = 1000,
        .help = "folder of the migrations",
    },
    {
        .name = "BOX_GATEWAY_URL",
        .type = CFG_STR,
        .offset = offsetof(struct cfg_boxctl, gateway_url),
        .unit = "",
        .fallback = "http://127.0.0.1:8080",
        .min = 1,
        .max = 1000,
        .help = "where the gateway answers the public",
    },
};

const struct cfg_section cfg_boxctl_section = {"boxctl", keys, ARRAY_COUNT(keys), &cfg_boxctl};
