/* user_sql: every SQL statement of the user domain. */
#ifndef USER_USER_SQL_H
#define USER_USER_SQL_H

#include "common/io/db.h"

enum user_stmt_id {
    USER_TERMS_CURRENT,
    USER_EMAIL_EXISTS,
    USER_INSERT,
    USER_AGREEMENT_INSERT,
    USER_LOGIN_FIND,
    USER_LOGIN_RECORD,
    USER_LOGIN_STAMP,
    USER_ROLE_AND_STATUS,
    USER_PROFILE,
    USER_ROLE_SET,
    USER_TOKEN_INSERT,
    USER_TOKEN_ROTATE,
    USER_TOKEN_FIND,
    USER_FAMILY_OF_ACCESS,
    USER_FAMILY_LOCK,
    USER_FAMILY_REVOKE,
    USER_FAMILY_ACCESS,
    USER_STMT__MAX
};

extern const struct db_stmt user_stmt[USER_STMT__MAX];
extern const struct db_table user_statements;

#endif
