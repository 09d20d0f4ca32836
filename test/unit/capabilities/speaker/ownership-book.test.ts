import { beforeEach, describe, expect, it } from "vitest";
import {
  OwnershipBook,
  type AnnouncedState,
  type Transition,
} from "../../../../capabilities/speaker/ownership-book";
import type { AnnouncedService, ServicePlan } from "../../../../lib/announcement/plan-service";

const NODE = "node-b";

function announce(given: Partial<AnnouncedService> & { addresses?: string[] } = {}): ServicePlan {
  const { addresses = ["192.0.2.10"], ...rest } = given;
  return {
    type: "announce",
    key: "web/nginx",
    interfaces: "all",
    election: {
      addresses,
      key: addresses[0]!,
      candidates: ["node-c", "node-b", "node-a"].map(nodeName => ({ nodeName, score: 0 })),
    },
    ...rest,
  };
}

let plans: Map<string, ServicePlan>;
let transitions: Transition[];
let states: [string, AnnouncedState | undefined][];
let book: OwnershipBook;

beforeEach(() => {
  plans = new Map();
  transitions = [];
  states = [];
  book = new OwnershipBook({
    nodeName: NODE,
    plan: key => plans.get(key),
    onTransition: transition => transitions.push(transition),
    onState: (key, state) => states.push([key, state]),
  });
});

function plan(key: string, planned: ServicePlan | undefined): void {
  if (planned) plans.set(key, planned);
  else plans.delete(key);
  book.notePlanned([key]);
}

function own(address = "192.0.2.10", interfaces = ["eth0"]): void {
  book.noteOwnership({ address, isOwner: true, interfaces });
}

describe("OwnershipBook", () => {
  it("says nothing of a plan alone", () => {
    plan("web/nginx", announce());
    expect(transitions).toEqual([]);
    expect(book.state("web/nginx")).toBeUndefined();
  });

  it("says that an address is announced, and why this node", () => {
    plan("web/nginx", announce());
    own();
    expect(transitions).toEqual([
      {
        type: "announced",
        key: "web/nginx",
        address: "192.0.2.10",
        interfaces: ["eth0"],
        rank: 2,
        candidates: 3,
        passedOver: ["node-c"],
        isFirst: true,
      },
    ]);
    expect(states).toEqual([["web/nginx", { addresses: ["192.0.2.10"], interfaces: undefined }]]);
  });

  it("says a thing once, however often it is reported or planned again", () => {
    plan("web/nginx", announce());
    own();
    own();
    plan("web/nginx", announce());
    expect(transitions).toHaveLength(1);
    expect(states).toHaveLength(1);
  });

  it("follows an address that passes from one Service to another in one pass, whatever the order", () => {
    for (const keys of [
      ["web/old", "web/new"],
      ["web/new", "web/old"],
    ]) {
      plan("web/old", announce({ key: "web/old" }));
      own();
      plans.delete("web/old");
      plans.set("web/new", announce({ key: "web/new" }));
      // The packet thread's set stays the same, so it reports nothing.
      book.notePlanned(keys);
      expect(book.announcedKeys()).toEqual(["web/new"]);
      plan("web/new", undefined);
      expect(book.announcedKeys()).toEqual([]);
    }
  });

  it("names the node that took an address over", () => {
    plan("web/nginx", announce());
    own();
    book.noteOwnership({
      address: "192.0.2.10",
      isOwner: false,
      interfaces: [],
      owner: "node-c",
    });
    expect(transitions.at(-1)).toEqual({
      type: "withdrawn",
      key: "web/nginx",
      address: "192.0.2.10",
      reason: "notOwner",
      message: "the node node-c announces it",
    });
    expect(states.at(-1)).toEqual(["web/nginx", undefined]);
  });

  it("withdraws a deleted Service before the packet thread says so", () => {
    plan("web/nginx", announce());
    own();
    plan("web/nginx", undefined);
    expect(transitions.at(-1)).toMatchObject({ type: "withdrawn", reason: "serviceDeleted" });
    book.noteOwnership({ address: "192.0.2.10", isOwner: false, interfaces: [] });
    expect(transitions).toHaveLength(2);
  });

  it("gives the plan's reason when a Service is withheld", () => {
    plan("web/nginx", announce());
    own();
    plan("web/nginx", {
      type: "withhold",
      key: "web/nginx",
      reason: "noIPAllocated",
      message: "the Service has no address yet",
    });
    expect(transitions.at(-1)).toMatchObject({
      reason: "noIPAllocated",
      message: "the Service has no address yet",
    });
  });

  it("says that the address changed", () => {
    plan("web/nginx", announce());
    own();
    plan("web/nginx", announce({ addresses: ["192.0.2.11"] }));
    own("192.0.2.11");
    expect(transitions.slice(1)).toMatchObject([
      { type: "withdrawn", address: "192.0.2.10", reason: "loadBalancerIPChanged" },
      { type: "announced", address: "192.0.2.11" },
    ]);
  });

  it("forgets an ownership with the wish for the address", () => {
    plan("web/nginx", announce());
    own();
    plan("web/nginx", undefined);
    plan("web/nginx", announce());
    expect(book.state("web/nginx")).toBeUndefined();
  });

  it("ignores a late report about an address nobody wants", () => {
    own();
    plan("web/nginx", announce());
    expect(book.state("web/nginx")).toBeUndefined();
  });

  it("warns of an elected node without the interfaces, once, and announces nothing (V-X7)", () => {
    plan("web/nginx", announce({ interfaces: ["eth7"] }));
    own("192.0.2.10", []);
    own("192.0.2.10", []);
    expect(transitions).toEqual([
      { type: "failed", key: "web/nginx", address: "192.0.2.10", wanted: ["eth7"] },
    ]);
    expect(states).toEqual([]);
    own("192.0.2.10", ["eth7"]);
    expect(states).toEqual([["web/nginx", { addresses: ["192.0.2.10"], interfaces: ["eth7"] }]]);
  });

  it("speaks for every Service that shares an address", () => {
    plan("web/a", announce({ key: "web/a" }));
    plan("web/b", announce({ key: "web/b" }));
    own();
    expect(transitions.map(({ key }) => key)).toEqual(["web/a", "web/b"]);
    plan("web/a", undefined);
    expect(book.state("web/b")).toBeDefined();
    expect(book.announcedKeys()).toEqual(["web/b"]);
  });

  it("unites the interfaces of a dual-stack Service, sorted", () => {
    plan(
      "web/nginx",
      announce({ addresses: ["192.0.2.10", "2001:db8::10"], interfaces: ["eth0", "eth1"] }),
    );
    own("192.0.2.10", ["eth1"]);
    own("2001:db8::10", ["eth0", "eth1"]);
    expect(transitions).toMatchObject([{ isFirst: true }, { isFirst: false }]);
    expect(book.state("web/nginx")).toEqual({
      addresses: ["192.0.2.10", "2001:db8::10"],
      interfaces: ["eth0", "eth1"],
    });
  });
});
