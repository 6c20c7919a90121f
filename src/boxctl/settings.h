/* settings: boxctl's own. */
#ifndef BOXCTL_SETTINGS_H
#define BOXCTL_SETTINGS_H

#include "common/base/cfg.h"

struct cfg_boxctl {
    const char *secrets_dir; /* BOX_SECRETS_DIR: files db-<role> with the roles' passwords; NULL: none */
    const char *sql_dir;     /* BOX_SQL_DIR: the migrations */
    const char *gateway_url; /* BOX_GATEWAY_URL: where the public gateway answers */
};
extern struct cfg_boxctl cfg_boxctl;
extern const struct cfg_section cfg_boxctl_section;

#endif
