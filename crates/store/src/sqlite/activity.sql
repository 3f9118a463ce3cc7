-- Things that may be used one time.
CREATE TABLE once (
    purpose TEXT NOT NULL,
    handle  TEXT NOT NULL,
    value   BLOB NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (purpose, handle)
) STRICT;
CREATE INDEX once_by_expiry ON once (expires);

-- Sign-in counters of accounts.
CREATE TABLE activity (
    account TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    value   TEXT NOT NULL,
    written INTEGER NOT NULL
) STRICT;
CREATE INDEX activity_by_write ON activity (written);
