/** What has to happen for one Service: the outcome of planning, an ordered list of steps with their reasons. */
import type { IpAddress } from "../net/ip-address";
import type { Claim, PendingCondition } from "./service";

/** Reasons of Events on Services, as MetalLB names them; users filter on them. */
export type EventReason =
  | "IPAllocated"
  | "ClearAssignment"
  | "AdditionalAssignFailed"
  | "AllocationFailed"
  | "LoadBalancerFailed"
  | "not enough clusterips"
  | "nolbIPsIPFamily"
  | "noclusterIPsIPFamily"
  | "deprecatedAnnotation";

/**
 * Something for the user to read. `occurrence`: it happens with this plan, told once the write succeeded. `state`: it holds as
 * long as plans repeat it, told when it begins or changes. `notice`: told once for a Service, however often plans repeat it.
 */
export interface Report {
  readonly nature: "occurrence" | "state" | "notice";
  readonly type: "Normal" | "Warning";
  readonly reason: EventReason;
  readonly message: string;
}

export type PlanStep =
  | { readonly type: "keep"; readonly addresses: readonly IpAddress[]; readonly pool: string }
  | { readonly type: "assign"; readonly addresses: readonly IpAddress[]; readonly pool: string }
  | { readonly type: "release"; readonly addresses: readonly IpAddress[]; readonly reason: string }
  | { readonly type: "report"; readonly report: Report }
  /** Only present when it is not so already. */
  | ({ readonly type: "write" } & WrittenState);

/** What the Service is to say: canonical texts, in order; the annotation; and the condition, which is absent beside addresses. */
export interface WrittenState {
  readonly ingress: readonly string[];
  readonly pool: string | undefined;
  readonly pending: PendingCondition | undefined;
}

export interface ServicePlan {
  readonly key: string;
  /** What the book must hold for the Service; undefined: nothing. */
  readonly booking: { readonly claim: Claim; readonly addresses: readonly IpAddress[] } | undefined;
  readonly steps: readonly PlanStep[];
  /** The Service lacks something that it may get when others release, or when pools change. */
  readonly isWaiting: boolean;
}
