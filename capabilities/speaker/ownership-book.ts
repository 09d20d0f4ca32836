/**
 * Turns what the packet thread owns into what is said about Services: which of their addresses this node announces, on which
 * interfaces, and every change of that with its reason. Owns no I/O: transitions go to a listener.
 */
import type { ServicePlan, WithholdReason } from "../../lib/announcement/plan-service";

/** The packet thread's word on one address. */
export interface Ownership {
  readonly address: string;
  readonly isOwner: boolean;
  /** Names of the interfaces it is announced on. */
  readonly interfaces: readonly string[];
  /** The node that owns it, when it is another one. */
  readonly owner?: string | undefined;
}

/** Why an address of a Service is not announced from here any more. */
export type WithdrawReason = WithholdReason | "serviceDeleted" | "loadBalancerIPChanged";

export type Transition =
  | {
      readonly type: "announced";
      readonly key: string;
      readonly address: string;
      readonly interfaces: readonly string[];
      /** Place of this node in the election order, 1 = first, among `candidates` nodes. */
      readonly rank: number;
      readonly candidates: number;
      /** Candidates before this node that do not answer: they are not heard, or wait until they may take it back. */
      readonly passedOver: readonly string[];
      /** True when nothing of the Service was announced from here before. */
      readonly isFirst: boolean;
    }
  | {
      readonly type: "withdrawn";
      readonly key: string;
      readonly address: string;
      readonly reason: WithdrawReason;
      readonly message: string;
    }
  /** This node is elected, and none of the interfaces it may use is there (V-X7). */
  | {
      readonly type: "failed";
      readonly key: string;
      readonly address: string;
      readonly wanted: readonly string[] | "all";
    };

/** What this node announces of one Service. */
export interface AnnouncedState {
  /** Sorted by text. */
  readonly addresses: readonly string[];
  /** Sorted; undefined when its advertisements name none, which means all. */
  readonly interfaces: readonly string[] | undefined;
}

export interface OwnershipBookOptions {
  readonly nodeName: string;
  readonly plan: (key: string) => ServicePlan | undefined;
  readonly onTransition: (transition: Transition) => void;
  /** Called after the transitions of a Service whose state differs; undefined: nothing of it is announced here. */
  readonly onState: (key: string, state: AnnouncedState | undefined) => void;
}

interface KeptService {
  readonly state: AnnouncedState | undefined;
  /** Addresses that this node owns and cannot announce. */
  readonly failed: readonly string[];
}

export class OwnershipBook {
  readonly #options: OwnershipBookOptions;
  readonly #ownerships = new Map<string, Ownership>();
  readonly #kept = new Map<string, KeptService>();
  /** Keys of the Services that are planned to be announced, by address. */
  readonly #keysByAddress = new Map<string, Set<string>>();
  readonly #addressesByKey = new Map<string, readonly string[]>();

  constructor(options: OwnershipBookOptions) {
    this.#options = options;
  }

  /** The state of a Service as last said. */
  state(key: string): AnnouncedState | undefined {
    return this.#kept.get(key)?.state;
  }

  /** Keys of the Services that are planned to be announced with the address. */
  keysOf(address: string): readonly string[] {
    return [...(this.#keysByAddress.get(address) ?? [])];
  }

  /** Keys of the Services that are announced from here. */
  announcedKeys(): readonly string[] {
    return [...this.#kept].filter(([, kept]) => kept.state !== undefined).map(([key]) => key);
  }

  /** Services were planned again: to be called after the packet thread was told. */
  notePlanned(keys: Iterable<string>): void {
    const planned = [...keys];
    const left = planned.flatMap(key => this.#index(key));
    this.#forgetUnwanted(left);
    for (const key of planned) this.#settle(key);
  }

  /** A report of the packet thread. One about an address that is not wanted any more is late, and ignored. */
  noteOwnership(ownership: Ownership): void {
    const keys = this.#keysByAddress.get(ownership.address);
    if (keys === undefined) return;
    this.#ownerships.set(ownership.address, ownership);
    for (const key of keys) this.#settle(key);
  }

  /** The addresses that the Service does not have any more. */
  #index(key: string): readonly string[] {
    const plan = this.#options.plan(key);
    const before = this.#addressesByKey.get(key) ?? [];
    const now = plan?.type === "announce" ? plan.election.addresses : [];
    const left = missingFrom(now, before);
    for (const address of left) this.#keysByAddress.get(address)?.delete(key);
    for (const address of now) {
      const keys = this.#keysByAddress.get(address);
      if (keys) keys.add(key);
      else this.#keysByAddress.set(address, new Set([key]));
    }
    if (now.length > 0) this.#addressesByKey.set(key, now);
    else this.#addressesByKey.delete(key);
    return left;
  }

  /** Only after all keys are indexed: an address may pass from one Service to another, and the packet thread then reports nothing. */
  #forgetUnwanted(addresses: readonly string[]): void {
    for (const address of addresses) {
      if (this.#keysByAddress.get(address)?.size !== 0) continue;
      this.#keysByAddress.delete(address);
      this.#ownerships.delete(address);
    }
  }

  #settle(key: string): void {
    const plan = this.#options.plan(key);
    const before = this.#kept.get(key) ?? NOT_KEPT;
    const now = this.#judge(plan);
    for (const address of missingFrom(addressesOf(now), addressesOf(before))) {
      this.#sayWithdrawn(key, address, plan);
    }
    for (const address of missingFrom(before.failed, now.failed)) {
      this.#sayFailed(key, address, plan);
    }
    const gained = missingFrom(addressesOf(before), addressesOf(now));
    for (const [index, address] of gained.entries()) {
      this.#sayAnnounced(address, {
        key,
        plan,
        isFirst: before.state === undefined && index === 0,
      });
    }
    if (now.state === undefined && now.failed.length === 0) this.#kept.delete(key);
    else this.#kept.set(key, now);
    if (!isSameState(before.state, now.state)) this.#options.onState(key, now.state);
  }

  #judge(plan: ServicePlan | undefined): KeptService {
    if (plan?.type !== "announce") return NOT_KEPT;
    const owned = plan.election.addresses
      .flatMap(address => this.#ownerships.get(address) ?? [])
      .filter(ownership => ownership.isOwner);
    const working = owned.filter(ownership => ownership.interfaces.length > 0);
    const failed = owned.filter(ownership => ownership.interfaces.length === 0);
    const names = new Set(working.flatMap(ownership => ownership.interfaces));
    const state = {
      addresses: working.map(ownership => ownership.address).sort(),
      interfaces: plan.interfaces === "all" ? undefined : [...names].sort(),
    };
    return {
      state: working.length === 0 ? undefined : state,
      failed: failed.map(ownership => ownership.address),
    };
  }

  #sayAnnounced(
    address: string,
    given: {
      readonly key: string;
      readonly plan: ServicePlan | undefined;
      readonly isFirst: boolean;
    },
  ): void {
    const { key, plan, isFirst } = given;
    const names = (plan?.election?.candidates ?? []).map(({ nodeName }) => nodeName);
    const index = names.indexOf(this.#options.nodeName);
    this.#options.onTransition({
      type: "announced",
      key,
      address,
      interfaces: this.#ownerships.get(address)?.interfaces ?? [],
      rank: index + 1,
      candidates: names.length,
      passedOver: names.slice(0, Math.max(index, 0)),
      isFirst,
    });
  }

  #sayWithdrawn(key: string, address: string, plan: ServicePlan | undefined): void {
    const why = this.#whyWithdrawn(address, plan);
    this.#options.onTransition({ type: "withdrawn", key, address, ...why });
  }

  #whyWithdrawn(
    address: string,
    plan: ServicePlan | undefined,
  ): { reason: WithdrawReason; message: string } {
    if (plan === undefined) {
      return { reason: "serviceDeleted", message: "the Service is gone, or of another type" };
    }
    if (plan.type === "withhold") return { reason: plan.reason, message: plan.message };
    if (!plan.election.addresses.includes(address)) {
      return { reason: "loadBalancerIPChanged", message: "the Service has another address" };
    }
    const ownership = this.#ownerships.get(address);
    if (ownership?.isOwner === true) {
      return { reason: "notOwner", message: "no interface is left to announce it on" };
    }
    const owner = ownership?.owner;
    const message = owner === undefined ? "another node" : `the node ${owner}`;
    return { reason: "notOwner", message: `${message} announces it` };
  }

  #sayFailed(key: string, address: string, plan: ServicePlan | undefined): void {
    const wanted = plan?.type === "announce" ? plan.interfaces : "all";
    this.#options.onTransition({ type: "failed", key, address, wanted });
  }
}

const NOT_KEPT: KeptService = { state: undefined, failed: [] };

function addressesOf(kept: KeptService): readonly string[] {
  return kept.state?.addresses ?? [];
}

/** The texts of `wanted` that `present` lacks. */
function missingFrom(present: readonly string[], wanted: readonly string[]): readonly string[] {
  return wanted.filter(text => !present.includes(text));
}

function isSameState(left: AnnouncedState | undefined, right: AnnouncedState | undefined): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
