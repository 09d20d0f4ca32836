/**
 * Runs in the client of a lab: one new HTTP connection after the other until standard input ends, and beside them a few that stay
 * open. Every few requests the neighbor entry goes, so that the address is asked for as a new client would. Prints one JSON
 * object. Arguments: address, least number of requests.
 */
import { execFile } from "node:child_process";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { TrafficResult } from "./traffic";

/** A TCP segment that is lost is sent again after 200 ms at least, a SYN after one second. */
const LOST_AFTER_MS = 900;
/** 200 requests a second: faster, the client's 28,000 ports come round while conntrack still remembers their last connections. */
const PERIOD_MS = 5;
const KEPT_CONNECTIONS = 5;
const FORGET_EVERY = 20;
const REQUEST = "GET / HTTP/1.1\r\nHost: lab\r\n";

const [, , address = "", least = "0"] = process.argv;
const result = { requests: 0, failed: 0, cut: 0, worstMs: 0, kept: KEPT_CONNECTIONS, broken: 0 };
const failures: string[] = [];
const startedMs = performance.now();
let isOver = false;

/** What went wrong with a request, and whether its connection stood already. */
interface Problem {
  readonly text: string;
  readonly wasConnected: boolean;
}

function note(text: string): void {
  const atMs = Math.round(performance.now() - startedMs);
  if (failures.length < 10) failures.push(`request ${result.requests}, ${atMs} ms: ${text}`);
}

/** One request on a connection of its own. */
function request(): Promise<Problem | undefined> {
  return new Promise(resolve => {
    const socket = connect(80, address);
    let answer = "";
    let wasConnected = false;
    const end = (text: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text === undefined ? undefined : { text, wasConnected });
    };
    const timer = setTimeout(() => end("timeout"), LOST_AFTER_MS);
    socket.on("connect", () => {
      wasConnected = true;
      socket.write(`${REQUEST}Connection: close\r\n\r\n`);
    });
    socket.on("data", data => (answer += data.toString("latin1")));
    socket.on("error", error => end(error.message));
    socket.on("close", () => end(answer.startsWith("HTTP/1.1 200") ? undefined : "no answer"));
  });
}

function keep(): void {
  const socket: Socket = connect(80, address);
  const timer = setInterval(() => socket.write(`${REQUEST}\r\n`), 100);
  const end = (): void => {
    clearInterval(timer);
    if (isOver) return;
    result.broken += 1;
    note(`kept connection: ${why}`);
  };
  let why = "closed";
  socket.on("data", () => undefined);
  socket.on("error", error => {
    why = error.message;
    socket.destroy();
  });
  socket.on("close", end);
}

async function forget(): Promise<void> {
  await new Promise(resolve => execFile("ip", ["neigh", "del", address, "dev", "eth0"], resolve));
}

async function main(): Promise<void> {
  let mayEnd = false;
  process.stdin.on("end", () => (mayEnd = true)).resume();
  for (let index = 0; index < KEPT_CONNECTIONS; index += 1) keep();
  process.stderr.write("started\n");
  // The loop's end is decided by an event of another turn.
  const isDone = (): boolean => mayEnd && result.requests >= Number(least);
  while (!isDone()) {
    if (result.requests % FORGET_EVERY === 0) await forget();
    const startMs = performance.now();
    const problem = await request();
    const tookMs = performance.now() - startMs;
    result.requests += 1;
    result.worstMs = Math.max(result.worstMs, tookMs);
    if (problem !== undefined) {
      if (problem.wasConnected) result.cut += 1;
      else result.failed += 1;
      note(problem.text);
    }
    await sleep(Math.max(0, PERIOD_MS - tookMs));
  }
  isOver = true;
  process.stdout.write(`${JSON.stringify({ ...result, failures } satisfies TrafficResult)}\n`);
  process.exit(0);
}

void main();
