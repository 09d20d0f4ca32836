import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { BgpSessionReporter } from "../../../../capabilities/speaker/bgp-session-reporter";
import type { BgpSessionReport } from "../../../../node/bgp-protocol";

type State = BgpSessionReport["state"];

function given() {
  const said: string[] = [];
  const uids: (string | undefined)[] = [];
  const reporter = new BgpSessionReporter({
    nodeName: "n1",
    namespace: "metallb-system",
    events: {
      record: ({ kind, name, uid }, { type, reason, message }) => {
        uids.push(uid);
        said.push(`${kind}/${name} ${type} ${reason}: ${message}`);
      },
    },
    view: { bgpPeers: () => [{ metadata: { name: "r1", uid: "u-1" }, spec: {} as never }] },
    log: pino({ level: "silent" }),
  });
  const note = (state: State, words: string, warnings: readonly string[] = []): void =>
    reporter.note({ type: "session", session: "r1", state, words, flaps: 0, warnings });
  return { said, uids, reporter, note };
}

const UP = 'BGPPeer/r1 Normal sessionUp: BGP session from node "n1" is up';

describe("what a BGPPeer's events say", () => {
  it("is why a session does not come up, once for each reason", () => {
    const { said, note } = given();
    note("Idle", "not started");
    note("Connect", "started");
    for (let attempt = 0; attempt < 3; attempt += 1) {
      note("Active", "connection refused");
      note("Connect", "connect retry timer expired");
    }
    note("OpenSent", "TCP is up");
    note("Idle", "peer sent OPEN message error 2/2");
    const words = 'BGPPeer/r1 Warning sessionFailed: BGP session from node "n1" does not come up';
    expect(said).toEqual([
      `${words}: connection refused`,
      `${words}: peer sent OPEN message error 2/2`,
    ]);
  });

  it("is when it came up and why it went down, and an old trouble is news after that", () => {
    const { said, note, uids } = given();
    note("Connect", "started");
    note("Active", "connection refused");
    note("Established", "KEEPALIVE received");
    note("Idle", "hold timer expired");
    note("Connect", "starting again");
    note("Active", "connection refused");
    expect(said.map(text => text.split(" ")[2])).toEqual([
      "sessionFailed:",
      "sessionUp:",
      "sessionDown:",
      "sessionFailed:",
    ]);
    expect(said[1]).toBe(UP);
    expect(said[2]).toContain("is down: hold timer expired");
    expect(new Set(uids)).toEqual(new Set(["u-1"]));
  });

  it("is a warning once, and again when it was gone meanwhile", () => {
    const { said, note } = given();
    note("Established", "", ["no next hop"]);
    note("Established", "", ["no next hop"]);
    note("Established", "", []);
    note("Established", "", ["no next hop"]);
    const warning = 'BGPPeer/r1 Warning sessionWarning: BGP session from node "n1": no next hop';
    expect(said).toEqual([UP, warning, warning]);
  });

  it("is the end of a session that was up and is configured no more", () => {
    const { said, reporter, note } = given();
    note("Established", "");
    reporter.forget("r1");
    reporter.forget("r1");
    expect(said).toHaveLength(2);
    expect(said[1]).toContain("it is not configured any more");
  });

  it("is which Secret a session waits for", () => {
    const { said, reporter } = given();
    reporter.noteMissingPassword("r1", "key");
    expect(said[0]).toContain("Warning passwordMissing");
    expect(said[0]).toContain("no Secret key of type kubernetes.io/basic-auth");
  });
});
