/**
 * The routes of this node, kept in step with the cluster: judges the configuration as a whole, plans one Service at a time, and
 * leaves the sums to `RouteTable`. It holds no timer and sends nothing.
 */
import { prepareRoutes, type BgpContext } from "../../lib/announcement/bgp-context";
import { planRoutes, type RoutePlan } from "../../lib/announcement/plan-routes";
import { RouteTable } from "../../lib/announcement/route-table";
import type { AnnouncementOptions, ServiceFacts } from "../../lib/announcement/snapshot";
import { checkConfiguration } from "../../lib/config/check";
import type { Configuration } from "../../lib/config/configuration";
import { formatProblem, type Problem } from "../../lib/config/problem";
import { ReadMemo } from "../../lib/config/read-memo";
import type { BgpView } from "./bgp-cluster";
import type { ClusterView } from "./cluster-state";
import { toVerdict, type ConfigurationVerdict } from "./configuration-verdict";

export interface BgpPlannerOptions {
  readonly nodeName: string;
  readonly cluster: ClusterView;
  readonly view: BgpView;
  readonly options: AnnouncementOptions;
}

/** Kinds whose problems layer 2 does not report. */
const BGP_KINDS: ReadonlySet<string> = new Set([
  "BFDProfile",
  "BGPAdvertisement",
  "BGPPeer",
  "Community",
]);

export class BgpPlanner {
  readonly table = new RouteTable();
  readonly #given: BgpPlannerOptions;
  readonly #plans = new Map<string, RoutePlan>();
  readonly #memo = new ReadMemo();
  #configuration: Configuration | undefined;
  #context: BgpContext | undefined;
  #verdict: ConfigurationVerdict = { isStale: false, problems: [] };
  #isRefused = false;

  constructor(given: BgpPlannerOptions) {
    this.#given = given;
  }

  /** The configuration in force; undefined before the first `planEverything`. */
  get configuration(): Configuration | undefined {
    return this.#configuration;
  }

  get context(): BgpContext | undefined {
    return this.#context;
  }

  get verdict(): ConfigurationVerdict {
    return this.#verdict;
  }

  /** The newest configuration is not used as a whole; the next change of a Service may make it usable. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  plan(key: string): RoutePlan | undefined {
    return this.#plans.get(key);
  }

  keys(): Iterable<string> {
    return this.#plans.keys();
  }

  /** Plans these Services again. */
  planServices(keys: Iterable<string>): void {
    if (this.#context === undefined) return;
    for (const key of keys) this.#adopt(key, this.#planOne(this.#context, key));
  }

  /**
   * Judges the configuration anew and plans every Service. A configuration that has no pool any more for the address of an announced
   * Service is not used until the controller has moved it (V-X6).
   */
  planEverything(): void {
    const { cluster } = this.#given;
    const { configuration, problems } = this.#judge();
    const services = [...cluster.services()];
    const lost = this.#findLost(this.#prepare(configuration), services);
    this.#verdict = toVerdict(refusals(problems), lost);
    this.#isRefused = lost.length > 0;
    if (!this.#isRefused || this.#configuration === undefined) this.#configuration = configuration;
    const context = this.#prepare(this.#configuration);
    this.#context = context;
    const known = new Set(services.map(({ key }) => key));
    for (const key of [...this.#plans.keys()]) if (!known.has(key)) this.#adopt(key, undefined);
    for (const { key } of services) this.#adopt(key, this.#planOne(context, key));
  }

  /** What forbids this node to announce anything as the cluster is now, planned or not. */
  whyUnavailable(): BgpContext["unavailability"] {
    return this.#configuration && this.#prepare(this.#configuration).unavailability;
  }

  #adopt(key: string, plan: RoutePlan | undefined): void {
    if (plan === undefined) this.#plans.delete(key);
    else this.#plans.set(key, plan);
    this.table.setService(key, plan?.type === "announce" ? plan.contributions : []);
  }

  #planOne(context: BgpContext, key: string): RoutePlan | undefined {
    const { cluster } = this.#given;
    const service = cluster.service(key);
    return service && planRoutes(context, service, cluster.endpointsOf(key));
  }

  #prepare(configuration: Configuration): BgpContext {
    const { cluster, nodeName, options } = this.#given;
    const node = [...cluster.nodes()].find(({ name }) => name === nodeName);
    return prepareRoutes({ configuration, node, options }, nodeName);
  }

  /** Secrets are left out: whether one is there is no matter of the configuration but of the session that needs it. */
  #judge(): { configuration: Configuration; problems: readonly Problem[] } {
    const { cluster, view } = this.#given;
    return checkConfiguration(
      {
        ipAddressPools: cluster.ipAddressPools(),
        bgpAdvertisements: view.bgpAdvertisements(),
        bgpPeers: view.bgpPeers(),
        bfdProfiles: view.bfdProfiles(),
        communities: view.communities(),
        nodes: Array.from(cluster.nodes(), ({ name, labels }) => ({ name, labels })),
      },
      { memo: this.#memo },
    );
  }

  #findLost(context: BgpContext, services: readonly ServiceFacts[]): readonly string[] {
    if (this.#configuration === undefined) return [];
    return services
      .map(({ key }) => key)
      .filter(key => this.#plans.get(key)?.type === "announce")
      .filter(key => {
        const plan = this.#planOne(context, key);
        return plan?.type === "withhold" && plan.reason === "ipNotAllowed";
      });
  }
}

/** The sentences of refused objects of BGP's kinds. */
function refusals(problems: readonly Problem[]): readonly string[] {
  return problems
    .filter(({ severity, object }) => severity === "refuse" && BGP_KINDS.has(object.kind))
    .map(formatProblem);
}
