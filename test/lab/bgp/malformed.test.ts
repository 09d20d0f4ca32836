/** Malformed messages over TCP, each from a peer of its own to one BGP thread, beside a peer that does everything right. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleBgpPrograms, type BgpBundles } from "../../support/bgp-node";
import { eventually } from "../../support/netns";
import { MALFORMED_MESSAGES, type MalformedMessage } from "./malformed-messages";
import { greet, ScriptedPeer, type PeerConnection } from "./scripted-peer";
import { specFor, ThreadInTest } from "./thread-in-test";

const MARKER = "ff".repeat(16);
const LONGEST = 4_097;
const GOOD = "good";
const GOOD_ADDRESS = "127.0.0.1";
/** A route that nothing is wrong with: 198.51.100.0/24. */
const GOOD_UPDATE = Buffer.from(
  `${MARKER}002f02000000144001010040020602010000fdea400304c000020118c63364`,
  "hex",
);

/** What nothing is wrong with for us: families and capabilities that are not looked into, odd identifiers, End-of-RIB. */
const HARMLESS: readonly string[] = ["F2", "M7", "N1", "O8", "O18", "O23", "O25", "O26", "O30"];

let bundles: BgpBundles;
let thread: ThreadInTest;
const peers = new Map<string, ScriptedPeer>();

function octetsOf({ id, hex }: MalformedMessage): Buffer {
  if (id === "H1") return Buffer.from(hex, "hex");
  const octets = Buffer.from(MARKER + hex, "hex");
  return id === "H4" ? Buffer.concat([octets, Buffer.alloc(LONGEST - octets.length)]) : octets;
}

const isInsteadOfOpen = ({ id }: MalformedMessage): boolean => id.startsWith("O");

/** Says the malformed message, once, at its place of the conversation; is good on any later connection. */
function scriptOf(message: MalformedMessage) {
  let isSaid = false;
  const say = (connection: PeerConnection): void => {
    isSaid = true;
    connection.say(octetsOf(message));
  };
  return {
    answer: (connection: PeerConnection): void => {
      if (isSaid || !isInsteadOfOpen(message)) greet(connection);
      else {
        say(connection);
        // Good enough for those that keep the session.
        connection.say(Buffer.from(`${MARKER}001304`, "hex"));
      }
      if (isSaid || isInsteadOfOpen(message)) return;
      say(connection);
      connection.say(GOOD_UPDATE);
    },
  };
}

beforeAll(async () => {
  bundles = await bundleBgpPrograms();
  thread = await ThreadInTest.start(bundles.thread);
  const good = await ScriptedPeer.listen(GOOD_ADDRESS);
  peers.set(GOOD, good);
  const specs = [specFor(GOOD, GOOD_ADDRESS, good)];
  for (const [index, message] of MALFORMED_MESSAGES.entries()) {
    const address = `127.0.1.${index + 1}`;
    const peer = await ScriptedPeer.listen(address, scriptOf(message));
    peers.set(message.id, peer);
    specs.push(specFor(message.id, address, peer));
  }
  thread.post({ type: "sessions", sessions: specs });
  const prefixes = ["203.0.113.10/32"];
  const changes = specs.map(({ name }) => ({
    session: name,
    withdrawn: [],
    announced: [{ attributes: 0, prefixes }],
  }));
  const attributeSets = [{ communities: [], largeCommunities: [] }];
  thread.post({ type: "routes", attributeSets, changes });
  thread.post({ type: "synced" });
  await eventually("the good session is up", 5000, () => thread.isEstablished(GOOD));
});

afterAll(async () => {
  await thread.stop();
  for (const peer of peers.values()) peer.close();
  bundles.remove();
});

describe("a malformed message has its outcome and is counted:", () => {
  it.each(MALFORMED_MESSAGES)("$id $what → $outcomes", async message => {
    const { id, outcomes } = message;
    const peer = peers.get(id);
    const first = await eventually("connected", 5000, () => peer?.connections[0]);
    const outcome = await eventually("an outcome", 5000, () => outcomeOf(id, first));
    expect(outcomes).toContain(outcome);
    const wanted = { malformed: 0, notifications: outcome.includes("/") ? 1 : 0 };
    if (outcome === "KEEP" && !HARMLESS.includes(id)) wanted.malformed = 1;
    const counters = await eventually("counted", 3000, () => {
      const counted = thread.counters(id);
      const notifications = counted?.notifications[`sent ${outcome}`] ?? 0;
      const isCounted =
        notifications === wanted.notifications && counted?.malformedMessages === wanted.malformed;
      return isCounted && counted;
    });
    expect(counters.connectionAttempts).toBeLessThanOrEqual(3);
  });

  function outcomeOf(id: string, first: PeerConnection): string | undefined {
    const { notification } = first;
    if (notification !== undefined) return `${notification.code}/${notification.subcode}`;
    if (first.isClosed) return "CLOSE";
    // The good UPDATE behind it was read: the session bore it.
    const counters = thread.counters(id);
    const isBorne = thread.isEstablished(id) && (counters?.announcedPrefixes ?? 0) > 0;
    const hasOpened = id.startsWith("O") && thread.isEstablished(id);
    return isBorne || hasOpened ? "KEEP" : undefined;
  }

  it("never at the cost of the peer beside it", () => {
    expect(thread.session(GOOD)).toMatchObject({ state: "Established", flaps: 0 });
    expect(thread.reports.some(({ type }) => type === "failed")).toBe(false);
  });

  it("and routes are all back after a reset", async () => {
    for (const { id, outcomes } of MALFORMED_MESSAGES) {
      if (outcomes.includes("KEEP") || outcomes.includes("CLOSE")) continue;
      const peer = peers.get(id);
      const last = await eventually(`${id} is back`, 15_000, () =>
        peer !== undefined && peer.connections.length > 1 ? peer.connection : undefined,
      );
      // The route, and End-of-RIB of both families.
      await eventually(`${id} has its routes`, 5000, () => last.count("update") >= 3);
    }
  }, 60_000);
});
