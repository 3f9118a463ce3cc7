-- Text that people chose, and handles, are octets: PostgreSQL's text knows no zero octet and has an order of its own.

-- Who writes takes this row. One row.
CREATE TABLE sekisho.writer (
    id     smallint PRIMARY KEY CHECK (id = 1),
    epoch  bigint NOT NULL,
    serial bigint NOT NULL,
    chain  bytea NOT NULL
);
INSERT INTO sekisho.writer (id, epoch, serial, chain) VALUES (1, 1, 0, decode(repeat('00', 32), 'hex'));

-- By the id that a writer gave to its transaction: whether it was committed. Kept for an hour.
CREATE TABLE sekisho.writes (
    id     bytea PRIMARY KEY,
    epoch  bigint NOT NULL,
    serial bigint NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX writes_by_time ON sekisho.writes (at);

-- The present state.
CREATE TABLE sekisho.objects (
    kind    text COLLATE "C" NOT NULL,
    id      bytea NOT NULL,
    version bigint NOT NULL,
    body    text NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Names of objects, unique within (kind, name of the index). The digest (SHA-256 of the value) keeps the index
-- small, since a value may be longer than an index entry may be.
CREATE TABLE sekisho.object_keys (
    kind   text COLLATE "C" NOT NULL,
    name   text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    value  bytea NOT NULL,
    id     bytea NOT NULL,
    PRIMARY KEY (kind, name, digest),
    FOREIGN KEY (kind, id) REFERENCES sekisho.objects (kind, id) ON DELETE CASCADE
);
CREATE INDEX keys_of_object ON sekisho.object_keys (kind, id);

-- The history. A body of NULL is a tombstone; keys is a JSON list of [name of the index, value].
CREATE TABLE sekisho.changes (
    serial  bigint PRIMARY KEY,
    epoch   bigint NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    id      bytea NOT NULL,
    version bigint NOT NULL,
    body    text,
    keys    text NOT NULL,
    at      bigint NOT NULL,
    by      text NOT NULL,
    last    boolean NOT NULL,
    chain   bytea NOT NULL
);
CREATE INDEX changes_of_object ON sekisho.changes (kind, id, serial);

-- Versions of objects that belong to one node and have no place in the history. They outlive the object.
CREATE TABLE sekisho.node_versions (
    kind    text COLLATE "C" NOT NULL,
    id      bytea NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Things that may be used one time, by the SHA-256 of their handle: who reads the table can redeem nothing.
CREATE TABLE sekisho.once (
    purpose text COLLATE "C" NOT NULL,
    digest  bytea NOT NULL,
    value   bytea NOT NULL,
    expires bigint NOT NULL,
    PRIMARY KEY (purpose, digest)
);
CREATE INDEX once_by_expiry ON sekisho.once (expires);

-- Sign-in counters of accounts, by the SHA-256 of the name: a caller chooses the name, and an index entry is short.
CREATE TABLE sekisho.activity (
    digest  bytea PRIMARY KEY,
    account bytea NOT NULL,
    version bigint NOT NULL,
    value   text NOT NULL,
    written bigint NOT NULL
);
CREATE INDEX activity_by_write ON sekisho.activity (written);
