/**
 * From Pepr's request to a verdict. The rules are lib/config's; here is what surrounds them: the live configuration, the text
 * that kubectl shows, and that nothing thrown ever reaches Pepr, which would answer `{}`.
 */
import type { KubernetesObject } from "kubernetes-fluent-client";
import type { PeprMutateRequest, PeprValidateRequest } from "pepr";
import type { Logger } from "pino";
import { reviewChange, type Change, type Review } from "../../lib/config/admission";
import type { ConfigurationResources } from "../../lib/config/check";
import { formatProblem } from "../../lib/config/problem";
import type { ReadMemo } from "../../lib/config/read-memo";
import type { LiveConfiguration } from "./live-configuration";

/** Pepr's answer to a validation. */
export type Verdict = ReturnType<PeprValidateRequest<KubernetesObject>["Approve"]>;

export type Validate = (request: PeprValidateRequest<KubernetesObject>) => Promise<Verdict>;

export interface ReviewDeps {
  /** Where Herald's resources live; only they are honoured. */
  readonly namespace: string;
  readonly configuration: ConfigurationSource;
  readonly observe: (review: ObservedReview) => void;
  /** What was read from objects in earlier reviews. */
  readonly memo: ReadMemo;
  readonly log: Logger;
}

/** What changes are judged beside. */
export type ConfigurationSource = Pick<LiveConfiguration, "read" | "readStored" | "noteAccepted">;

export interface ObservedReview {
  readonly kind: string;
  readonly operation: string;
  readonly outcome: "accepted" | "refused" | "failed";
  readonly durationSeconds: number;
}

/**
 * The validation of every kind: refuses with one line per problem, each naming object, field, value and reason, or accepts with
 * the warnings. An object that is on its way out is accepted: nobody may be kept from taking a finalizer off.
 */
export function createValidate(connect: () => ReviewDeps): Validate {
  return async request => {
    const startedMs = performance.now();
    const { kind, operation } = request.Request;
    const observe = (outcome: ObservedReview["outcome"], deps?: ReviewDeps): void =>
      deps?.observe({
        kind: kind.kind,
        operation,
        outcome,
        durationSeconds: (performance.now() - startedMs) / 1000,
      });
    let deps: ReviewDeps | undefined;
    try {
      deps = connect();
      const verdict = await judge(request, deps);
      observe(verdict.allowed ? "accepted" : "refused", deps);
      return verdict;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      deps?.log.error({ object: describe(request), reason }, "a change could not be judged");
      observe("failed", deps);
      return request.Deny(`Herald could not judge ${describe(request)}: ${reason}. Try again.`);
    }
  };
}

/**
 * A mutation that stores the normal form of what a person wrote. What cannot be normalised is left as it is: the validation
 * that follows says what is wrong with it.
 */
export function normalising<Resource>(
  normalise: (resource: Resource) => Resource,
): (request: PeprMutateRequest<KubernetesObject>) => void {
  return request => {
    try {
      request.Raw = normalise(request.Raw as Resource) as KubernetesObject;
    } catch {
      // Mutations run before the schema is checked, so anything may be in there.
    }
  };
}

async function judge(
  request: PeprValidateRequest<KubernetesObject>,
  deps: ReviewDeps,
): Promise<Verdict> {
  const { kind, operation, oldObject } = request.Request;
  const isLeaving = request.Raw.metadata?.deletionTimestamp !== undefined;
  if (isLeaving && (operation as string) !== "DELETE") return request.Approve();
  const change: Change = {
    operation: operation as string as Change["operation"],
    kind: kind.kind,
    object: request.Raw,
    ...(oldObject === undefined ? {} : { oldObject }),
  };
  const { log, configuration } = deps;
  const { refusals, warnings } = await reviewBesideLive(change, deps);
  const notes = warnings.map(formatProblem);
  if (refusals.length === 0) {
    if (request.Request.dryRun !== true) configuration.noteAccepted(change);
    return request.Approve(notes);
  }
  const rules = refusals.map(refusal => refusal.rule);
  log.info({ object: describe(request), operation, rules }, "a change was refused");
  return request.Deny(refusals.map(formatProblem).join("\n"), undefined, notes);
}

/**
 * The verdict beside what is stored. Copies may be some milliseconds old, and nobody is turned away because of an object that is
 * gone: what does not already refuse itself is judged once more beside a list.
 */
async function reviewBesideLive(change: Change, deps: ReviewDeps): Promise<Review> {
  const { configuration, ...options } = deps;
  const { resources, isFromCopies } = await configuration.read(change);
  const review = reviewChange(change, resources, options);
  if (review.refusals.length === 0 || !isFromCopies) return review;
  if (reviewChange(change, NOTHING_ELSE, options).refusals.length > 0) return review;
  return reviewChange(change, await configuration.readStored(change), options);
}

const NOTHING_ELSE: ConfigurationResources = {};

/** As in `IPAddressPool metallb-system/first`. */
function describe({ Request }: PeprValidateRequest<KubernetesObject>): string {
  const { kind, name, namespace } = Request;
  const shown = name === "" ? "(generated name)" : name;
  return `${kind.kind} ${namespace === undefined ? "" : `${namespace}/`}${shown}`;
}
