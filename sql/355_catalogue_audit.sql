-- What was called off is public, so a draft is not called off: it is deleted.
DELETE FROM event_service.event_transitions
WHERE from_status = 'DRAFT' AND to_status = 'CANCELLED';

-- A layout of seats has the version of what it tells.
ALTER TABLE event_service.event_schedules
ADD COLUMN layout_at timestamptz NOT NULL DEFAULT clock_timestamp();
COMMENT ON COLUMN event_service.event_schedules.layout_at IS 'Last change of what is told of its seats but their state';
GRANT UPDATE (layout_at) ON event_service.event_schedules TO event_service;
UPDATE event_service.event_schedules AS s
SET layout_at = greatest(e.updated_at, s.updated_at)
FROM event_service.events AS e
WHERE e.id = s.event_id;

-- Of large values their digest is kept, of columns that seats and clocks change nothing.
CREATE OR REPLACE FUNCTION event_service.change_of(line jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = '' AS
$change_of$
    SELECT CASE WHEN line ? 'seat_template'
                THEN jsonb_set(line, '{seat_template}', to_jsonb(md5(line ->> 'seat_template')))
                ELSE line END - ARRAY['created_at', 'updated_at', 'layout_at', 'seats_sold', 'seats_version']
$change_of$;

-- What administrators have changed is written by the triggers alone.
ALTER FUNCTION event_service.record_change() SECURITY DEFINER;
REVOKE INSERT (admin_id, action, subject, subject_id, before, after, trace_id) ON event_service.changes
FROM event_service;
