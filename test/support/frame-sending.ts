/** Sends raw Ethernet frames from a host of a test segment. */
import type { FrameOrder } from "./frame-sender-program";
import type { Host } from "./netns";
import type { PacketBundles } from "./packet-node";

/** Frames that a host sends in turn: `count` in all (default: each once), at most `perSecond` (default 1,000). Returns how many left. */
export async function sendFrames(
  host: Host,
  bundles: PacketBundles,
  frames: readonly Uint8Array[],
  pace: { readonly count?: number; readonly perSecond?: number } = {},
): Promise<number> {
  const index = host.ip("-o", "link", "show", "eth0").split(":")[0] ?? "";
  const order: FrameOrder = {
    frames: frames.map(frame => Buffer.from(frame).toString("hex")),
    count: pace.count ?? frames.length,
    perSecond: pace.perSecond ?? 1_000,
  };
  const printed = await host.feed(
    JSON.stringify(order),
    process.execPath,
    bundles.frameSender,
    index,
  );
  return Number(printed);
}
