#include "src/user/user_sql.h"

const struct db_stmt user_stmt[USER_STMT__MAX] = {
    [USER_TERMS_CURRENT] = {"user_terms_current",
                            "SELECT type, version, required, title, body FROM (SELECT DISTINCT ON (type) * "
                            "FROM terms WHERE effective_at <= clock_timestamp() ORDER BY type, version DESC) "
                            "AS current ORDER BY array_position(ARRAY['SERVICE', 'PRIVACY', 'MARKETING'], "
                            "type)"},
    [USER_EMAIL_EXISTS] = {"user_email_exists", "SELECT EXISTS (SELECT FROM users WHERE email_hash = $1)"},
    [USER_INSERT] = {"user_insert",
                     "INSERT INTO users (id, email, email_hash, name, phone, phone_hash, ci, ci_hash, di, "
                     "password_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"},
    [USER_AGREEMENT_INSERT] = {"user_agreement_insert",
                               "INSERT INTO terms_agreements (user_id, type, version, agreed) VALUES ($1, $2, "
                               "$3, $4)"},
    [USER_LOGIN_FIND] = {"user_login_find",
                         "SELECT id, password_hash, role, status, COALESCE(locked_until > clock_timestamp(), "
                         "false) FROM users WHERE email_hash = $1 AND status <> 'DELETED'"},
    [USER_LOGIN_RECORD] = {"user_login_record",
                           "INSERT INTO login_history (user_id, method, result, ip, user_agent) VALUES ($1, "
                           "$2, $3, $4, $5)"},
    [USER_LOGIN_STAMP] = {"user_login_stamp", "UPDATE users SET last_login_at = clock_timestamp() WHERE id = $1"},
    [USER_ROLE_AND_STATUS] = {"user_role_and_status", "SELECT role, status FROM users WHERE id = $1"},
    [USER_PROFILE] = {"user_profile",
                      "SELECT email, name, phone, role, created_at, (SELECT COALESCE(json_agg(provider ORDER "
                      "BY provider), '[]') FROM oauth_accounts WHERE user_id = users.id) FROM users WHERE id "
                      "= $1 AND status = 'ACTIVE'"},
    [USER_ROLE_SET] = {"user_role_set",
                       "UPDATE users SET role = $2, updated_at = clock_timestamp() WHERE email_hash = $1 AND "
                       "status <> 'DELETED'"},
    [USER_TOKEN_INSERT] = {"user_token_insert",
                           "INSERT INTO refresh_tokens (id, user_id, family, token_hash, access_jti, "
                           "access_expires_at, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"},
    [USER_TOKEN_ROTATE] = {"user_token_rotate",
                           "UPDATE refresh_tokens SET rotated_at = clock_timestamp() WHERE token_hash = $1 "
                           "AND rotated_at IS NULL AND revoked_at IS NULL AND expires_at > clock_timestamp() "
                           "RETURNING user_id"},
    [USER_TOKEN_FIND] = {"user_token_find",
                         "SELECT rotated_at IS NOT NULL, revoked_at IS NOT NULL FROM refresh_tokens WHERE "
                         "token_hash = $1"},
    [USER_FAMILY_OF_ACCESS] = {"user_family_of_access",
                               "SELECT family FROM refresh_tokens WHERE access_jti = $1 AND user_id = $2"},
    [USER_FAMILY_LOCK] = {"user_family_lock", "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"},
    [USER_FAMILY_REVOKE] = {"user_family_revoke",
                            "UPDATE refresh_tokens SET revoked_at = clock_timestamp() WHERE family = $1 AND "
                            "revoked_at IS NULL"},
    [USER_FAMILY_ACCESS] = {"user_family_access",
                            "SELECT access_jti, access_expires_at FROM refresh_tokens WHERE family = $1 AND "
                            "access_expires_at > clock_timestamp()"},
};

const struct db_table user_statements = {"user_service", user_stmt, USER_STMT__MAX};
