-- What was called off is public, so a draft is not called off: it is deleted.
DELETE FROM event_service.event_transitions
WHERE from_status = 'DRAFT' AND to_status = 'CANCELLED';
