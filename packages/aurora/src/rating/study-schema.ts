import type { DatabaseKind } from '../people/database.js';

/** Tables of a rating study. A rater's trials are written down when the rater joins, so no later program changes them. */
export const studyDatabase: DatabaseKind = {
  description: 'a rating study',
  applicationId: 0x54725261, // "TrRa"
  version: 1,
  schema: `
    CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE output (
      id INTEGER PRIMARY KEY,
      task TEXT NOT NULL,
      item TEXT NOT NULL,
      model TEXT NOT NULL,
      instruction TEXT NOT NULL,
      digest TEXT NOT NULL,
      UNIQUE (task, item, model)
    ) STRICT;
    CREATE TABLE rater (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      key TEXT NOT NULL UNIQUE,
      token TEXT NOT NULL UNIQUE,
      number INTEGER NOT NULL UNIQUE,
      joined TEXT NOT NULL
    ) STRICT;
    CREATE TABLE trial (
      id TEXT PRIMARY KEY,
      rater INTEGER NOT NULL REFERENCES rater,
      position INTEGER NOT NULL,
      output INTEGER NOT NULL REFERENCES output,
      UNIQUE (rater, position)
    ) STRICT;
    CREATE TABLE rating (
      trial TEXT PRIMARY KEY REFERENCES trial,
      score INTEGER NOT NULL CHECK (score IN (0, 50, 100)),
      comment TEXT NOT NULL,
      milliseconds INTEGER,
      rated TEXT NOT NULL
    ) STRICT`,
};
