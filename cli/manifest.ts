/** What was read from files: objects that Herald judges, where they stand, and what could not be read. */
import type { ObjectRef } from "../lib/config/problem";

/** A place in an input; lines and columns count from 1. */
export interface Position {
  /** The path as the user gave it, or `stdin`. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A field that is written twice in one map. Only the last one counts, and the API server never sees the others. */
export interface DuplicateField {
  readonly field: string;
  readonly position: Position;
}

/** One object of a file. Its content is not trusted. */
export interface Manifest {
  /** With the namespace it would get and, when it has no name, a stand-in that is its own. */
  readonly ref: ObjectRef;
  /** The object as kubectl would send it, with namespace and name as in `ref`. */
  readonly object: Readonly<Record<string, unknown>>;
  readonly duplicates: readonly DuplicateField[];
  /** Where the field stands, or the innermost part of its path that is written; `field` is a path as in `Problem`. */
  locate(field: string, value: string): Position;
}

/** An input, or one document of it, that is no YAML and no JSON. */
export interface Unreadable {
  readonly file: string;
  /** Absent when the whole file is meant. */
  readonly line?: number;
  readonly column?: number;
  /** A whole sentence. */
  readonly message: string;
}

export interface Reading {
  /** In the order in which they stand. */
  readonly manifests: readonly Manifest[];
  /** Objects of other kinds, and documents that are no objects. */
  readonly ignored: number;
  readonly unreadable: readonly Unreadable[];
}
