-- What people see of their account: sessions, logins, and what they have agreed to.

-- What a refresh token came from, so that a lost answer can be given again; and from where a session was last used.
ALTER TABLE user_service.refresh_tokens
ADD COLUMN replaces uuid,
ADD COLUMN ip inet,
ADD COLUMN user_agent text NOT NULL DEFAULT '' CHECK (length(user_agent) <= 400);
CREATE UNIQUE INDEX refresh_tokens_replaced_once ON user_service.refresh_tokens (replaces) WHERE replaces IS NOT NULL;

COMMENT ON COLUMN user_service.refresh_tokens.replaces IS 'jti of the token exchanged for this one; NULL: given by a login';
COMMENT ON COLUMN user_service.refresh_tokens.ip IS 'Address of whom it was given to; NULL: not known';
COMMENT ON COLUMN user_service.refresh_tokens.user_agent IS 'What that client called itself';

-- Every decision is kept; the latest about a type of terms counts.
ALTER TABLE user_service.terms_agreements
DROP CONSTRAINT terms_agreements_pkey,
ADD PRIMARY KEY (user_id, type, decided_at, version);
COMMENT ON TABLE user_service.terms_agreements IS
'What each user decided about the terms, every time; the latest decision about a type counts';

-- What nobody can use any more: boxoffice-maint purge calls these two, as it does common.purge().
CREATE FUNCTION user_service.purge(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$purge$
    WITH tokens AS (
        DELETE FROM user_service.refresh_tokens
        WHERE id IN (SELECT id FROM user_service.refresh_tokens
                     WHERE expires_at < statement_timestamp() - interval '1 day'
                     ORDER BY expires_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id)
    SELECT count(*) FROM tokens
$purge$;
COMMENT ON FUNCTION user_service.purge(integer) IS
'Deletes refresh tokens a day after their end, at most so many. Returns how many';

CREATE FUNCTION user_service.login_history_roll() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = user_service, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    this_month date := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC');
    month text;
    changed integer := 0;
BEGIN
    FOR ahead IN 0..12 LOOP
        changed := changed + login_history_add_month((this_month + make_interval(months => ahead))::date)::integer;
    END LOOP;
    FOR month IN
        SELECT c.relname FROM pg_inherits AS i INNER JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'login_history'::regclass AND c.relname ~ '^login_history_[0-9]{6}$'
          AND c.relname < to_char(this_month - interval '12 months', '"login_history_"YYYYMM')
    LOOP
        EXECUTE format('DROP TABLE %I', month);
        changed := changed + 1;
    END LOOP;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION user_service.login_history_roll() IS
'Makes the months of login_history for a year ahead and drops those that ended more than a year ago. Returns how many';

REVOKE ALL ON FUNCTION user_service.purge(integer), user_service.login_history_roll() FROM public;
GRANT USAGE ON SCHEMA user_service TO reservation_service; -- whose jobs boxoffice-maint runs
GRANT EXECUTE ON FUNCTION user_service.purge(integer), user_service.login_history_roll() TO reservation_service;
