/** Label selectors of Kubernetes: parsed once, then matched. A list of selectors means "any of them"; that is the caller's. */
import type { LabelSelector } from "./generated/resources";
import { err, ok, type Result } from "../net/result";

export type Labels = Readonly<Record<string, string>>;

/** All requirements have to hold; none means that everything matches. */
export interface Selector {
  readonly requirements: readonly Requirement[];
  /** The same text for selectors that are written alike up to the order of labels and values. */
  readonly text: string;
}

export interface Requirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  /** Sorted; empty for `Exists` and `DoesNotExist`. */
  readonly values: readonly string[];
}

export type SelectorOperator = "In" | "NotIn" | "Exists" | "DoesNotExist";

/** What is wrong with a selector; `field` is relative to it, such as `.matchExpressions[0].values`. */
export interface SelectorError {
  readonly code: "operator" | "key" | "value" | "values-missing" | "values-given";
  readonly field: string;
  readonly value: string;
}

/** Parses a selector, or returns everything that is wrong with it. An empty one matches everything. */
export function parseSelector(
  selector: LabelSelector,
): Result<Selector, readonly [SelectorError, ...SelectorError[]]> {
  const requirements: Requirement[] = [];
  const errors: SelectorError[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}).sort(byKey)) {
    checkTexts({ key, values: [value], field: `.matchLabels[${key}]` }, errors);
    requirements.push({ key, operator: "In", values: [value] });
  }
  const labelCount = requirements.length;
  for (const [index, expression] of (selector.matchExpressions ?? []).entries()) {
    const field = `.matchExpressions[${index}]`;
    const { key, operator } = expression;
    const values = [...(expression.values ?? [])].sort();
    if (!isOperator(operator)) {
      errors.push({ code: "operator", field: `${field}.operator`, value: operator });
      continue;
    }
    checkTexts({ key, values, field }, errors);
    checkValueCount({ operator, values, field }, errors);
    requirements.push({ key, operator, values });
  }
  const [first, ...more] = errors;
  if (first !== undefined) return err([first, ...more]);
  return ok({ requirements, text: toText(requirements, labelCount) });
}

/** Whether labels fulfil every requirement. As in Kubernetes, `NotIn` holds for a label that is not there. */
export function matchesSelector(selector: Selector, labels: Labels | undefined): boolean {
  return selector.requirements.every(requirement => isFulfilled(requirement, labels ?? {}));
}

/** Whether labels match any selector of a list in which an empty list stands for "everything". */
export function matchesAnyOrEmpty(
  selectors: readonly Selector[],
  labels: Labels | undefined,
): boolean {
  return selectors.length === 0 || selectors.some(selector => matchesSelector(selector, labels));
}

const MAX_NAME_LENGTH = 63;
const MAX_PREFIX_LENGTH = 253;
const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Whether the text may be the key of a label: a name, or a DNS subdomain, a slash and a name. */
export function isLabelKey(text: string): boolean {
  const slash = text.indexOf("/");
  if (slash >= 0 && !isPrefix(text.slice(0, slash))) return false;
  const name = text.slice(slash + 1);
  return name.length <= MAX_NAME_LENGTH && NAME.test(name);
}

/** Whether the text may be the value of a label; it may be empty. */
export function isLabelValue(text: string): boolean {
  return text === "" || (text.length <= MAX_NAME_LENGTH && NAME.test(text));
}

function isPrefix(text: string): boolean {
  return text.length <= MAX_PREFIX_LENGTH && PREFIX.test(text);
}

function isOperator(text: string): text is SelectorOperator {
  return ["In", "NotIn", "Exists", "DoesNotExist"].includes(text);
}

function takesValues(operator: SelectorOperator): boolean {
  return operator === "In" || operator === "NotIn";
}

function isFulfilled(requirement: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case "In":
      return value !== undefined && requirement.values.includes(value);
    case "NotIn":
      return value === undefined || !requirement.values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

function checkTexts(
  { key, values, field }: { key: string; values: readonly string[]; field: string },
  errors: SelectorError[],
): void {
  if (!isLabelKey(key)) errors.push({ code: "key", field, value: key });
  for (const value of values) {
    if (!isLabelValue(value)) errors.push({ code: "value", field, value });
  }
}

function checkValueCount(
  { operator, values, field }: Pick<Requirement, "operator" | "values"> & { field: string },
  errors: SelectorError[],
): void {
  if (takesValues(operator) && values.length === 0) {
    errors.push({ code: "values-missing", field: `${field}.values`, value: "" });
  }
  if (!takesValues(operator) && values.length > 0) {
    errors.push({ code: "values-given", field: `${field}.values`, value: values.join(",") });
  }
}

function toText(requirements: readonly Requirement[], labelCount: number): string {
  return JSON.stringify([
    requirements.slice(0, labelCount),
    ...requirements.slice(labelCount).map(({ key, operator, values }) => [key, operator, values]),
  ]);
}

function byKey([left]: [string, string], [right]: [string, string]): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
