#include "src/reservation/reservation_sql.h"

/* The columns that reservation_read_row() expects, in its order. */
#define COLUMNS                                                                                               \
    "r.id, r.user_id, r.schedule_id, r.status, r.total_amount, r.hold_expires_at, r.secured_by, r.event_id, " \
    "r.event_title, r.artist, r.venue_name, r.hall_name, r.event_start_at, r.ticket_number, r.created_at, "   \
    "r.hold_expires_at < clock_timestamp() AND r.secured_by IS NULL, "                                        \
    "(SELECT jsonb_build_object('list', jsonb_agg(jsonb_build_object('seatId', s.seat_id, "                   \
    "'seatNumber', s.seat_number, 'grade', s.grade, 'price', s.price) ORDER BY s.seat_id)) "                  \
    "FROM reservation_seats s WHERE s.reservation_id = r.id)"

/* The claims that reservation $1 still owns, locked in the order in which holds take them. Locking looks at each row
 * as it is now, so a seat that has just been taken over is not among them. */
#define OWNED                                                      \
    "WITH owned AS (SELECT schedule_id, seat_id FROM seat_claims " \
    "WHERE reservation_id = $1 ORDER BY schedule_id, seat_id FOR UPDATE) "

const struct db_stmt reservation_stmt[RESERVATION_STMT__MAX] = {
    [RESERVATION_STMT_HOLD] = {"reservation_hold",
                               "SELECT total_amount, hold_expires_at FROM hold_seats($1::uuid, $2::uuid, $3::uuid, "
                               "$4::bigint, $5::jsonb, $6::jsonb)"},
    [RESERVATION_STMT_GET] = {"reservation_get", "SELECT " COLUMNS " FROM reservations r WHERE r.id = $1"},
    [RESERVATION_STMT_LOCK] = {"reservation_lock",
                               "SELECT " COLUMNS " FROM reservations r WHERE r.id = $1 FOR UPDATE OF r"},
    [RESERVATION_STMT_LOCK_LAPSED] = {"reservation_lock_lapsed",
                                      "SELECT " COLUMNS " FROM reservations r WHERE r.status = 'PENDING' "
                                      "AND r.secured_by IS NULL AND r.hold_expires_at < clock_timestamp() "
                                      "ORDER BY r.hold_expires_at LIMIT 1 FOR UPDATE OF r SKIP LOCKED"},
    [RESERVATION_STMT_LOCK_LAPSED_OF] = {"reservation_lock_lapsed_of",
                                         "SELECT " COLUMNS " FROM reservations r WHERE r.user_id = $1 "
                                         "AND r.schedule_id = $2 AND r.status = 'PENDING' AND r.secured_by IS NULL "
                                         "AND r.hold_expires_at < clock_timestamp() FOR UPDATE OF r"},
    [RESERVATION_STMT_LIST] = {"reservation_list", "SELECT " COLUMNS " FROM reservations r WHERE r.user_id = $1 "
                                                   "ORDER BY r.id DESC LIMIT $2::bigint OFFSET $3::bigint"},
    [RESERVATION_STMT_COUNT] = {"reservation_count", "SELECT count(*) FROM reservations WHERE user_id = $1"},
    [RESERVATION_STMT_CLAIMS_SECURE] = {"reservation_claims_secure",
                                        OWNED "UPDATE seat_claims c SET expires_at = 'infinity' FROM owned o "
                                              "WHERE c.schedule_id = o.schedule_id AND c.seat_id = o.seat_id "
                                              "AND $2::bigint = (SELECT count(*) FROM owned)"},
    [RESERVATION_STMT_CLAIMS_SELL] = {"reservation_claims_sell",
                                      OWNED "UPDATE seat_claims c SET sold = true, expires_at = 'infinity' "
                                            "FROM owned o "
                                            "WHERE c.schedule_id = o.schedule_id AND c.seat_id = o.seat_id "
                                            "AND $2::bigint = (SELECT count(*) FROM owned)"},
    [RESERVATION_STMT_CLAIMS_FREE] = {"reservation_claims_free",
                                      OWNED "DELETE FROM seat_claims c USING owned o "
                                            "WHERE c.schedule_id = o.schedule_id AND c.seat_id = o.seat_id"},
    [RESERVATION_STMT_CLAIMS_LIVE] = {"reservation_claims_live",
                                      "SELECT c.seat_id, r.user_id, c.reservation_id, c.sold, "
                                      "CASE WHEN c.expires_at = 'infinity' THEN NULL ELSE "
                                      "ceil(extract(epoch FROM c.expires_at - clock_timestamp()) * 1000)::bigint END "
                                      "FROM seat_claims c JOIN reservations r ON r.id = c.reservation_id "
                                      "WHERE c.schedule_id = $1 AND c.expires_at > clock_timestamp() "
                                      "AND ($2::uuid[] IS NULL OR c.seat_id = ANY ($2))"},
    [RESERVATION_STMT_SECURE] = {"reservation_secure", "UPDATE reservations SET secured_by = $2 WHERE id = $1"},
    [RESERVATION_STMT_CONFIRM] = {"reservation_confirm",
                                  "UPDATE reservations SET status = $2, secured_by = $3, ticket_number = $4, "
                                  "confirmed_at = clock_timestamp() WHERE id = $1 RETURNING confirmed_at"},
    [RESERVATION_STMT_CANCEL] = {"reservation_cancel",
                                 "UPDATE reservations SET status = $2, cancel_reason = $3, "
                                 "cancelled_at = clock_timestamp() WHERE id = $1 RETURNING cancelled_at"},
};

const struct db_table reservation_statements = {"reservation_service", reservation_stmt, RESERVATION_STMT__MAX};
