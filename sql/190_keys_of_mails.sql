-- A key of personal data is needed as long as mail that waits is sealed under it: who drops keys sees under which.
GRANT SELECT (recipient, content) ON user_service.mails TO key_keeper;
