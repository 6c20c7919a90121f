-- Lists of events are read in their order, page by page: what they are ordered and chosen by stands in the event's row.

ALTER TABLE event_service.events
ADD COLUMN starts_at timestamptz,
ADD COLUMN sale_windows tstzmultirange NOT NULL DEFAULT '{}';
COMMENT ON COLUMN event_service.events.starts_at IS
'When the first performance begins, kept in step by a trigger of event_schedules; NULL: there is none yet';
COMMENT ON COLUMN event_service.events.sale_windows IS
'The sales of all performances that are not cancelled, kept in step by the same trigger';

CREATE FUNCTION event_service.sale_state(cancelled boolean, windows tstzmultirange, at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$sale_state$
    SELECT CASE WHEN cancelled OR isempty(windows) THEN 'CANCELLED'
                WHEN windows @> at THEN 'ONGOING'
                WHEN upper(windows) > at THEN 'UPCOMING'
                ELSE 'ENDED' END
$sale_state$;
COMMENT ON FUNCTION event_service.sale_state(boolean, tstzmultirange, timestamptz) IS
'The state of an event''s sale that event_sales shows, from events.sale_windows';

-- The row's lock comes first: who changes another performance of the event at the same time waits, and then sees both.
CREATE FUNCTION event_service.gather_schedules() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = event_service, pg_temp AS
$gather_schedules$
DECLARE
    whose uuid := coalesce(NEW.event_id, OLD.event_id);
BEGIN
    PERFORM FROM events WHERE id = whose FOR NO KEY UPDATE;
    UPDATE events SET starts_at = now_is.starts_at, sale_windows = now_is.sale_windows
    FROM (
        SELECT min(event_start_at) AS starts_at,
               coalesce(range_agg(tstzrange(sale_start_at, sale_end_at)) FILTER (WHERE status <> 'CANCELLED'), '{}')
                   AS sale_windows
        FROM event_schedules
        WHERE event_id = whose
    ) AS now_is
    WHERE id = whose
        AND (events.starts_at, events.sale_windows) IS DISTINCT FROM (now_is.starts_at, now_is.sale_windows);
    RETURN NULL;
END
$gather_schedules$;
COMMENT ON FUNCTION event_service.gather_schedules() IS 'Keeps events.starts_at and sale_windows in step';

CREATE TRIGGER event_schedules_gather
AFTER INSERT OR DELETE OR UPDATE OF event_start_at, sale_start_at, sale_end_at, status
ON event_service.event_schedules
FOR EACH ROW EXECUTE FUNCTION event_service.gather_schedules();

UPDATE event_service.events
SET starts_at = schedules.starts_at, sale_windows = schedules.sale_windows
FROM (
    SELECT
        event_id,
        min(event_start_at) AS starts_at,
        coalesce(range_agg(tstzrange(sale_start_at, sale_end_at)) FILTER (WHERE status <> 'CANCELLED'), '{}')
            AS sale_windows
    FROM event_service.event_schedules
    GROUP BY event_id
) AS schedules
WHERE id = schedules.event_id;

-- One for each order; events_public is that of the newest.
CREATE INDEX events_first ON event_service.events (starts_at, id DESC) WHERE status <> 'DRAFT' AND deleted_at IS NULL;
CREATE INDEX events_last ON event_service.events (starts_at DESC, id DESC)
WHERE status <> 'DRAFT' AND deleted_at IS NULL;
CREATE INDEX events_titled ON event_service.events (title, id DESC) WHERE status <> 'DRAFT' AND deleted_at IS NULL;

-- What follows from the performances is told of them.
CREATE OR REPLACE FUNCTION event_service.change_of(line jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = '' AS
$change_of$
    SELECT CASE WHEN line ? 'seat_template'
                THEN jsonb_set(line, '{seat_template}', to_jsonb(md5(line ->> 'seat_template')))
                ELSE line END
           - ARRAY['created_at', 'updated_at', 'layout_at', 'seats_sold', 'seats_version', 'starts_at', 'sale_windows']
$change_of$;
