-- Nobody is told of the same thing without end, whoever does it.

CREATE FUNCTION user_service.mails_of_a_day(person uuid, what text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$of_a_day$
    SELECT count(*) FROM user_service.mails AS m
    WHERE m.user_id = person AND m.kind = what AND m.created_at > statement_timestamp() - interval '1 day'
$of_a_day$;
COMMENT ON FUNCTION user_service.mails_of_a_day(uuid, text) IS 'How many mails of a kind about an account were written within a day';

REVOKE ALL ON FUNCTION user_service.mails_of_a_day(uuid, text) FROM public;
GRANT EXECUTE ON FUNCTION user_service.mails_of_a_day(uuid, text) TO user_service, maintenance;
