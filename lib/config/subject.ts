/** A resource on its way through the rules: its parts in their declared types, and what the rules found. */
import {
  compareText,
  formatObject,
  toShownText,
  type Nature,
  type ObjectRef,
  type Problem,
} from "./problem";
import type { Severity } from "./problem";
import type { Labels } from "./labels";

/** What a rule says about an object. */
export interface Finding {
  readonly rule: string;
  /** Empty when the object as a whole is meant. */
  readonly field: string;
  /** Left out when the field is missing, or holds a secret. */
  readonly value?: string;
  /** The rest of the sentence that begins with object, field and value. */
  readonly reason: string;
  /** A whole sentence: what to do about it. */
  readonly wayOut: string;
  readonly related?: readonly ObjectRef[];
}

/** More of one object are not listed: those of the object alone, and those with others. */
const MAX_OWN_PROBLEMS = 100;
const MAX_SHARED_PROBLEMS = 2_000;

/** Names of fields may be foreign text too. */
const MAX_FIELD_CHARACTERS = 200;

export class Subject<Spec> {
  readonly ref: ObjectRef;
  readonly labels: Labels;
  readonly spec: Spec;
  /** RFC 3339, empty when not known, or `YOUNGEST`. */
  readonly createdAt: string;
  /** `namespace/name`. */
  readonly key: string;
  /** As messages call it; the same text for all forks. */
  readonly #title: string;
  #problems: Problem[] = [];
  #isBroken = false;
  #isWaiting = false;
  #hasUnlisted = false;

  constructor(
    ref: ObjectRef,
    { labels, spec, createdAt }: { labels: Labels; spec: Spec; createdAt: string },
    texts = { key: `${ref.namespace}/${ref.name}`, title: formatObject(ref) },
  ) {
    this.ref = ref;
    this.key = texts.key;
    this.#title = texts.title;
    this.labels = labels;
    this.spec = spec;
    this.createdAt = createdAt;
  }

  /** A subject that goes its own way from here; `createdAt` may differ. */
  fork(createdAt = this.createdAt): Subject<Spec> {
    const { ref, labels, spec, key } = this;
    const fork = new Subject(ref, { labels, spec, createdAt }, { key, title: this.#title });
    fork.#problems = [...this.#problems];
    fork.#isBroken = this.#isBroken;
    fork.#isWaiting = this.#isWaiting;
    fork.#hasUnlisted = this.#hasUnlisted;
    return fork;
  }

  /** The object cannot be used. */
  refuse(finding: Finding): void {
    this.#isBroken = true;
    this.#add("refuse", "lasting", finding);
  }

  /** Part of the object is left out; the rest of it is used. */
  refusePart(finding: Finding): void {
    this.#add("refuse", "lasting", finding);
  }

  /** The object cannot be used until another one appears. */
  refuseForNow(finding: Finding): void {
    this.#isWaiting = true;
    this.#add("refuse", "transient", finding);
  }

  /** No new object may be like this; one that exists is used. */
  refuseNew(finding: Finding): void {
    this.#add("warn", "strict", finding);
  }

  warn(finding: Finding): void {
    this.#add("warn", "lasting", finding);
  }

  inform(finding: Finding): void {
    this.#add("inform", "lasting", finding);
  }

  /** Whether a rule refused the object for good. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Whether the object waits for another one. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Whether further problems of the object alone would not be listed, so that looking for them is no use. */
  get isFull(): boolean {
    return this.#problems.length >= MAX_OWN_PROBLEMS;
  }

  get problems(): readonly Problem[] {
    const last = this.#problems.at(-1);
    if (last === undefined || !this.#hasUnlisted) return this.#problems;
    const message = `${this.#title} has more problems that are not listed. Correct these first.`;
    return [...this.#problems, { ...last, field: "", value: "", message, related: [] }];
  }

  #add(severity: Severity, nature: Nature, finding: Finding): void {
    const { rule, reason, wayOut, related = [] } = finding;
    const maximum = related.length > 0 ? MAX_SHARED_PROBLEMS : MAX_OWN_PROBLEMS;
    if (this.#problems.length >= maximum) {
      this.#hasUnlisted = true;
      return;
    }
    const field = toShownText(finding.field, MAX_FIELD_CHARACTERS);
    const value = finding.value === undefined ? "" : toShownText(finding.value);
    const shown = finding.value === undefined ? "" : ` "${value}"`;
    const where = field === "" ? "" : `: ${field}${shown}`;
    const message = `${this.#title}${where} ${reason}. ${wayOut}`;
    const object = this.ref;
    this.#problems.push({ severity, nature, rule, object, field, value, message, related });
  }
}

/** In place of a time of creation: the object is to count as younger than every other. */
export const YOUNGEST = "~~";

/** Older first; objects without a time of creation after those with one; by name between equals. */
export function compareAge<Spec>(left: Subject<Spec>, right: Subject<Spec>): number {
  return (
    compareText(left.createdAt || UNKNOWN_AGE, right.createdAt || UNKNOWN_AGE) ||
    compareText(left.ref.name, right.ref.name)
  );
}

/** Behind every time of creation, before `YOUNGEST`. */
const UNKNOWN_AGE = "~";
