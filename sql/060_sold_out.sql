-- The list of events says what is sold out.

CREATE OR REPLACE VIEW event_service.event_sales WITH (security_invoker = true) AS
SELECT event_id,
       min(event_start_at) AS starts_at,
       max(event_end_at) AS ends_at,
       CASE WHEN bool_and(state = 'CANCELLED') THEN 'CANCELLED'
            WHEN bool_or(state = 'ONGOING') THEN 'ONGOING'
            WHEN bool_or(state = 'UPCOMING') THEN 'UPCOMING'
            ELSE 'ENDED' END AS state,
       coalesce(bool_and(seats_sold = seats_total) FILTER (WHERE state IN ('ONGOING', 'UPCOMING')), false) AS sold_out
FROM (SELECT schedule.event_id, schedule.event_start_at, schedule.event_end_at, schedule.seats_sold, schedule.seats_total,
             event_service.sale_state(event.status = 'CANCELLED' OR schedule.status = 'CANCELLED',
                                      schedule.sale_start_at, schedule.sale_end_at, clock.at) AS state
      FROM event_service.event_schedules AS schedule
      JOIN event_service.events AS event ON event.id = schedule.event_id
      CROSS JOIN (SELECT clock_timestamp() AS at) AS clock) AS sale
GROUP BY event_id;

COMMENT ON COLUMN event_service.event_sales.sold_out IS
    'All seats of all performances whose sale is running or to come are SOLD; false when there is none';
