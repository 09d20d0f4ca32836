/** Lists of label selectors in resources: each valid, none twice (rules V-P13, V-P14, V-L6, V-L7, V-A2 … A5, V-G4 … G6, G13). */
import type { LabelSelector } from "./generated/resources";
import { parseSelector, type Selector, type SelectorError } from "./labels";
import type { Subject } from "./subject";

export interface SelectorRules {
  /** Path of the list, such as `spec.nodeSelectors`. */
  readonly field: string;
  /** Rule that forbids doubles; absent where they are allowed. */
  readonly doubles?: string;
  /** Rule that wants each selector to be valid. */
  readonly validity: string;
}

/** Parses a list of selectors; what is wrong with them is refused on the subject, and the valid ones are returned. */
export function readSelectors<Spec>(
  subject: Subject<Spec>,
  selectors: readonly LabelSelector[] | undefined,
  rules: SelectorRules,
): readonly Selector[] {
  const parsed: Selector[] = [];
  const firstIndexes = new Map<string, number>();
  for (const [index, selector] of (selectors ?? []).entries()) {
    if (subject.isFull) break;
    const field = `${rules.field}[${index}]`;
    if (rules.doubles !== undefined) {
      refuseDoubleParts(subject, selector, { field, rule: rules.doubles });
    }
    const result = readSelector(subject, selector, { field, rule: rules.validity });
    if (result === undefined) continue;
    parsed.push(result);
    const first = firstIndexes.get(result.text);
    if (first === undefined) {
      firstIndexes.set(result.text, index);
    } else if (rules.doubles !== undefined) {
      subject.refuse({
        rule: rules.doubles,
        field,
        reason: `says the same as ${rules.field}[${first}]`,
        wayOut: "Remove one of the two.",
      });
    }
  }
  return parsed;
}

/** Parses one selector; undefined, and refused on the subject, when it is invalid. */
export function readSelector<Spec>(
  subject: Subject<Spec>,
  selector: LabelSelector,
  { field, rule }: { readonly field: string; readonly rule: string },
): Selector | undefined {
  const result = parseSelector(selector);
  if (result.ok) return result.value;
  for (const error of result.error) {
    const { reason, wayOut } = ERROR_TEXTS[error.code];
    const at = `${field}${error.field}`;
    const value = error.value === "" ? {} : { value: error.value };
    subject.refuse({ rule, field: at, ...value, reason, wayOut });
  }
  return undefined;
}

/** Refuses texts that occur twice in a list; returns the list without them. */
export function readDistinct<Spec>(
  subject: Subject<Spec>,
  texts: readonly string[] | undefined,
  { field, rule }: { readonly field: string; readonly rule: string },
): readonly string[] {
  const seen = new Set<string>();
  for (const [index, text] of (texts ?? []).entries()) {
    if (subject.isFull) break;
    if (seen.has(text)) {
      subject.refuse({
        rule,
        field: `${field}[${index}]`,
        value: text,
        reason: "is in the list twice",
        wayOut: "Remove one of the two.",
      });
    }
    seen.add(text);
  }
  return [...seen];
}

const ERROR_TEXTS: Readonly<
  Record<SelectorError["code"], { readonly reason: string; readonly wayOut: string }>
> = {
  operator: {
    reason: "is no operator of label selectors",
    wayOut: "Use In, NotIn, Exists or DoesNotExist.",
  },
  key: {
    reason: "is no legal key of a label",
    wayOut: "Use letters, digits, '-', '_' and '.', at most 63, with an optional DNS name and '/'.",
  },
  value: {
    reason: "is no legal value of a label",
    wayOut:
      "Use letters, digits, '-', '_' and '.', at most 63, with a letter or digit at both ends.",
  },
  "values-missing": {
    reason: "has no value for In or NotIn to compare with",
    wayOut: "List the values, or use Exists or DoesNotExist.",
  },
  "values-given": {
    reason: "are values that Exists and DoesNotExist have no use for",
    wayOut: "Remove the values, or use In or NotIn.",
  },
};

/** Two equal conditions, or two equal values of one condition, inside a selector. */
function refuseDoubleParts<Spec>(
  subject: Subject<Spec>,
  selector: LabelSelector,
  { field, rule }: { readonly field: string; readonly rule: string },
): void {
  const seen = new Set<string>();
  for (const [index, { key, operator, values = [] }] of (
    selector.matchExpressions ?? []
  ).entries()) {
    const at = `${field}.matchExpressions[${index}]`;
    readDistinct(subject, values, { field: `${at}.values`, rule });
    const text = JSON.stringify([key, operator, [...values].sort()]);
    if (seen.has(text)) {
      subject.refuse({
        rule,
        field: at,
        value: key,
        reason: "is the same condition as another one of this selector",
        wayOut: "Remove one of the two.",
      });
    }
    seen.add(text);
  }
}
