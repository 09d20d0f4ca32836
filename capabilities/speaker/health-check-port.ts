/** Asking kube-proxy whether it serves a Service on this node (`spec.healthCheckNodePort`). */
import { get } from "node:http";

const TIMEOUT_MS = 500;
/** The answer is a small JSON object; more is not read. */
const MAX_OCTETS = 4_096;

/** Whether the port answers 200 and counts at least one local endpoint. Never rejects. */
export function isServingLocally(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const request = get({ host: "127.0.0.1", port, path: "/", timeout: TIMEOUT_MS }, response => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length > MAX_OCTETS) request.destroy();
      });
      response.on("error", () => resolve(false));
      response.on("close", () => resolve(false));
      response.on("end", () => resolve(response.statusCode === 200 && hasLocalEndpoint(text)));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

/** `{"service":{…},"localEndpoints":2}`; a proxy that says nothing about endpoints is believed by its 200. */
export function hasLocalEndpoint(text: string): boolean {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== "object" || answer === null || !("localEndpoints" in answer)) return true;
    return typeof answer.localEndpoints === "number" && answer.localEndpoints > 0;
  } catch {
    return true;
  }
}
