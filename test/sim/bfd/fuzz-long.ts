/**
 * A long run: a million random and mutated datagrams and echo frames into a table of sessions, `npx tsx test/sim/bfd/fuzz-long.ts
 * [count] [seed]`. Nothing throws, every datagram is accepted or counted once, no deadline lies in the past after its timeout, what is
 * sent can be read by a strict peer, and the sessions of others stay Up.
 */
import { decodeControlPacket, encodeControlPacket } from "../../../lib/bfd/control-packet";
import { decodeEchoFrame, encodeEchoFrame } from "../../../lib/bfd/echo-packet";
import {
  BfdSessionTable,
  type BfdArrival,
  type BfdTableAction,
} from "../../../lib/bfd/session-table";
import type { IpAddress } from "../../../lib/net/ip-address";
import { assert } from "../../../lib/net/result";

const SESSIONS = 8;
/** This one's peer behaves; whatever comes from the others must not touch it. */
const QUIET = 0;
const HERE: IpAddress = { family: "ipv4", value: 0xc000_0201n };

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9) >>> 0;
    return ((state ^ (state >>> 12)) >>> 0) / 2 ** 32;
  };
}

function peerOf(index: number): IpAddress {
  return { family: "ipv4", value: 0xc000_0300n + BigInt(index) };
}

function arrivalFrom(index: number, ttl = 255): BfdArrival {
  const source = peerOf(index);
  return { source, destination: HERE, interfaceName: "eth0", vrf: "", isMultiHop: false, ttl };
}

class Fuzz {
  readonly #random: () => number;
  readonly #table: BfdSessionTable;
  #nowMs = 0;
  #accepted = 0;
  #dropped = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.#table = new BfdSessionTable(this.#random);
    const parameters = {
      desiredMinTxUs: 50_000,
      requiredMinRxUs: 50_000,
      detectMultiplier: 3,
      isPassive: false,
      echoIntervalUs: 50_000,
    };
    const ends = { vrf: "", isMultiHop: false, minimumTtl: 254, parameters };
    const sessions = Array.from({ length: SESSIONS }, (_, index) => ({
      ...ends,
      key: String(index),
      peer: peerOf(index),
    }));
    this.#table.configure(sessions, 0);
    this.#keepQuiet("Init");
  }

  run(count: number): { readonly accepted: number; readonly dropped: number } {
    for (let index = 0; index < count; index += 1) {
      this.#nowMs += this.#random() * 2;
      this.#one();
      if (index % 10 === 0) this.#turn();
    }
    const counted = Object.values(this.#table.dropped).reduce((sum, each) => sum + each, 0);
    assert(counted === this.#dropped, `${this.#dropped} dropped, ${counted} counted`);
    return { accepted: this.#accepted, dropped: this.#dropped };
  }

  #one(): void {
    if (this.#random() < 0.1) {
      this.#echo();
      return;
    }
    // Not from the quiet one's address: that host itself may do with its session what it wants.
    const from = 1 + Math.floor(this.#random() * SESSIONS);
    const ttl = this.#random() < 0.9 ? 255 : Math.floor(this.#random() * 256);
    this.#note(this.#table.receive(this.#datagram(), arrivalFrom(from, ttl), this.#nowMs));
  }

  #datagram(): Uint8Array {
    if (this.#random() < 0.2) {
      return Uint8Array.from({ length: Math.floor(this.#random() * 64) }, () => this.#octet());
    }
    const target = this.#table.sessions[Math.floor(this.#random() * SESSIONS)];
    const octets = encodeControlPacket({
      diagnostic: 0,
      state: (["AdminDown", "Down", "Init", "Up"] as const)[Math.floor(this.#random() * 4)] ?? "Up",
      isPoll: this.#random() < 0.3,
      isFinal: false,
      isControlPlaneIndependent: false,
      isDemand: this.#random() < 0.1,
      detectMultiplier: 1 + Math.floor(this.#random() * 255),
      myDiscriminator: 1 + Math.floor(this.#random() * 1_000),
      yourDiscriminator: target?.session.discriminator ?? 1,
      desiredMinTxUs: Math.floor(this.#random() * 2 ** 32),
      requiredMinRxUs: Math.floor(this.#random() * 2 ** 32),
      requiredMinEchoRxUs: Math.floor(this.#random() * 100_000),
    });
    return this.#mutate(octets);
  }

  #echo(): void {
    const target = this.#table.sessions[Math.floor(this.#random() * SESSIONS)];
    const mac = new Uint8Array(6);
    const frame = encodeEchoFrame(
      {
        address: HERE,
        myDiscriminator: target?.session.discriminator ?? 1,
        sentMs: Math.max(0, this.#nowMs - this.#random() * 300),
      },
      { source: mac, destination: mac },
    );
    const echo = decodeEchoFrame(this.#mutate(frame));
    if (echo.ok) this.#note(this.#table.receiveEcho(echo.value, "eth0", this.#nowMs));
  }

  #mutate(octets: Uint8Array): Uint8Array {
    const length =
      this.#random() < 0.1 ? Math.floor(this.#random() * octets.length) : octets.length;
    const copy = octets.slice(0, length);
    for (let left = Math.floor(this.#random() * 4); left > 0; left -= 1) {
      copy[Math.floor(this.#random() * copy.length)] = this.#octet();
    }
    return copy;
  }

  #turn(): void {
    this.#keepQuiet("Up");
    this.#check(this.#table.expire(this.#nowMs));
    assert(this.#table.nextDeadlineMs() > this.#nowMs, "a deadline that was dealt with is over");
    const quiet = this.#table.sessions[QUIET]?.session;
    assert(quiet?.state === "Up" && quiet.counters.downs === 0, "the quiet session stays Up");
  }

  /** The quiet one's peer, as it should be. */
  #keepQuiet(state: "Init" | "Up"): void {
    const quiet = this.#table.sessions[QUIET];
    const octets = encodeControlPacket({
      diagnostic: 0,
      state,
      isPoll: false,
      isFinal: state === "Up",
      isControlPlaneIndependent: false,
      isDemand: false,
      detectMultiplier: 3,
      myDiscriminator: 7,
      yourDiscriminator: quiet?.session.discriminator ?? 1,
      desiredMinTxUs: 50_000,
      requiredMinRxUs: 50_000,
      requiredMinEchoRxUs: 0,
    });
    const received = this.#table.receive(octets, arrivalFrom(QUIET), this.#nowMs);
    assert(received.ok, "the quiet peer's packets are accepted");
  }

  #note(result: ReturnType<BfdSessionTable["receive"]>): void {
    if (result.ok) {
      this.#accepted += 1;
      this.#check(result.value);
    } else this.#dropped += 1;
  }

  #check(actions: readonly BfdTableAction[]): void {
    for (const action of actions) {
      if (action.type !== "send") continue;
      assert(
        decodeControlPacket(encodeControlPacket(action.packet)).ok,
        "what is sent can be read",
      );
    }
  }

  #octet(): number {
    return Math.floor(this.#random() * 256);
  }
}

function main(): void {
  const [count = "1000000", seed = "1"] = process.argv.slice(2);
  const startMs = performance.now();
  const result = new Fuzz(Number(seed)).run(Number(count));
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  console.log(`${count} inputs, seed ${seed}: ${JSON.stringify(result)} in ${seconds} s`);
}

main();
