/* registry: the one list of what all programs are made of; lists end with NULL. */
#ifndef BOXCTL_REGISTRY_H
#define BOXCTL_REGISTRY_H

#include "common/base/cfg.h"
#include "common/io/db.h"

/* Settings of all programs. */
extern const struct cfg_section *const registry_sections[];
/* Statements of all modules; ends with a NULL table. */
extern const struct registry_row {
    const struct db_table *table;
    const char *also; /* another role, beside the table's own, that runs them; NULL: none */
} registry_statements[];
/* The login roles of sql/001_base.sql. */
extern const char *const registry_roles[];
/* Those of them that are services: the roles of a db_table with the role "". */
extern const char *const registry_services[];

#endif
