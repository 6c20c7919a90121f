-- What administrators change of the catalogue, who did it, and the performances that are called off.

ALTER TABLE event_service.event_schedules
ADD COLUMN cancelled_at timestamptz,
ADD COLUMN cancel_reason text CHECK (length(cancel_reason) BETWEEN 1 AND 500);
COMMENT ON COLUMN event_service.event_schedules.cancelled_at IS 'When it was called off; NULL: it was not';
COMMENT ON COLUMN event_service.event_schedules.cancel_reason IS 'Why, for buyers; NULL: it was not';
GRANT UPDATE (cancelled_at, cancel_reason) ON event_service.event_schedules TO event_service;

CREATE TABLE event_service.changes (
    id uuid DEFAULT uuidv7() PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    admin_id uuid NOT NULL,
    action text NOT NULL CHECK (action IN ('INSERT', 'UPDATE', 'DELETE')),
    subject text NOT NULL CHECK (subject IN ('VENUE', 'HALL', 'EVENT', 'SCHEDULE', 'PRICE')),
    subject_id uuid NOT NULL,
    before jsonb,
    after jsonb,
    trace_id text CHECK (trace_id ~ '^[0-9a-f]{32}$')
);
CREATE INDEX changes_subject ON event_service.changes (subject_id, id);
CREATE INDEX changes_admin ON event_service.changes (admin_id, id);

COMMENT ON TABLE event_service.changes IS
'What administrators have changed, written by the tables'' triggers; no row of it changes';
COMMENT ON COLUMN event_service.changes.id IS 'Change';
COMMENT ON COLUMN event_service.changes.at IS 'When';
COMMENT ON COLUMN event_service.changes.admin_id IS 'Which administrator';
COMMENT ON COLUMN event_service.changes.action IS 'INSERT, UPDATE or DELETE';
COMMENT ON COLUMN event_service.changes.subject IS 'VENUE, HALL, EVENT, SCHEDULE or PRICE';
COMMENT ON COLUMN event_service.changes.subject_id IS 'Its id; of a PRICE the event';
COMMENT ON COLUMN event_service.changes.before IS 'Columns that are different afterwards, as they were; NULL: INSERT';
COMMENT ON COLUMN event_service.changes.after IS 'The same as they are now; NULL: DELETE';
COMMENT ON COLUMN event_service.changes.trace_id IS 'Of the request; NULL: none';
GRANT SELECT, INSERT (admin_id, action, subject, subject_id, before, after, trace_id) ON event_service.changes
TO event_service;

-- Of large values their digest is kept, of columns that seats and clocks change nothing.
CREATE FUNCTION event_service.change_of(line jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = '' AS
$change_of$
    SELECT CASE WHEN line ? 'seat_template'
                THEN jsonb_set(line, '{seat_template}', to_jsonb(md5(line ->> 'seat_template')))
                ELSE line END - ARRAY['created_at', 'updated_at', 'seats_sold', 'seats_version']
$change_of$;
COMMENT ON FUNCTION event_service.change_of(jsonb) IS 'What of a row event_service.changes tells';

CREATE FUNCTION event_service.record_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS
$record_change$
DECLARE
    admin text := nullif(current_setting('boxoffice.admin', true), '');
    trace text := nullif(current_setting('boxoffice.trace', true), '');
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN event_service.change_of(to_jsonb(OLD)) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN event_service.change_of(to_jsonb(NEW)) END;
    whose uuid := coalesce(after, before) ->> CASE TG_ARGV[0] WHEN 'PRICE' THEN 'event_id' ELSE 'id' END;
    kept text[];
BEGIN
    IF admin IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(key) INTO kept FROM jsonb_each(before)
        WHERE before -> key IS DISTINCT FROM after -> key OR (TG_ARGV[0] = 'PRICE' AND key = 'grade');
        IF kept IS NULL OR (TG_ARGV[0] = 'PRICE' AND cardinality(kept) = 1) THEN
            RETURN NULL;
        END IF;
        SELECT jsonb_object_agg(key, before -> key), jsonb_object_agg(key, after -> key) INTO before, after
        FROM unnest(kept) AS key;
    END IF;
    INSERT INTO event_service.changes (admin_id, action, subject, subject_id, before, after, trace_id)
    VALUES (admin::uuid, TG_OP, TG_ARGV[0], whose, before, after, trace);
    RETURN NULL;
END
$record_change$;
COMMENT ON FUNCTION event_service.record_change() IS
'Writes down what the administrator boxoffice.admin changes; sales of seats, for which nobody is named, are no such';

CREATE TRIGGER venues_change AFTER INSERT OR UPDATE OR DELETE ON event_service.venues
FOR EACH ROW EXECUTE FUNCTION event_service.record_change('VENUE');
CREATE TRIGGER halls_change AFTER INSERT OR UPDATE OR DELETE ON event_service.halls
FOR EACH ROW EXECUTE FUNCTION event_service.record_change('HALL');
CREATE TRIGGER events_change AFTER INSERT OR UPDATE OR DELETE ON event_service.events
FOR EACH ROW EXECUTE FUNCTION event_service.record_change('EVENT');
CREATE TRIGGER event_schedules_change AFTER INSERT OR DELETE OR UPDATE OF play_sequence, event_start_at, event_end_at,
sale_start_at, sale_end_at, status, admission_rate, queue_capacity, cancel_reason ON event_service.event_schedules
FOR EACH ROW EXECUTE FUNCTION event_service.record_change('SCHEDULE');
CREATE TRIGGER event_prices_change AFTER INSERT OR UPDATE OR DELETE ON event_service.event_prices
FOR EACH ROW EXECUTE FUNCTION event_service.record_change('PRICE');

-- A price that nobody has seen a sale of may change.
GRANT UPDATE (price) ON event_service.seats TO event_service;

INSERT INTO common.event_types (event_type, topic, aggregate_type, publisher)
VALUES ('ScheduleCancelled', 'event.events', 'Schedule', 'event_service');
