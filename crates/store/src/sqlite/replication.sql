-- What another node needs to repeat a change: the keys (JSON list of [name of the index, value]), whether it is the
-- last step of its write, and the hash over it and everything before it.
ALTER TABLE changes ADD COLUMN keys TEXT NOT NULL DEFAULT '[]';
ALTER TABLE changes ADD COLUMN last INTEGER NOT NULL DEFAULT 1;
ALTER TABLE changes ADD COLUMN chain BLOB NOT NULL DEFAULT x'';
-- Of older changes only the newest of each object can be told; for the state they lead to, only those matter.
UPDATE changes SET keys = (
    SELECT json_group_array(json_array(name, value)) FROM object_keys k
    WHERE k.kind = changes.kind AND k.id = changes.id
) WHERE body IS NOT NULL
    AND serial = (SELECT max(serial) FROM changes c WHERE c.kind = changes.kind AND c.id = changes.id);

-- Versions of objects that belong to one node and have no place in the history. They outlive the object.
CREATE TABLE node_versions (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Until now they had; what is left of that tells nobody the content.
INSERT INTO node_versions (kind, id, version)
    SELECT kind, id, max(version) FROM changes WHERE kind = 'node' GROUP BY kind, id;
UPDATE changes SET body = NULL, keys = '[]' WHERE kind = 'node';

-- What this node is in the farm, and its last poll. One row.
CREATE TABLE standing (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    role         TEXT NOT NULL CHECK (role IN ('PrimaryComputer', 'SecondaryComputer')),
    term_epoch   INTEGER NOT NULL,
    term_primary TEXT NOT NULL,
    follows      TEXT NOT NULL,
    copying      INTEGER NOT NULL DEFAULT 0,
    sync_from    TEXT,
    sync_at      INTEGER NOT NULL DEFAULT 0,
    sync_error   TEXT NOT NULL DEFAULT '',
    sync_newest  INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO standing (id, role, term_epoch, term_primary, follows)
    SELECT 1, 'PrimaryComputer', epoch, '', '' FROM writer;

-- A copy of the primary's history while it grows.
CREATE TABLE incoming (
    serial  INTEGER PRIMARY KEY,
    epoch   INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT,
    at      INTEGER NOT NULL,
    by      TEXT NOT NULL,
    keys    TEXT NOT NULL,
    last    INTEGER NOT NULL,
    chain   BLOB NOT NULL
) STRICT;

-- Changes that this node once had and the farm's history does not have.
CREATE TABLE diverged (
    number  INTEGER PRIMARY KEY,
    kept    INTEGER NOT NULL,
    serial  INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT,
    at      INTEGER NOT NULL,
    by      TEXT NOT NULL,
    keys    TEXT NOT NULL,
    last    INTEGER NOT NULL,
    chain   BLOB NOT NULL
) STRICT;
