/**
 * The sessions of this node: one for each BGPPeer that selects it, as soon as its password is known. A running session keeps the
 * password it had while its Secret is away; one that never had it waits, and an event says what for.
 */
import type { BgpContext } from "../../lib/announcement/bgp-context";
import type { BgpPeerConfig, Configuration } from "../../lib/config/configuration";
import { parseIpAddress, type IpAddress } from "../../lib/net/ip-address";
import type { BgpSessionSpec } from "../../node/bgp-protocol";
import type { BgpView } from "./bgp-cluster";
import { toSessionSpec } from "./bgp-sessions";
import type { ClusterView } from "./cluster-state";
import type { LocalNetwork } from "./local-network";

export interface BgpSessionSetOptions {
  readonly nodeName: string;
  readonly cluster: Pick<ClusterView, "nodes">;
  readonly view: Pick<BgpView, "password">;
  readonly network: () => LocalNetwork;
  readonly restartSeconds: number;
  /** Called once for each time that a session begins to wait for its password. */
  readonly onMissingPassword: (peer: string, secretName: string) => void;
}

export interface SessionSetUpdate {
  readonly sessions: readonly BgpSessionSpec[];
  /** Names of those that were not there before. */
  readonly added: readonly string[];
  /** True if anything differs from the last update. */
  readonly isChanged: boolean;
}

interface KnownPassword {
  readonly secretName: string;
  readonly password: string;
}

export class BgpSessionSet {
  readonly #options: BgpSessionSetOptions;
  readonly #passwords = new Map<string, KnownPassword>();
  readonly #waiting = new Set<string>();
  #localAs: ReadonlyMap<string, number> = new Map();
  #lastText: string | undefined;

  constructor(options: BgpSessionSetOptions) {
    this.#options = options;
  }

  /** Names of the sessions there are. */
  get names(): ReadonlySet<string> {
    return new Set(this.#localAs.keys());
  }

  /** The AS presented to the session; 0 for one that is not there. */
  localAsOf(session: string): number {
    return this.#localAs.get(session) ?? 0;
  }

  /** The sessions as they shall be now. */
  update(context: BgpContext, { bfdProfiles }: Configuration): SessionSetUpdate {
    const { nodeName, cluster, restartSeconds } = this.#options;
    const network = this.#options.network();
    const node = [...cluster.nodes()].find(({ name }) => name === nodeName);
    const addresses = node?.internalAddresses ?? [];
    const sessions = context.peers.flatMap(peer => {
      const password = this.#passwordOf(peer);
      if (password === undefined) return [];
      return toSessionSpec(peer, {
        nodeName,
        nodeIpv4: firstIpv4(addresses),
        interfaceIpv4: network.interfaceIpv4Of(addresses),
        isOnLink: address => network.isOnLink(address),
        bfdProfile: bfdProfiles.find(({ name }) => name === peer.bfdProfile),
        password: password === "" ? undefined : password,
        restartSeconds,
      });
    });
    this.#forgetPasswords(context.peers);
    const before = this.names;
    this.#localAs = new Map(sessions.map(each => [each.name, each.configuration.localAs]));
    const text = JSON.stringify(sessions);
    const isChanged = text !== this.#lastText;
    this.#lastText = text;
    const added = sessions.map(({ name }) => name).filter(name => !before.has(name));
    return { sessions, added, isChanged };
  }

  /** Empty text: the session has none; undefined: it is not known yet. */
  #passwordOf({ name, password }: BgpPeerConfig): string | undefined {
    if (password === undefined) return "";
    if ("text" in password) return password.text;
    const { secretName } = password;
    const current = this.#options.view.password(secretName);
    if (current !== undefined) {
      this.#waiting.delete(name);
      this.#passwords.set(name, { secretName, password: current });
      return current;
    }
    const known = this.#passwords.get(name);
    if (known?.secretName === secretName) return known.password;
    if (!this.#waiting.has(name)) this.#options.onMissingPassword(name, secretName);
    this.#waiting.add(name);
    return undefined;
  }

  #forgetPasswords(peers: readonly BgpPeerConfig[]): void {
    const names = new Set(peers.map(({ name }) => name));
    for (const name of [...this.#passwords.keys(), ...this.#waiting]) {
      if (names.has(name)) continue;
      this.#passwords.delete(name);
      this.#waiting.delete(name);
    }
  }
}

function firstIpv4(addresses: readonly string[]): IpAddress | undefined {
  for (const text of addresses) {
    const parsed = parseIpAddress(text);
    if (parsed.ok && parsed.value.family === "ipv4") return parsed.value;
  }
  return undefined;
}
