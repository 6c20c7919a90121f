/* doctor_sql: statements of `boxctl doctor`. */
#ifndef BOXCTL_DOCTOR_SQL_H
#define BOXCTL_DOCTOR_SQL_H

#include "common/io/db.h"

enum doctor_stmt { DOCTOR_SERVER, DOCTOR_STMT__MAX };
extern const struct db_stmt doctor_stmt[DOCTOR_STMT__MAX];

#endif
