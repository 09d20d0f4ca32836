/**
 * What runs in the BGP thread: all sessions, one timer for their deadlines, commands in, reports out. An ordinary event loop: nothing
 * here waits, and long commands are carried out in portions between which sockets are read.
 */
import type { RouteAttributes } from "../lib/bgp/route-attributes";
import { parseIpPrefix, type IpPrefix } from "../lib/net/ip-prefix";
import type {
  BfdRequest,
  BfdRequests,
  BfdStateMessage,
  BgpSessionSpec,
  BgpThreadCommand,
  LeaveCommand,
  RoutesPortion,
} from "./bgp-protocol";
import type { BgpReports } from "./bgp-reports";
import { compareSpecs } from "./bgp-session-changes";
import { BgpSessionDriver, type SessionPorts } from "./bgp-session-driver";
import type { RouterDiscoveries } from "./router-discoveries";

export interface EnginePorts extends Omit<SessionPorts, "onChange"> {
  readonly discoveries: RouterDiscoveries;
  /** To the packet thread. */
  readonly postBfd: (requests: BfdRequests) => void;
  /** `stop` came: everything is closed. */
  readonly onStop: () => void;
}

const HOUSEKEEPING_MS = 1000;

export class BgpEngine {
  readonly #ports: EnginePorts;
  readonly #sessionPorts: SessionPorts;
  readonly #reports: BgpReports;
  readonly #drivers = new Map<string, BgpSessionDriver>();
  /** Taken from the set, or replaced; they end by themselves. */
  readonly #leaving = new Set<BgpSessionDriver>();
  readonly #deadlines = new Map<BgpSessionDriver, number>();
  readonly #reported = new Map<string, string>();
  readonly #commands: BgpThreadCommand[] = [];
  readonly #unflushed = new Set<BgpSessionDriver>();
  #isDraining = false;
  #isFlushDue = false;
  #isSynced = false;
  #leave: LeaveCommand | undefined;
  #hasLeft = false;
  #timer: NodeJS.Timeout | undefined;
  #armedForMs = Infinity;
  #nextHousekeepingMs: number;
  #worstLoopDelayMs = 0;
  #bfdRequests: readonly BfdRequest[] = [];
  #isBfdDue = false;

  constructor(ports: EnginePorts) {
    this.#ports = ports;
    this.#reports = ports.reports;
    this.#sessionPorts = { ...ports, onChange: driver => this.#noteChange(driver) };
    this.#nextHousekeepingMs = ports.clock.monotonicMs() + HOUSEKEEPING_MS;
    this.#arm();
  }

  /** Carries the command out: at once, or after those before it. `stop` waits for none. */
  receive(command: BgpThreadCommand): void {
    if (command.type === "stop") {
      this.#commands.length = 0;
      this.#carryOut(command);
      return;
    }
    this.#commands.push(command);
    if (!this.#isDraining) this.#drain();
  }

  handleBfd(message: BfdStateMessage): void {
    this.#drivers.get(message.session)?.handleBfd(message);
  }

  #drain(): void {
    const command = this.#commands.shift();
    if (command === undefined) return;
    this.#carryOut(command);
    const isPortion = command.type === "routesPortion" && !command.isLast;
    this.#isDraining = isPortion || this.#commands.length > 0;
    if (!this.#isDraining) return;
    setImmediate(() => {
      this.#isDraining = false;
      this.#drain();
    });
  }

  #carryOut(command: BgpThreadCommand): void {
    switch (command.type) {
      case "sessions":
        if (this.#leave === undefined) this.#setSessions(command.sessions);
        return;
      case "routesPortion":
        if (this.#leave === undefined) this.#changeRoutes(command);
        return;
      case "synced":
        this.#isSynced = true;
        for (const driver of this.#drivers.values()) driver.release();
        return;
      case "leave":
        this.#beginLeave(command);
        return;
      case "stop":
        this.#stop();
    }
  }

  #setSessions(specs: readonly BgpSessionSpec[]): void {
    const wanted = new Map(specs.map(spec => [spec.name, spec]));
    for (const [name, driver] of [...this.#drivers]) {
      if (wanted.has(name)) continue;
      this.#drivers.delete(name);
      this.#leaveBehind(driver);
    }
    for (const spec of wanted.values()) this.#setSession(spec);
    this.#watchInterfaces();
    this.#askForBfd();
  }

  #setSession(spec: BgpSessionSpec): void {
    const driver = this.#drivers.get(spec.name);
    if (driver === undefined) {
      this.#makeDriver(spec).start();
      return;
    }
    switch (compareSpecs(driver.spec, spec)) {
      case "none":
        return;
      case "adjust":
        driver.adjust(spec);
        return;
      case "reset":
        driver.reset(spec);
        return;
      case "replace": {
        const next = this.#makeDriver(spec);
        next.copyRoutes(driver);
        this.#leaveBehind(driver);
        next.start();
      }
    }
  }

  #makeDriver(spec: BgpSessionSpec): BgpSessionDriver {
    const driver = new BgpSessionDriver(spec, !this.#isSynced, this.#sessionPorts);
    this.#drivers.set(spec.name, driver);
    return driver;
  }

  #leaveBehind(driver: BgpSessionDriver): void {
    this.#leaving.add(driver);
    driver.leave("removed", "", 0);
  }

  #changeRoutes(portion: RoutesPortion): void {
    for (const { session, withdrawn, announced } of portion.changes) {
      const driver = this.#drivers.get(session);
      if (driver === undefined) continue;
      driver.withdraw(parsePrefixes(withdrawn));
      for (const { attributes, prefixes } of announced) {
        const set: RouteAttributes | undefined = portion.attributeSets[attributes];
        if (set !== undefined) driver.announce(parsePrefixes(prefixes), set);
      }
      this.#unflushed.add(driver);
    }
    if (!portion.isLast) return;
    if (portion.sequence !== undefined) {
      for (const driver of this.#unflushed) driver.awaitWritten(portion.sequence);
    }
    this.#flushSoon();
  }

  /** Commands of one turn of the loop become the fewest UPDATEs. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      const drivers = [...this.#unflushed];
      this.#unflushed.clear();
      for (const driver of drivers) driver.flush();
    });
  }

  #beginLeave(command: LeaveCommand): void {
    if (this.#leave !== undefined) return;
    this.#leave = command;
    for (const driver of this.#drivers.values()) {
      driver.leave(command.reason, command.text ?? "", command.drainMs ?? 0);
    }
    this.#checkLeft();
  }

  #stop(): void {
    this.#leave ??= { type: "leave", reason: "restart" };
    for (const driver of [...this.#drivers.values(), ...this.#leaving]) driver.abandon();
    this.#ports.discoveries.close();
    clearTimeout(this.#timer);
    this.#armedForMs = -Infinity;
    this.#reports.flush();
    this.#ports.onStop();
  }

  #noteChange(driver: BgpSessionDriver): void {
    const deadlineMs = driver.nextDeadlineMs();
    if (deadlineMs === undefined) this.#deadlines.delete(driver);
    else this.#deadlines.set(driver, deadlineMs);
    if (driver.isGone) this.#forget(driver);
    this.#arm();
    this.#askForBfdSoon();
  }

  #forget(driver: BgpSessionDriver): void {
    if (this.#leaving.delete(driver)) {
      this.#deadlines.delete(driver);
      const { name } = driver.spec;
      if (this.#drivers.has(name)) return;
      this.#reported.delete(name);
      this.#reports.add({ type: "sessionGone", session: name });
    }
    this.#checkLeft();
  }

  #checkLeft(): void {
    if (this.#leave === undefined || this.#hasLeft) return;
    const all = [...this.#drivers.values(), ...this.#leaving];
    if (!all.every(driver => driver.isGone)) return;
    this.#hasLeft = true;
    this.#reports.add({ type: "left" });
  }

  #arm(): void {
    let dueMs = this.#nextHousekeepingMs;
    for (const deadlineMs of this.#deadlines.values()) dueMs = Math.min(dueMs, deadlineMs);
    if (dueMs >= this.#armedForMs) return;
    clearTimeout(this.#timer);
    this.#armedForMs = dueMs;
    const waitMs = Math.max(0, Math.ceil(dueMs - this.#ports.clock.monotonicMs()));
    this.#timer = setTimeout(() => this.#wake(dueMs), waitMs);
  }

  /** After a stall, what arrived meanwhile is read first: it may be what a timer waits for. */
  #wake(dueMs: number): void {
    const delayMs = this.#ports.clock.monotonicMs() - dueMs;
    this.#worstLoopDelayMs = Math.max(this.#worstLoopDelayMs, delayMs);
    setImmediate(() => {
      const nowMs = this.#ports.clock.monotonicMs();
      this.#armedForMs = Infinity;
      for (const [driver, deadlineMs] of [...this.#deadlines]) {
        if (deadlineMs <= nowMs) driver.handleTimeout();
      }
      if (this.#nextHousekeepingMs <= nowMs) this.#keepHouse(nowMs);
      this.#arm();
    });
  }

  #keepHouse(nowMs: number): void {
    this.#nextHousekeepingMs = nowMs + HOUSEKEEPING_MS;
    const perSession = [...this.#drivers.values()].flatMap(driver => {
      const { counters } = driver;
      const text = JSON.stringify(counters);
      if (this.#reported.get(counters.session) === text) return [];
      this.#reported.set(counters.session, text);
      return counters;
    });
    const worstLoopDelayMs = this.#worstLoopDelayMs;
    this.#worstLoopDelayMs = 0;
    this.#reports.add({ type: "counters", perSession, worstLoopDelayMs });
  }

  /** Sessions by interface wait for the routers there. */
  #watchInterfaces(): void {
    const names = [...this.#drivers.values()].flatMap(({ spec: { target } }) =>
      target.type === "interface" ? target.interface : [],
    );
    this.#ports.discoveries.watch(new Set(names), (name, neighbor) => {
      for (const driver of this.#drivers.values()) {
        const { target } = driver.spec;
        if (target.type === "interface" && target.interface === name) driver.setNeighbor(neighbor);
      }
    });
  }

  #askForBfdSoon(): void {
    if (this.#isBfdDue) return;
    this.#isBfdDue = true;
    setImmediate(() => this.#askForBfd());
  }

  #askForBfd(): void {
    this.#isBfdDue = false;
    const requests = [...this.#drivers.values()].flatMap(driver => driver.bfdRequest() ?? []);
    if (JSON.stringify(requests) === JSON.stringify(this.#bfdRequests)) return;
    this.#bfdRequests = requests;
    this.#ports.postBfd({ type: "bfdRequests", requests });
  }
}

/** What is no prefix is passed over: main made them from checked ones. */
function parsePrefixes(texts: readonly string[]): readonly IpPrefix[] {
  return texts.flatMap(text => {
    const prefix = parseIpPrefix(text);
    return prefix.ok ? prefix.value : [];
  });
}
