/** What a BGP speaker sent, read from a capture: each message with its time. */
import { once } from "node:events";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { eventually, type Host } from "../../test/support/netns";
import { StreamDecoder } from "../../lib/bgp/codec/stream-decoder";

export interface SentMessage {
  readonly atMs: number;
  /** One of `MessageType`. */
  readonly type: number;
  readonly octets: Uint8Array;
}

/** A running capture of the host's BGP traffic. */
export interface BgpCapture {
  /** Ends it; gives what the address sent, in order. Throws when the capture is not whole. */
  stop(sender: string): Promise<readonly SentMessage[]>;
}

export async function captureBgp(host: Host, path: string): Promise<BgpCapture> {
  const argv = ["netns", "exec", host.namespace, "tcpdump", "-i", "eth0", "-s", "0", "-B", "65536"];
  // Without immediate mode the kernel keeps the last packets back for up to a second, and they are lost at the end.
  const child = spawn("ip", [...argv, "--immediate-mode", "-U", "-w", path, "tcp port 179"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  await eventually("tcpdump listens", 5_000, () => said.includes("listening on"));
  return {
    stop: async sender => {
      // What is on its way to tcpdump has to arrive.
      await new Promise(resolve => setTimeout(resolve, 1_500));
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
      const dropped = /(\d+) packets? dropped by kernel/.exec(said)?.[1];
      if (dropped !== "0")
        throw new Error(`tcpdump lost ${dropped ?? "an unknown number of"} packets`);
      return readMessages(readFileSync(path), sender);
    },
  };
}

const FILE_HEADER_OCTETS = 24;
const RECORD_HEADER_OCTETS = 16;
const IPV4_OFFSET = 14;

/** Segments in order of arrival: on a bridge in one machine nothing is lost or reordered; repeated ones are passed over. */
function readMessages(file: Buffer, sender: string): readonly SentMessage[] {
  const messages: SentMessage[] = [];
  const streams = new Map<number, { decoder: StreamDecoder; nextSequence: number }>();
  let offset = FILE_HEADER_OCTETS;
  while (offset + RECORD_HEADER_OCTETS <= file.length) {
    const atMs = file.readUInt32LE(offset) * 1_000 + file.readUInt32LE(offset + 4) / 1_000;
    const length = file.readUInt32LE(offset + 8);
    const frame = file.subarray(
      offset + RECORD_HEADER_OCTETS,
      offset + RECORD_HEADER_OCTETS + length,
    );
    offset += RECORD_HEADER_OCTETS + length;
    const segment = readSegment(frame, sender);
    if (segment === undefined) continue;
    let stream = streams.get(segment.connection);
    if (stream === undefined) {
      stream = { decoder: new StreamDecoder(), nextSequence: segment.sequence };
      streams.set(segment.connection, stream);
    }
    if (segment.sequence !== stream.nextSequence) continue;
    stream.nextSequence = (segment.sequence + segment.payload.length) >>> 0;
    stream.decoder.push(segment.payload);
    for (let next = stream.decoder.next(); next?.ok === true; next = stream.decoder.next()) {
      messages.push({ atMs, type: next.value.type, octets: next.value.octets.slice() });
    }
  }
  return messages;
}

function readSegment(frame: Buffer, sender: string) {
  const isIpv4 = frame.length > 54 && frame.readUInt16BE(12) === 0x0800;
  if (!isIpv4 || frame.subarray(IPV4_OFFSET + 12, IPV4_OFFSET + 16).join(".") !== sender) {
    return undefined;
  }
  const tcp = IPV4_OFFSET + (frame.readUInt8(IPV4_OFFSET) & 15) * 4;
  const end = IPV4_OFFSET + frame.readUInt16BE(IPV4_OFFSET + 2);
  const payload = frame.subarray(tcp + (frame.readUInt8(tcp + 12) >> 4) * 4, end);
  if (payload.length === 0) return undefined;
  const connection = frame.readUInt16BE(tcp) * 65_536 + frame.readUInt16BE(tcp + 2);
  return { connection, sequence: frame.readUInt32BE(tcp + 4), payload };
}
