/** Asks the default gateway by ICMP twice a second, and says when it no longer answers, and when it does again. */
import { UplinkJudge } from "../lib/liveness/uplink";
import { formatIpAddress, type IpAddress } from "../lib/net/ip-address";
import { readDefaultGateways } from "./gateways";
import { IcmpEcho } from "./icmp-echo";

const ASK_EVERY_MS = 500;
/** Routes are read again this often. */
const READ_ROUTES_EVERY = 20;

export class UplinkWatch {
  readonly #onChange: (isReachable: boolean) => void;
  readonly #echo: IcmpEcho;
  readonly #timer: NodeJS.Timeout;
  #gateway: IpAddress | undefined;
  #judge = new UplinkJudge();
  #isReachable = true;
  #turns = 0;

  /** Throws when no raw socket can be opened. */
  constructor(onChange: (isReachable: boolean) => void) {
    this.#onChange = onChange;
    this.#echo = new IcmpEcho(process.pid, source => {
      const isGateway = this.#gateway && formatIpAddress(this.#gateway) === source;
      if (isGateway === true) this.#judge.noteReply(performance.now());
    });
    this.#timer = setInterval(() => this.#turn(), ASK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#echo.close();
  }

  #turn(): void {
    if (this.#turns % READ_ROUTES_EVERY === 0) this.#readRoutes();
    this.#turns += 1;
    if (this.#gateway !== undefined) {
      this.#judge.noteSent();
      this.#echo.send(this.#gateway);
    }
    // After the sockets were read: a main thread that stood still finds the answers that waited for it first.
    setImmediate(() => this.#report());
  }

  #report(): void {
    const isReachable = this.#judge.isReachable(performance.now());
    if (isReachable === this.#isReachable) return;
    this.#isReachable = isReachable;
    this.#onChange(isReachable);
  }

  #readRoutes(): void {
    const found = readDefaultGateways().find(({ address }) => address.family === "ipv4")?.address;
    if (found?.value === this.#gateway?.value) return;
    this.#gateway = found;
    this.#judge = new UplinkJudge();
  }
}
