/** One daemon on a segment of its own with a node, for the matrix. */
import type { RouterName } from "../../../lab/routers/packages";
import type { LearntRoute, Router, RouterPeer, RouterSettings } from "../../../lab/routers/router";
import type { BgpSessionReport } from "../../../node/bgp-protocol";
import { BgpNode, type BgpBundles } from "../../support/bgp-node";
import { eventually, type Segment } from "../../support/netns";
import {
  begin,
  DAEMONS,
  learnt,
  makeSegment,
  routerSettings,
  SESSION,
  VIP,
  type SessionOptions,
} from "./support";

export interface Meeting {
  readonly peer: Router;
  readonly session: BgpSessionReport;
  readonly routes: readonly LearntRoute[];
}

export class DaemonLab {
  readonly daemon: RouterName;
  readonly segment: Segment;
  readonly node: BgpNode;
  readonly #bundles: BgpBundles;
  #router: Router | undefined;

  private constructor(daemon: RouterName, segment: Segment, node: BgpNode, bundles: BgpBundles) {
    this.daemon = daemon;
    this.segment = segment;
    this.node = node;
    this.#bundles = bundles;
  }

  static async up(daemon: RouterName, bundles: BgpBundles): Promise<DaemonLab> {
    const segment = makeSegment(`bgp-matrix-${daemon}`);
    try {
      const node = await BgpNode.start(segment.host("node"), bundles);
      return new DaemonLab(daemon, segment, node, bundles);
    } catch (error) {
      segment.destroy();
      throw error;
    }
  }

  get router(): Router | undefined {
    return this.#router;
  }

  /** Another node process beside the lab's own; its end is the caller's. */
  startNode(): Promise<BgpNode> {
    return BgpNode.start(this.segment.host("node"), this.#bundles);
  }

  async startRouter(
    peer: Partial<RouterPeer> = {},
    settings: Partial<RouterSettings> = {},
  ): Promise<Router> {
    const start = DAEMONS[this.daemon];
    const { namespace } = this.segment.host("router");
    this.#router = await start(namespace, routerSettings(peer, settings));
    return this.#router;
  }

  async endRouter(how: "stop" | "kill"): Promise<void> {
    const ending = this.#router;
    this.#router = undefined;
    await ending?.[how]();
  }

  /** Starts both sides and waits for the session and the routes. */
  async meet(
    ours: SessionOptions,
    theirs: Partial<RouterPeer>,
    prefixes: readonly string[] = [VIP],
    settings: Partial<RouterSettings> = {},
  ): Promise<Meeting> {
    const peer = await this.startRouter(theirs, settings);
    begin(this.node, ours, prefixes);
    const session = await this.node.established(SESSION);
    return { peer, session, routes: await learnt(peer, prefixes) };
  }

  /** Ready for the next test. */
  async clean(): Promise<void> {
    await this.endRouter("stop");
    this.node.post({ type: "sessions", sessions: [] });
    await eventually("the session is gone", 5000, () => this.node.session(SESSION) === undefined);
  }

  async down(): Promise<void> {
    await this.endRouter("kill");
    await this.node.stop();
    this.segment.destroy();
  }
}
