-- Halls with sections. Seats that were made before have none.

ALTER TABLE event_service.seats ADD COLUMN section text;
COMMENT ON COLUMN event_service.seats.section IS 'Section of the hall; NULL: the hall has none';
COMMENT ON COLUMN event_service.seats.seat_number IS 'What the ticket says: section-row-number, or row-number';
COMMENT ON COLUMN event_service.seats.number IS 'Number in the row';

-- What was allowed is still: who has not heard of sections writes and reads as before.
ALTER TABLE event_service.halls
DROP CONSTRAINT halls_seat_template_check,
ADD CONSTRAINT halls_template CHECK (
    coalesce(jsonb_typeof(seat_template -> 'sections') = 'array', FALSE)
    OR coalesce(
        jsonb_typeof(seat_template -> 'rows') = 'array'
        AND jsonb_typeof(seat_template -> 'seatsPerRow') IN ('number', 'object')
        AND jsonb_typeof(seat_template -> 'gradeMapping') IN ('string', 'object'),
        FALSE
    )
);
COMMENT ON COLUMN event_service.halls.seat_template IS
'sections, each like a hall without any: rows or rowRange, seatsPerRow, numbering, gradeMapping, missing, accessible, '
'viewRestricted, positions, origin, rotation, spacing; checked by the service';
