-- The epoch under which changes are accepted. One row.
CREATE TABLE writer (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO writer (id, epoch) VALUES (1, 1);

-- The present state.
CREATE TABLE objects (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

-- Names of objects, unique within (kind, name of the index).
CREATE TABLE object_keys (
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    id    TEXT NOT NULL,
    PRIMARY KEY (kind, name, value),
    FOREIGN KEY (kind, id) REFERENCES objects (kind, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_of_object ON object_keys (kind, id);

-- The history. A body of NULL is a tombstone.
CREATE TABLE changes (
    serial  INTEGER PRIMARY KEY,
    epoch   INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT,
    at      INTEGER NOT NULL,
    by      TEXT NOT NULL
) STRICT;
CREATE INDEX changes_of_object ON changes (kind, id, serial);
