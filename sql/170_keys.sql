-- A role for the operator's command that seals personal data under a new key. It finds nobody and makes nobody: it sees
-- and replaces sealed values alone, which are of no use without the keys.

DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'key_keeper') THEN
        CREATE ROLE key_keeper LOGIN NOINHERIT;
        ALTER ROLE key_keeper SET search_path = user_service;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO key_keeper', current_database());
END
$roles$;
GRANT USAGE ON SCHEMA user_service TO key_keeper;
GRANT SELECT (id, email, name, phone, ci, di), UPDATE (email, name, phone, ci, di) ON user_service.users TO key_keeper;
