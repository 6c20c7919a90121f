#include "src/event/event_sql.h"

/* "schedule $1 is seen by others": its event is neither a draft nor deleted. */
#define SCHEDULE_FROM                                                                               \
    "FROM event_schedules s JOIN events e ON e.id = s.event_id JOIN venues v ON v.id = e.venue_id " \
    "JOIN halls h ON h.id = e.hall_id WHERE s.id = $1 AND e.status <> 'DRAFT' AND e.deleted_at IS NULL"

/* The places of the hall of event $1 in the order of display. */
#define PLACES                                                                                               \
    "WITH hall AS MATERIALIZED (SELECT h.seat_template AS t FROM events e JOIN halls h ON h.id = e.hall_id " \
    "WHERE e.id = $1), "                                                                                     \
    "hall_rows AS MATERIALIZED (SELECT r.label, r.place, t -> 'gradeMapping' ->> r.label AS grade, "         \
    "CASE jsonb_typeof(t -> 'seatsPerRow') WHEN 'number' THEN (t ->> 'seatsPerRow')::integer "               \
    "ELSE (t -> 'seatsPerRow' ->> r.label)::integer END AS seats "                                           \
    "FROM hall, jsonb_array_elements_text(t -> 'rows') WITH ORDINALITY AS r (label, place)), "               \
    "missing AS (SELECT jsonb_array_elements_text(t -> 'missing') AS seat FROM hall), "                      \
    "accessible AS (SELECT jsonb_array_elements_text(t -> 'accessible') AS seat FROM hall), "                \
    "restricted AS (SELECT jsonb_array_elements_text(t -> 'viewRestricted') AS seat FROM hall), "            \
    "positions AS (SELECT p.key AS seat, (p.value ->> 'x')::integer AS x, (p.value ->> 'y')::integer AS y "  \
    "FROM hall, jsonb_each(t -> 'positions') AS p), "                                                        \
    "places AS (SELECT row_number() OVER (ORDER BY array_position(ARRAY['VIP', 'S', 'A', 'B'], r.grade), "   \
    "r.place, n) AS ordinal, r.label || '-' || n AS seat, r.label, n, r.grade "                              \
    "FROM hall_rows r CROSS JOIN LATERAL generate_series(1, r.seats) AS n "                                  \
    "WHERE r.label || '-' || n NOT IN (SELECT seat FROM missing)) "

const struct db_stmt event_stmt[EVENT_STMT__MAX] = {
    [EVENT_VENUE_INSERT] = {"event_venue_insert",
                            "INSERT INTO venues (name, address, city) VALUES ($1, $2, $3) RETURNING id"},
    [EVENT_VENUE_LIST] = {"event_venue_list",
                          "SELECT total.n, v.* FROM (SELECT count(*) AS n FROM venues) AS total LEFT JOIN LATERAL "
                          "(SELECT id, name, address, city FROM venues ORDER BY name, id "
                          "LIMIT $1::bigint OFFSET $2::bigint) AS v ON true"},
    [EVENT_VENUE_GET] = {"event_venue_get", "SELECT id, name, address, city FROM venues WHERE id = $1"},
    [EVENT_HALL_INSERT] = {"event_hall_insert",
                           "INSERT INTO halls (venue_id, name, capacity, seat_template) "
                           "SELECT id, $2::text, $3::integer, $4::jsonb FROM venues WHERE id = $1 RETURNING id"},
    [EVENT_HALL_LIST] =
        {"event_hall_list",
         "SELECT total.n, h.* FROM (SELECT v.id, count(h.id) AS n FROM venues v "
         "LEFT JOIN halls h ON h.venue_id = v.id WHERE v.id = $1 GROUP BY v.id) AS total "
         "LEFT JOIN LATERAL (SELECT id, venue_id, name, capacity, seat_template FROM halls "
         "WHERE venue_id = total.id ORDER BY name, id LIMIT $2::bigint OFFSET $3::bigint) AS h ON true"},
    [EVENT_HALL_GET] = {"event_hall_get",
                        "SELECT id, venue_id, name, capacity, seat_template FROM halls WHERE id = $1"},
    [EVENT_HALL_FOR_EVENT] = {"event_hall_for_event", "SELECT capacity, (SELECT jsonb_object_agg(value, true) "
                                                      "FROM jsonb_each_text(seat_template -> 'gradeMapping')) "
                                                      "FROM halls WHERE id = $1 AND venue_id = $2 FOR SHARE"},
    [EVENT_INSERT] = {"event_insert", "INSERT INTO events (venue_id, hall_id, title, artist, description, poster_url) "
                                      "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"},
    [EVENT_PRICE_INSERT] = {"event_price_insert",
                            "INSERT INTO event_prices (event_id, grade, price) VALUES ($1, $2, $3)"},
    [EVENT_SCHEDULE_INSERT] = {"event_schedule_insert",
                               "INSERT INTO event_schedules (event_id, play_sequence, event_start_at, event_end_at, "
                               "sale_start_at, sale_end_at, admission_rate, queue_capacity, seats_total) "
                               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"},
    [EVENT_SEATS_GENERATE] =
        {"event_seats_generate",
         PLACES "INSERT INTO seats (schedule_id, ordinal, seat_number, row_label, number, grade, price, x, y, "
                "accessible, view_restricted) "
                "SELECT s.id, p.ordinal, p.seat, p.label, p.n, p.grade, price.price, at.x, at.y, "
                "p.seat IN (SELECT seat FROM accessible), p.seat IN (SELECT seat FROM restricted) "
                "FROM event_schedules s CROSS JOIN places p "
                "JOIN event_prices price ON price.event_id = $1 AND price.grade = p.grade "
                "LEFT JOIN positions at ON at.seat = p.seat WHERE s.event_id = $1 ORDER BY s.id, p.ordinal"},
    [EVENT_OPEN] = {"event_open", "UPDATE events SET status = 'OPEN', updated_at = clock_timestamp() "
                                  "WHERE id = $1 AND deleted_at IS NULL"},
    [EVENT_SCHEDULE_IDS] = {"event_schedule_ids", "SELECT id FROM event_schedules WHERE event_id = $1"},
    [EVENT_LIST] =
        {"event_list",
         "SELECT list.* FROM (WITH matching AS MATERIALIZED ("
         "SELECT e.id, e.title, e.artist, v.name AS venue_name, v.city, sale.starts_at, sale.ends_at, sale.state "
         "FROM events e JOIN venues v ON v.id = e.venue_id JOIN event_sales sale ON sale.event_id = e.id "
         "WHERE e.status <> 'DRAFT' AND e.deleted_at IS NULL AND ($1::text IS NULL OR v.city = $1) "
         "AND ($2::text IS NULL OR e.artist ILIKE $2) AND ($3::text IS NULL OR e.title ILIKE $3 OR e.artist ILIKE $3) "
         "AND ($4::timestamptz IS NULL AND $5::timestamptz IS NULL OR EXISTS (SELECT FROM event_schedules s "
         "WHERE s.event_id = e.id AND s.event_start_at >= COALESCE($4, '-infinity') "
         "AND s.event_start_at < COALESCE($5, 'infinity'))) AND ($6::text IS NULL OR sale.state = $6)) "
         "SELECT total.n, page.* FROM (SELECT count(*) AS n FROM matching) AS total LEFT JOIN LATERAL "
         "(SELECT * FROM matching ORDER BY CASE WHEN $7::text = 'startDate' THEN starts_at END, "
         "CASE WHEN $7 = '-startDate' THEN starts_at END DESC, CASE WHEN $7 = 'title' THEN title END, id DESC "
         "LIMIT $8::bigint OFFSET $9::bigint) AS page ON true) AS list"},
    [EVENT_DETAIL] = {"event_detail",
                      "SELECT e.id, e.title, e.artist, e.description, e.poster_url, "
                      "CASE WHEN $2::boolean THEN e.status ELSE sale.state END, v.id, v.name, h.id, h.name "
                      "FROM events e JOIN venues v ON v.id = e.venue_id JOIN halls h ON h.id = e.hall_id "
                      "JOIN event_sales sale ON sale.event_id = e.id "
                      "WHERE e.id = $1 AND e.deleted_at IS NULL AND ($2 OR e.status <> 'DRAFT')"},
    [EVENT_DETAIL_SCHEDULES] = {"event_detail_schedules",
                                "SELECT s.id, s.play_sequence, s.event_start_at, s.event_end_at, s.sale_start_at, "
                                "s.sale_end_at, sale_state(e.status = 'CANCELLED' OR s.status = 'CANCELLED', "
                                "s.sale_start_at, s.sale_end_at, clock_timestamp()), s.seats_total, s.seats_sold "
                                "FROM event_schedules s JOIN events e ON e.id = s.event_id WHERE e.id = $1 "
                                "ORDER BY s.play_sequence"},
    [EVENT_SCHEDULE_GET] = {"event_schedule_get",
                            "SELECT s.id, e.id, e.title, e.artist, v.name, h.name, "
                            "CASE WHEN e.status = 'CANCELLED' OR s.status = 'CANCELLED' THEN 'CANCELLED' "
                            "ELSE 'OPEN' END, s.event_start_at, s.event_end_at, s.sale_start_at, s.sale_end_at, "
                            "s.admission_rate, s.queue_capacity " SCHEDULE_FROM},
    [EVENT_SEATS] = {"event_seats",
                     "SELECT id, seat_number, row_label, number, grade, price, x, y, accessible, view_restricted, "
                     "status FROM seats WHERE schedule_id = $1 ORDER BY ordinal"},
    [EVENT_SEATS_SOLD] = {"event_seats_sold",
                          "SELECT id FROM seats WHERE schedule_id = $1 AND status = 'SOLD' ORDER BY ordinal"},
    [EVENT_SEATS_SELL] =
        {"event_seats_sell",
         "WITH sold AS (UPDATE seats SET status = 'SOLD', sold_by = $3, sold_at = $4, version = version + 1 "
         "WHERE schedule_id = $1 AND id = ANY ($2::uuid[]) AND (status = 'AVAILABLE' OR sold_at < $4) "
         "RETURNING old.status AS was) "
         "UPDATE event_schedules SET seats_version = seats_version + 1, "
         "seats_sold = seats_sold + (SELECT count(*) FROM sold WHERE was = 'AVAILABLE') WHERE id = $1"},
    [EVENT_SEATS_FREE] =
        {"event_seats_free",
         "WITH freed AS (UPDATE seats SET status = 'AVAILABLE', sold_by = NULL, sold_at = NULL, version = version + 1 "
         "WHERE schedule_id = $1 AND id = ANY ($2::uuid[]) AND sold_by = $3 RETURNING id) "
         "UPDATE event_schedules SET seats_version = seats_version + 1, "
         "seats_sold = seats_sold - (SELECT count(*) FROM freed) WHERE id = $1"},
};

const struct db_table event_domain_statements = {"event_service", event_stmt, EVENT_STMT__MAX};
