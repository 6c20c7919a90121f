#include "src/payment/payment_sql.h"

/* The columns that payment_read_row() expects, in its order. */
#define COLUMNS                                                                                                  \
    "id, reservation_id, schedule_id, user_id, payment_key, amount, method, status, checks, "                    \
    "give_up_at < clock_timestamp(), failure_reason, paid_at, refund_requested_at, refund_reason, refunded_at, " \
    "portone_record #>> '{method,card,name}', portone_record #>> '{method,card,number}', created_at"

#define SOON(parameter) "clock_timestamp() + make_interval(secs => " parameter "::bigint)"

const struct db_stmt payment_stmt[PAYMENT_STMT__MAX] = {
    [PAYMENT_STMT_INSERT] = {"payment_insert",
                             "INSERT INTO payments (reservation_id, schedule_id, user_id, payment_key, amount, method, "
                             "give_up_at, check_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) "
                             "ON CONFLICT (reservation_id) WHERE status IN ('PENDING', 'SUCCESS') DO NOTHING"},
    [PAYMENT_STMT_LIVE_OF_RESERVATION] = {"payment_live_of_reservation",
                                          "SELECT " COLUMNS " FROM payments WHERE reservation_id = $1 "
                                          "AND status IN ('PENDING', 'SUCCESS')"},
    [PAYMENT_STMT_GET] = {"payment_get", "SELECT " COLUMNS " FROM payments WHERE id = $1"},
    [PAYMENT_STMT_LOCK] = {"payment_lock", "SELECT " COLUMNS " FROM payments WHERE id = $1 FOR UPDATE"},
    [PAYMENT_STMT_LIST] = {"payment_list", "SELECT " COLUMNS " FROM payments WHERE user_id = $1 ORDER BY id DESC "
                                           "LIMIT $2::bigint OFFSET $3::bigint"},
    [PAYMENT_STMT_COUNT] = {"payment_count", "SELECT count(*) FROM payments WHERE user_id = $1"},
    [PAYMENT_STMT_BEGIN_CONFIRM] = {"payment_begin_confirm",
                                    "UPDATE payments SET busy_until = " SOON("$2") ", check_at = " SOON(
                                        "$2") ", "
                                              "checks = 0, give_up_at = greatest(give_up_at, " SOON(
                                                  "$3") ") "
                                                        "WHERE id = $1 AND status = 'PENDING' "
                                                        "AND (busy_until IS NULL OR busy_until < clock_timestamp())"},
    [PAYMENT_STMT_TAKE_DUE] = {"payment_take_due",
                               "UPDATE payments SET busy_until = " SOON("$1") ", check_at = " SOON(
                                   "$1") ", "
                                         "checks = checks + 1 WHERE id = (SELECT id FROM payments "
                                         "WHERE check_at < clock_timestamp() "
                                         "AND (busy_until IS NULL OR busy_until < clock_timestamp()) "
                                         "ORDER BY check_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING " COLUMNS},
    [PAYMENT_STMT_POSTPONE] =
        {"payment_postpone",
         "UPDATE payments SET busy_until = NULL, check_at = " SOON(
             "$2") " WHERE id = $1 "
                   "AND (status = 'PENDING' OR (refund_requested_at IS NOT NULL AND refunded_at IS NULL))"},
    [PAYMENT_STMT_REST] = {"payment_rest", "UPDATE payments SET busy_until = NULL, check_at = NULL WHERE id = $1 "
                                           "AND status <> 'PENDING'"},
    [PAYMENT_STMT_SUCCEED] = {"payment_succeed",
                              "UPDATE payments SET status = $2, paid_at = $3, portone_transaction_id = $4, "
                              "portone_record = $5, busy_until = NULL, check_at = NULL WHERE id = $1"},
    [PAYMENT_STMT_FAIL] = {"payment_fail",
                           "UPDATE payments SET status = $2, failed_at = clock_timestamp(), failure_reason = $3, "
                           "portone_record = $4, busy_until = NULL, check_at = NULL WHERE id = $1 "
                           "RETURNING failed_at"},
    [PAYMENT_STMT_REQUEST_REFUND] = {"payment_request_refund",
                                     "UPDATE payments SET refund_requested_at = clock_timestamp(), refund_reason = $2, "
                                     "check_at = clock_timestamp(), busy_until = NULL, checks = 0 "
                                     "WHERE id = $1 AND status IN ('SUCCESS', 'FAILED') "
                                     "AND refund_requested_at IS NULL"},
    [PAYMENT_STMT_REQUEST_REFUND_OF_RESERVATION] = {"payment_request_refund_of_reservation",
                                                    "UPDATE payments SET refund_requested_at = clock_timestamp(), "
                                                    "refund_reason = $2, check_at = clock_timestamp(), "
                                                    "busy_until = NULL, checks = 0 "
                                                    "WHERE reservation_id = $1 AND status = 'SUCCESS' "
                                                    "AND refund_requested_at IS NULL"},
    [PAYMENT_STMT_REFUNDED] = {"payment_refunded",
                               "UPDATE payments SET status = $2, refunded_at = clock_timestamp(), busy_until = NULL, "
                               "check_at = NULL WHERE id = $1 RETURNING refunded_at"},
    [PAYMENT_STMT_WEBHOOK_STORE] = {"payment_webhook_store",
                                    "INSERT INTO webhook_events (webhook_id, payment_key, type) VALUES ($1, $2, $3) "
                                    "ON CONFLICT (webhook_id) DO NOTHING"},
    [PAYMENT_STMT_WEBHOOK_NUDGE] = {"payment_webhook_nudge",
                                    "UPDATE payments SET check_at = clock_timestamp() WHERE payment_key = $1 "
                                    "AND status IN ('PENDING', 'FAILED') AND refunded_at IS NULL"},
};

const struct db_table payment_statements = {"payment_service", payment_stmt, PAYMENT_STMT__MAX};
