/**
 * What BGP needs of the cluster beside `ClusterState`: peers, advertisements, aliases, BFD profiles, and the Secrets that hold the
 * passwords of sessions. Apart from it, so that layer 2 does not wait for any of this.
 */
import type { Logger } from "pino";
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  ObjectMeta,
} from "../../lib/config/generated/resources";
import type { ApiReader } from "../cluster/api-client";
import type { ApiObject } from "../cluster/api-object";
import { Informer } from "../cluster/informer";

/** The resources of BGP as they were last seen. */
export interface BgpView {
  bgpPeers(): readonly BGPPeer[];
  bgpAdvertisements(): readonly BGPAdvertisement[];
  bfdProfiles(): readonly BFDProfile[];
  communities(): readonly Community[];
  /** The password in a Secret of Herald's namespace; undefined: there is no such Secret, or it holds none. */
  password(secretName: string): string | undefined;
}

export interface BgpClusterOptions {
  readonly client: ApiReader;
  /** Namespace of Herald's resources. */
  readonly namespace: string;
  readonly log: Logger;
  /** Called synchronously after any of it changed. */
  readonly onChange: () => void;
}

interface SecretObject extends ApiObject {
  readonly data?: Readonly<Record<string, string>> | null;
}

/** Only these are asked for: other Secrets of the namespace never reach this process. */
const PASSWORD_SECRETS = "type=kubernetes.io/basic-auth";

/** How long the first sessions wait for a list of Secrets that does not come. */
const SECRETS_WITHIN_MS = 5_000;

export class BgpCluster implements BgpView {
  readonly #peers: Informer<BGPPeer>;
  readonly #advertisements: Informer<BGPAdvertisement>;
  readonly #profiles: Informer<BFDProfile>;
  readonly #communities: Informer<Community>;
  readonly #secrets: Informer<string>;
  readonly #namespace: string;

  constructor(options: BgpClusterOptions) {
    const { client, log, namespace } = options;
    this.#namespace = namespace;
    const onChange = (_: string, now: unknown, before: unknown): void => {
      if (JSON.stringify(now) !== JSON.stringify(before)) options.onChange();
    };
    const watch = <Kind extends SpecifiedObject>(version: string, plural: string) =>
      new Informer<Kind>({
        client,
        log,
        path: `/apis/metallb.io/${version}/namespaces/${namespace}/${plural}`,
        store: (object: ApiObject) => keepSpec(object as Kind),
        onChange,
      });
    this.#peers = watch("v1beta2", "bgppeers");
    this.#advertisements = watch("v1beta1", "bgpadvertisements");
    this.#profiles = watch("v1beta1", "bfdprofiles");
    this.#communities = watch("v1beta1", "communities");
    this.#secrets = new Informer<string>({
      client,
      log,
      path: `/api/v1/namespaces/${namespace}/secrets`,
      selectors: { fieldSelector: PASSWORD_SECRETS },
      store: readPassword,
      onChange,
    });
  }

  start(): void {
    for (const informer of [...this.#resources(), this.#secrets]) informer.start();
  }

  stop(): void {
    for (const informer of [...this.#resources(), this.#secrets]) informer.stop();
  }

  /**
   * Resolves once the resources were listed, and the Secrets too unless that takes long: without the right to read them only the
   * sessions with a password are missing. Rejects if stopped before.
   */
  async whenSynced(): Promise<void> {
    await Promise.all(this.#resources().map(informer => informer.whenSynced()));
    if (!this.bgpPeers().some(({ spec }) => spec?.passwordSecret?.name)) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>(resolve => {
      timer = setTimeout(resolve, SECRETS_WITHIN_MS);
    });
    await Promise.race([this.#secrets.whenSynced(), patience]).finally(() => clearTimeout(timer));
  }

  /** The collections that were not listed yet, in words; Secrets are not among them. */
  missing(): readonly string[] {
    const names = ["BGPPeers", "BGPAdvertisements", "BFDProfiles", "Communities"];
    return this.#resources().flatMap((informer, index) =>
      informer.isSynced ? [] : (names[index] ?? []),
    );
  }

  bgpPeers(): readonly BGPPeer[] {
    return [...this.#peers.values()];
  }

  bgpAdvertisements(): readonly BGPAdvertisement[] {
    return [...this.#advertisements.values()];
  }

  bfdProfiles(): readonly BFDProfile[] {
    return [...this.#profiles.values()];
  }

  communities(): readonly Community[] {
    return [...this.#communities.values()];
  }

  password(secretName: string): string | undefined {
    const password = this.#secrets.get(`${this.#namespace}/${secretName}`);
    return password === "" ? undefined : password;
  }

  #resources(): readonly Informer<unknown>[] {
    return [this.#peers, this.#advertisements, this.#profiles, this.#communities];
  }
}

interface SpecifiedObject {
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
}

/** What the configuration reads of an object: no managedFields, no status. */
function keepSpec<Kind extends SpecifiedObject>(object: Kind): Kind {
  const { name, namespace, labels, uid, creationTimestamp } = object.metadata;
  const metadata = {
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(labels === undefined ? {} : { labels }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
  };
  const { spec } = object;
  return { metadata, ...(spec === undefined ? {} : { spec }) } as Kind;
}

/** Key `password`, decoded; empty text for a Secret without one. */
function readPassword({ data }: SecretObject): string {
  return Buffer.from(data?.["password"] ?? "", "base64").toString("utf8");
}
