/**
 * BGP peers for the bench, in a namespace: `<mode> <address> <count>` listens on so many ports and prints them as JSON. `quiet` keeps
 * sessions, `refuse` answers each OPEN with Cease, `flood` announces a million IPv4 and 200,000 IPv6 routes on each connection.
 */
import { makeCease } from "../../lib/bgp/codec/notification";
import { encodeMessage } from "../../lib/bgp/codec/message";
import { CeaseSubcode } from "../../lib/bgp/constants";
import type { IpPrefix } from "../../lib/net/ip-prefix";
import {
  greet,
  ScriptedPeer,
  type PeerConnection,
  type PeerScript,
} from "../../test/lab/bgp/scripted-peer";

const PREFIXES_PER_UPDATE = 200;

const SCRIPTS: Readonly<Record<string, PeerScript>> = {
  quiet: {},
  refuse: {
    answer: connection => {
      connection.say(makeCease(CeaseSubcode.administrativeShutdown, "no"));
      connection.socket.end();
    },
  },
  flood: {
    answer: connection => {
      greet(connection);
      flood(connection);
    },
  },
};

function flood(connection: PeerConnection): void {
  const updates = [...updatesOf("ipv4", 1_000_000), ...updatesOf("ipv6", 200_000)];
  const next = (index: number): void => {
    const update = updates[index];
    if (update !== undefined) connection.socket.write(update, () => next(index + 1));
  };
  next(0);
}

function* updatesOf(family: IpPrefix["family"], count: number): Generator<Uint8Array> {
  const path = { kind: "asSequence", autonomousSystems: [65_002] } as const;
  const base = family === "ipv4" ? 0x0100_0000n : 0x2001_0db8n << 96n;
  const shift = family === "ipv4" ? 8n : 64n;
  for (let start = 0; start < count; start += PREFIXES_PER_UPDATE) {
    const nlri = Array.from({ length: PREFIXES_PER_UPDATE }, (_, index) => ({
      family,
      value: base + (BigInt((start + index) % 60_000) << shift),
      lengthBits: family === "ipv4" ? 24 : 64,
    }));
    const address = { family: "ipv4", value: 0xc000_0202n } as const;
    yield encodeMessage(
      {
        type: "update",
        withdrawn: [],
        attributes: [
          ...(family === "ipv6"
            ? [
                {
                  type: "mpReachNlri",
                  family: "ipv6-unicast",
                  nextHop: { family: "ipv6", value: 1n },
                  nlri,
                } as const,
              ]
            : []),
          { type: "origin", origin: 0 },
          { type: "asPath", segments: [path] },
          ...(family === "ipv4" ? [{ type: "nextHop", address } as const] : []),
        ],
        nlri: family === "ipv4" ? nlri : [],
      },
      { hasFourOctetAs: true, maxMessageOctets: 4096 },
    );
  }
}

async function main([mode = "", address = "", count = "1"]: readonly string[]): Promise<void> {
  const script = SCRIPTS[mode];
  if (script === undefined) throw new Error(`no mode ${mode}`);
  const peers = await Promise.all(
    Array.from({ length: Number(count) }, () => ScriptedPeer.listen(address, script)),
  );
  console.log(JSON.stringify(peers.map(peer => peer.port)));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
